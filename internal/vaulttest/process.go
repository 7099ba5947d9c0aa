package vaulttest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// process is the command, which may be started several times, one after the other.
type process struct {
	binary string
	cmd    *exec.Cmd
	stdin  io.Closer     // the command ends when this is closed, so also when the test process is gone
	ended  chan struct{} // closed once it has ended and err is set
	err    error
	said   bytes.Buffer // on standard error; to be read when it has ended
}

// start starts the command and returns the first line that it prints.
func (p *process) start(flags ...string) (string, error) {
	p.cmd = exec.Command(p.binary, append(flags, "-stdin")...)
	p.cmd.Env = []string{} // no proxies, no settings of Vault's
	p.cmd.Stderr = &p.said
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := p.cmd.Start(); err != nil {
		return "", err
	}
	p.stdin, p.ended = stdin, make(chan struct{})
	first := make(chan string, 1)
	go p.follow(out, first)
	select {
	case line := <-first:
		return line, nil
	case <-p.ended:
		return "", fmt.Errorf("it ended: %w", errors.Join(p.err, errors.New(p.said.String())))
	case <-time.After(patience):
		return "", fmt.Errorf("it does not serve after %s", patience)
	}
}

// follow reads what the command prints to its end and then waits for the command's.
func (p *process) follow(out io.Reader, first chan<- string) {
	lines := bufio.NewScanner(out)
	if lines.Scan() {
		first <- lines.Text()
	}
	_, _ = io.Copy(io.Discard, out)
	p.err = p.cmd.Wait()
	close(p.ended)
}

// running says whether the command was started and has not ended.
func (p *process) running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop has the command end by itself.
func (p *process) stop() error {
	if !p.running() {
		return errors.New("it does not run")
	}
	_ = p.stdin.Close()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		return fmt.Errorf("it does not end after %s", patience)
	}
}

// kill ends the command at once, paused or not.
func (p *process) kill() {
	if p.running() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
