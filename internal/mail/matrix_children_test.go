//go:build linux

package mail

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/internal/imaptest"
)

// childScene is the environment variable by which the tests' program becomes a process of the matrix.
const childScene = "PSAGATE_MATRIX_SCENE"

// childPlan is what such a process is told.
type childPlan struct {
	scene
	// Stops is the point at which it stops itself (SIGSTOP), as a process that is held up.
	Stops string
	// Reads says that it reads the mailbox alone.
	Reads bool
}

// TestAProcessOfItsOwn is no test but a process that tests start, which ends with its standard input. It prints each point that it comes
// to.
func TestAProcessOfItsOwn(t *testing.T) {
	text := os.Getenv(childScene)
	if text == "" {
		return
	}
	var plan childPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	p := newProcess(t, made{
		scene: plan.scene, route: supportBox(t), record: new(record), log: slog.New(slog.DiscardHandler),
		imap: imap.Mailbox{TLS: imap.TLSOff, Password: func(context.Context) (string, error) { return imaptest.Password, nil }},
		now: func() time.Time {
			text, err := os.ReadFile(clockFile(plan.Dir))
			n, _ := strconv.ParseInt(string(text), 10, 64)
			if err != nil || n == 0 {
				t.Error("there is no clock")
			}
			return time.Unix(0, n).UTC()
		},
		hit: func(_ *process, point string) {
			mu.Lock()
			fmt.Println("at", point)
			stops := point == plan.Stops
			if stops {
				plan.Stops = ""
			}
			mu.Unlock()
			if stops { // and this goroutine does nothing more before it is told to go on
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				<-goesOn
			}
		},
	})
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	for {
		select {
		case <-over:
			return
		case <-time.After(moment):
			if !plan.Reads {
				_, _ = p.pass()
			}
		}
	}
}

// child is such a process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func (w *matrix) child(plan childPlan) *child {
	w.Helper()
	plan.scene = w.scene
	text, err := json.Marshal(plan)
	if err != nil {
		w.Fatal(err)
	}
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^TestAProcessOfItsOwn$")}
	c.cmd.Env = append(os.Environ(), childScene+"="+string(text))
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		w.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.kill)
	return c
}

// comes waits until it has come to a point so many times more.
func (c *child) comes(w *matrix, point string, times int) {
	w.Helper()
	defer time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() }).Stop()
	for c.lines.Scan() {
		if c.lines.Text() == "at "+point {
			if times--; times == 0 {
				return
			}
		}
	}
	w.Fatalf("the process ended before it came to %s", point)
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) stopped() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(stat), ") ")
	return err == nil && strings.HasPrefix(after, "T")
}

// heavy is a mail whose commit takes some writing.
func heavy(id string) *letter {
	l := withFiles(id, 1)
	l.raw = bytes.Replace(l.raw, []byte(strings.Repeat("0,", fileSize/2)), []byte(strings.Repeat("0123456789abcdef,\r\n", 20_000)), 1)
	return l
}

// rowsOfProcesses are those that need more than one process.
var rowsOfProcesses = []row{
	{no: 5, server: "Dovecot, store", at: "kill -9 in the commit", run: func(w *matrix) {
		for i := range 6 {
			w.arrive(heavy(fmt.Sprint("h", i)))
		}
		for _, at := range []int{3, 2} { // what the first had is not fetched again
			c := w.child(childPlan{Reads: true})
			c.comes(w, "before spool", at)
			c.kill()
		}
	}},
	{no: 27, server: "store, PSA", at: "SIGSTOP after the intent, for longer than the lease", run: func(w *matrix) {
		w.arrive(plain("a"))
		c := w.child(childPlan{Stops: "after write in-flight 0"})
		c.comes(w, "after write in-flight 0", 1)
		w.until("it stands still", c.stopped)
		w.settle()
		if n := len(w.tickets("token-a.")); n != 1 {
			w.Errorf("%d tickets", n)
		}
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
		c.comes(w, "before write ready 0", 1) // it has seen that it may not send any more
	}},
	{no: 27, server: "Dovecot, store, PSA", at: "two processes at once on one mailbox", run: func(w *matrix) {
		for i := range 8 {
			w.arrive(withFiles(fmt.Sprint("m", i), 1))
		}
		w.start()
		with := w.made
		with.hit = func(*process, string) {}
		p := newProcess(w.T, with)
		over := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() {
			defer p.end()
			for {
				select {
				case <-over:
					return
				default:
				}
				if _, err := p.pass(); err != nil {
					w.Error(err)
				}
			}
		})
		w.settle()
		close(over)
		running.Wait()
	}},
}
