package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// process is a server, with the processes that it starts itself.
type process struct {
	cmd   *exec.Cmd
	log   string // file of what it prints
	ended chan struct{}
}

// startProcess starts a server in a folder, which is all that it sees of the machine's settings.
func startProcess(ctx context.Context, dir string, command []string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), log: filepath.Join(dir, "output.log"), ended: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // by its group its children are found
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the server and all that it started.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// said is the end of what the server printed, for an error.
func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// group returns the ids of the server's processes.
func (p *process) group() ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var pids []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if s, err := parseStat(text); err == nil && s.group == p.cmd.Process.Pid {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	if len(pids) == 0 {
		return nil, errors.New("the server has ended: " + p.said())
	}
	return pids, nil
}

// cpu is the processor time that the server has taken.
func (p *process) cpu() (time.Duration, error) {
	var sum time.Duration
	err := p.each("stat", func(text []byte) error {
		s, err := parseStat(text)
		sum += s.cpu
		return err
	})
	return sum, err
}

// peak is the most memory that the server had since the last resetPeak, in bytes: of several processes the sum, with what
// they share counted for each.
func (p *process) peak() (int64, error) {
	var sum int64
	err := p.each("status", func(text []byte) error {
		size, err := parsePeak(text)
		sum += size
		return err
	})
	return sum, err
}

func (p *process) resetPeak() error {
	pids, err := p.group()
	for _, pid := range pids {
		err = errors.Join(err, os.WriteFile("/proc/"+pid+"/clear_refs", []byte("5"), 0))
	}
	return err
}

func (p *process) each(file string, do func([]byte) error) error {
	pids, err := p.group()
	for _, pid := range pids {
		text, readErr := os.ReadFile("/proc/" + pid + "/" + file)
		if readErr == nil {
			readErr = do(text)
		}
		err = errors.Join(err, readErr)
	}
	return err
}

// tick is the unit of processor time in /proc: USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// stat is what is read of /proc/PID/stat.
type stat struct {
	group int
	cpu   time.Duration
}

// parseStat reads /proc/PID/stat. The second field, a name, may hold anything, so the rest is found from its end.
func parseStat(text []byte) (stat, error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return stat{}, fmt.Errorf("/proc/PID/stat is not as it should be: %q", text)
	}
	group, err1 := strconv.Atoi(string(fields[2]))
	user, err2 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err3 := strconv.ParseInt(string(fields[12]), 10, 64)
	return stat{group, time.Duration(user+system) * tick}, errors.Join(err1, err2, err3)
}

// parsePeak reads VmHWM of /proc/PID/status, in bytes.
func parsePeak(text []byte) (int64, error) {
	_, after, found := bytes.Cut(text, []byte("\nVmHWM:"))
	fields := bytes.Fields(after)
	if !found || len(fields) < 2 || string(fields[1]) != "kB" {
		return 0, errors.New("/proc/PID/status shows no VmHWM")
	}
	size, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return size << 10, err
}

// parseBusy reads the machine's processor time that was not idle off /proc/stat, what others took from a virtual one included.
func parseBusy(text []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, errors.New("/proc/stat is not as it should be")
	}
	var sum int64
	for i, field := range fields[1:9] { // user nice system idle iowait irq softirq steal; guests are within user
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 {
			sum += n
		}
	}
	return time.Duration(sum) * tick, nil
}
