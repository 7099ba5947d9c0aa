package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/realparts"
)

// others are the ways to a Caddy with psagate in it that is not this repository's binary. They build without the race
// detector, and as far as they can from what is compiled already.
var others = map[string]func(t *testing.T, binary string){
	"by a blank import": buildByBlankImport,
	"by xcaddy":         buildByXcaddy,
}

func TestACaddyThatOthersBuildWorksTheSame(t *testing.T) {
	t.Parallel()
	for name, build := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caddy := filepath.Join(built, "caddy "+name)
			build(t, caddy)
			w := newWorld(t)
			psagate := w.binary
			w.hasTheSameModulesAs(psagate, caddy)
			w.adaptsAs(psagate, caddy)
			w.binary = caddy
			w.servesAsPsagateDoes()
		})
	}
}

// hasTheSameModulesAs compares what is in the two binaries, Caddy's version too.
func (w *world) hasTheSameModulesAs(psagate, caddy string) {
	w.Helper()
	want, got := w.both(psagate, caddy, "list-modules", "--skip-standard")
	if got != want || !strings.Contains(got, "\nhttp.handlers.psa_proxy") {
		w.Errorf("modules of psagate:\n%s\nof the other Caddy:\n%s", want, got)
	}
	version := caddyVersion(w.T)
	if out, status := w.run("version"); status != 0 || !strings.HasPrefix(out, version+" ") {
		w.Errorf("version: exit status %d, %q, want %s", status, out, version)
	}
}

// adaptsAs demands that both make the same JSON, to the byte, of Caddyfiles.
func (w *world) adaptsAs(psagate, caddy string) {
	w.Helper()
	examples, _ := filepath.Glob("../examples/*/Caddyfile")
	w.write("Caddyfile", w.caddyfile.String())
	for _, file := range append(examples, "../Caddyfile", w.path("Caddyfile")) {
		path, err := filepath.Abs(file)
		if err != nil {
			w.Fatal(err)
		}
		want, got := w.both(psagate, caddy, "adapt", "--config", path, "--adapter", "caddyfile")
		if got != want || !strings.Contains(got, `"psa":{`) { // not each has a site: one takes mails alone
			w.Errorf("%s becomes\n%s\nwith psagate, and\n%s\nwith the other Caddy", file, want, got)
		}
	}
}

// both runs a command with both binaries and returns what it prints, without its log. Its exit status must be 0.
func (w *world) both(psagate, caddy string, args ...string) (string, string) {
	w.Helper()
	var out [2][]byte
	for i, binary := range []string{psagate, caddy} {
		w.binary = binary
		var err error
		if out[i], err = w.command(w.Context(), args...).Output(); err != nil {
			w.Errorf("%s %v: %v", filepath.Base(binary), args, err)
		}
	}
	return string(out[0]), string(out[1])
}

// servesAsPsagateDoes lets the world's binary live from its first command to its last.
func (w *world) servesAsPsagateDoes() {
	w.Helper()
	if out, status := w.run("validate", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"); status != 0 {
		w.Errorf("validate: exit status %d: %s", status, out)
	}
	if out, status := w.run("psa", "release"); status != 2 || !strings.Contains(out, "caddy psa release: it takes <login>") {
		w.Errorf("wrong usage: exit status %d: %s", status, out)
	}
	w.start()
	r := w.request("a", "GET", "/Tickets/1", nil)
	r.Header.Set("Secret", "not a key")
	if a := send(w.T, http.DefaultClient, r); a.status != 401 || a.reason() != "" {
		w.Errorf("a caller without a key: %d %s %s", a.status, a.reason(), a.body)
	}
	w.served("a")
	w.says("psa status", 0, "login main: serving", "5 of 5 free")
	w.says("psa check main --json", 0, `"ok": true`)
	w.unharmed(0)
}

// blankImport is Caddy's own main with one more line.
const blankImport = `package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/psagate/psagate"
)

func main() { caddycmd.Main() }
`

// buildByBlankImport builds a module of its own, which knows this checkout and nothing else.
func buildByBlankImport(t *testing.T, binary string) {
	t.Helper()
	checkout := checkout(t)
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(built, "blank import")
	for name, text := range map[string]string{
		"main.go": blankImport,
		"go.mod":  fmt.Sprintf("module caddy\n\ngo 1.26.0\n\nrequire github.com/psagate/psagate v0.0.0\n\nreplace github.com/psagate/psagate => %q\n", checkout),
		"go.sum":  string(sums),
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-o", binary, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// buildByXcaddy builds with xcaddy, which looks for modules on the network where the module cache lacks them.
//
// Its tags are those that it uses by itself; its other flags would compile all of Caddy anew. The version makes it ask
// nobody which ones there are of a module that is here.
func buildByXcaddy(t *testing.T, binary string) {
	t.Helper()
	cmd := exec.Command("go", "tool", "-modfile=../tools/go.mod", "xcaddy", "build", caddyVersion(t),
		"--with", "github.com/psagate/psagate@v0.0.0="+checkout(t), "--output", binary)
	cmd.Env = append(os.Environ(), "XCADDY_GO_BUILD_FLAGS=-tags=nobadger,nomysql,nopgx", "CGO_ENABLED="+goPrints(t, "env", "CGO_ENABLED"))
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case bytes.Contains(out, []byte("Building Caddy")):
		t.Fatalf("%v: %s", err, out)
	default:
		realparts.LeftOut(t, "a Caddy built by xcaddy (%v); it needs the network: %s", err, out)
	}
}

// checkout returns the folder of this module.
func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// caddyVersion returns the version of Caddy that go.mod names.
func caddyVersion(t *testing.T) string {
	t.Helper()
	return goPrints(t, "list", "-m", "-f", "{{.Version}}", "github.com/caddyserver/caddy/v2")
}

// goPrints returns what the go command prints.
func goPrints(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}
