package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// machine is where the figures come from.
type machine struct {
	Cores     int    `json:"cores"`
	Processor string `json:"processor"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	Caddy     string `json:"caddy"`
	Nginx     string `json:"nginx"`
	Wrk       string `json:"wrk"`
	Load      string `json:"load"` // the averages at the start
}

// thisMachine looks. Two Caddys of different versions, or built with different Gos, are an error.
func thisMachine(s settings) (machine, error) {
	m := machine{
		Cores: runtime.NumCPU(), Processor: processor(read("/proc/cpuinfo")), Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		Load: firstFields(read("/proc/loadavg"), 3), Nginx: versionOf("nginx", "-v"), Wrk: versionOf("wrk", "-v"),
	}
	var err error
	if m.Go, m.Caddy, err = builtWith(filepath.Join(s.bin, "caddy")); err != nil {
		return m, err
	}
	goVersion, caddy, err := builtWith(filepath.Join(s.bin, "psagate"))
	if err == nil && (goVersion != m.Go || caddy != m.Caddy) {
		err = fmt.Errorf("psagate is built with %s and Caddy %s, the stock Caddy with %s and %s: build both anew", goVersion, caddy, m.Go, m.Caddy)
	}
	return m, err
}

// builtWith reads the versions of Go and Caddy off a binary.
func builtWith(binary string) (goVersion, caddy string, err error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", "", fmt.Errorf("%w: run scripts/bench, which builds it", err)
	}
	for _, dep := range append(info.Deps, &info.Main) {
		if dep.Path == "github.com/caddyserver/caddy/v2" {
			return info.GoVersion, dep.Version, nil
		}
	}
	return "", "", fmt.Errorf("%s has no Caddy in it", binary)
}

func (m machine) print(out io.Writer) {
	fmt.Fprintf(out, "%d cores (%s), Linux %s, %s, Caddy %s, nginx %s, wrk %s; load %s\n", m.Cores, m.Processor, m.Kernel, m.Go, m.Caddy, m.Nginx, m.Wrk, m.Load)
	fmt.Fprintln(out, "All share the cores: upstream, subject and load. Medians over the turns; ±: from the smallest to the largest; ratio: to stock, turn by turn.")
}

func read(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

func processor(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func firstFields(text string, n int) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(n, len(fields))], " ")
}

// versionOf is the first word with a digit in what a program prints of itself; wrk exits with 1 after it.
func versionOf(name, flag string) string {
	out, _ := exec.Command(name, flag).CombinedOutput()
	for _, word := range strings.Fields(string(bytes.ReplaceAll(out, []byte("/"), []byte(" ")))) {
		if strings.ContainsAny(word, "0123456789") {
			return word
		}
	}
	return "?"
}
