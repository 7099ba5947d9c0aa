package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

// actsAs makes this test binary the demo, with the story of that name.
const actsAs = "PSAGATE_TEST_ACTS_AS_DEMO"

func TestMain(m *testing.M) {
	switch os.Getenv(actsAs) {
	case "":
		os.Exit(m.Run())
	case "short":
		story = story[:2]
	case "people":
		story = story[len(story)-2:]
	case "impossible":
		story = story[1:2]
		story[0].promises = []promise{busy, failedAtMost(-1), allServed}
	}
	main()
}

// demo is a process that runs the demo.
type demo struct {
	*exec.Cmd
	out  *bufio.Reader
	errs strings.Builder
	home string
}

func startDemo(t *testing.T, which string, args ...string) *demo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // one that hangs is killed
	t.Cleanup(cancel)
	d := &demo{Cmd: exec.CommandContext(ctx, os.Args[0], append(args, "-listen", "127.0.0.1:0")...)}
	var err error
	if d.home, err = os.MkdirTemp("", "psa"); err != nil { // t.TempDir's paths are too long for sockets
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d.home) })
	d.Env = append(os.Environ(), actsAs+"="+which, "HOME="+d.home, "TMPDIR="+d.home, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=")
	d.Stderr = &d.errs
	out, err := d.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.out = bufio.NewReader(out)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

// until reads what is told, up to a line that has a text, or to the end.
func (d *demo) until(text string) string {
	var told strings.Builder
	for {
		line, err := d.out.ReadString('\n')
		told.WriteString(line)
		if err != nil || text != "" && strings.Contains(line, text) {
			return told.String()
		}
	}
}

// left is what the demo has left behind.
func (d *demo) left(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(d.home)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheWholeStoryHolds(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "whole", "-once")
	told := d.until("")
	if err := d.Wait(); err != nil || d.errs.String() != "" {
		t.Fatalf("%v: %s\n%s", err, d.errs.String(), told)
	}
	for _, want := range []string{
		"not served  8 calls: 8 bare 401\n", ": LOCKED\n", "not served  64 calls: 64 credential-refused\n", " too-many-failures, 10 bare 401\n",
		"not served  5 calls: 5 policy\n", `resource == Entity::"Tickets");`, "All 67 promises held.\n",
		"        permit (principal == Person::\"demo/bob\",", "ann, of the provider demo: enable rmm\n", ", of the second zone\n",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not tell %q:\n%s", want, told)
		}
	}
	for _, c := range story {
		if !strings.Contains(told, c.title) {
			t.Errorf("it does not tell of %q", c.title)
		}
	}
	if strings.Contains(told, "BROKEN") || strings.Contains(told, "\x1b") {
		t.Errorf("it tells\n%s", told)
	}
	for line := range strings.Lines(told) {
		if len(line) > 81 && !strings.Contains(line, d.home) {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	if left := d.left(t); len(left) > 0 {
		t.Errorf("it leaves %q", left)
	}
}

func TestABrokenPromiseIsTheExitStatus(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "impossible", "-once")
	told := d.until("")
	if err := d.Wait(); d.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v: %s\n%s", err, d.errs.String(), told)
	}
	if want := "broken promise: Normal traffic: failed sign-ins: 0, at most -1\n"; strings.Count(d.errs.String(), "broken promise") != 1 || !strings.Contains(d.errs.String(), want) {
		t.Errorf("the errors are %q, want %q", d.errs.String(), want)
	}
	if !strings.Contains(told, "BROKEN  failed sign-ins ") || !strings.Contains(told, "1 of 3 promises were BROKEN.") {
		t.Errorf("it tells\n%s", told)
	}
	left := d.left(t)
	if len(left) != 1 || !strings.Contains(d.errs.String(), "the demo's files are kept in "+d.home+"/"+left[0]) {
		t.Errorf("it leaves %q and says %q", left, d.errs.String())
	}
}

var commands = regexp.MustCompile(`(?m)^  ((?:curl|go run|XDG_DATA_HOME=\S+ go run) (?:.*\\\n)*.*)$`)

func TestAfterTheStoryTheExamplesWorkUntilItIsStopped(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "short")
	d.until("until Ctrl-C")
	told, asked := d.until("--adapter caddyfile"), time.Now()
	found := commands.FindAllStringSubmatch(told, -1)
	if len(found) != 10 {
		t.Fatalf("%d examples in\n%s", len(found), told)
	}
	t.Run("curl", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			realparts.LeftOut(t, "the examples, as curl runs them")
		}
		for i, want := range []string{`"ticketNumber"`, `"pageDetails"`, "HTTP/1.1 401 Unauthorized\r\n", ""} {
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", found[i][1]).Output(); err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s\n%v: %s", found[i][1], err, out)
			}
		}
		for i, want := range []string{`"description":"From: person1@company1.example`, "1 seen = 1 ticket + "} { // the last was a mail
			for out := ""; !strings.Contains(out, want); time.Sleep(100 * time.Millisecond) {
				if time.Since(asked) > 2*time.Minute {
					t.Fatalf("%s\nsays never %q, but\n%s", found[4+i][1], want, out)
				}
				cmd := exec.CommandContext(t.Context(), "sh", "-c", found[4+i][1])
				cmd.Dir = "../.."
				text, _ := cmd.CombinedOutput()
				out = string(text)
			}
		}
	})
	t.Run("status", func(t *testing.T) {
		_, address, _ := strings.Cut(found[6][1], "go run ./cmd/psagate status \\\n    --address unix/")
		if status, err := askAdmin(t.Context(), address); err != nil || !strings.Contains(status, `"state":"serving"`) {
			t.Errorf("%q: %v: %s", address, err, status)
		}
	})
	t.Run("policy and audit", func(t *testing.T) {
		for i, want := range []string{"deny: no policy permits it; this one would:", " as they were, 0 otherwise", "the log is as it was written"} {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", found[7+i][1])
			cmd.Dir = "../.."
			if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), want) {
				t.Errorf("%s\n%s", found[7+i][1], out)
			}
		}
	})
	// The page is left open, as people leave it: that keeps nothing from stopping.
	_, console, _ := strings.Cut(d.until("telephone"), "The console, for people: ")
	console, _, _ = strings.Cut(console, " ")
	bob, err := newBrowser()
	if err != nil {
		t.Fatal(err)
	}
	if err = bob.open(t.Context(), console); err == nil {
		err = bob.follow(t.Context(), "Bob")
	}
	if err != nil || !bob.shows("You are signed in as Bob.") {
		t.Fatalf("%s: %v", console, err)
	}
	if err = bob.open(t.Context(), console+"mailbox?name=support"); err != nil || !strings.Contains(bob.title(), "Mailbox support") || !bob.shows(" seen = ") {
		t.Fatalf("%s: %v", bob.title(), err)
	}
	open, err := bob.client.Get(console + "live?page=")
	if err != nil || open.StatusCode != http.StatusOK {
		t.Fatalf("%v: %v", open, err)
	}
	defer open.Body.Close()
	t.Run("the integrations call on", func(t *testing.T) {
		_, address, _ := strings.Cut(found[6][1], "--address unix/")
		log := filepath.Join(filepath.Dir(address), "audit.log")
		for before := len(callsIn(t, log)); len(callsIn(t, log)) < before+4; {
			if time.Since(asked) > 3*time.Minute {
				t.Fatalf("%d calls, and no more come", before)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	if err := d.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest := d.until("")
	if err := d.Wait(); err != nil || !strings.Contains(rest, "Stopped.") || len(d.left(t)) > 0 {
		t.Errorf("%v: %s %s, it leaves %q", err, rest, d.errs.String(), d.left(t))
	}
}

// callsIn are the calls that an audit log tells of.
func callsIn(t *testing.T, log string) []string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`"kind":"call"`).FindAllString(string(text), -1)
}

// askAdmin asks the admin endpoint on a socket for the status.
func askAdmin(ctx context.Context, socket string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/psa/status", nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", socket, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func TestAStoryThatIsInterruptedSaysSo(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "whole")
	d.until("begin to call")
	if err := d.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	d.until("")
	_ = d.Wait()
	if d.ProcessState.ExitCode() != 1 || d.errs.String() != "demo: interrupted before the end of the story\n" || len(d.left(t)) > 0 {
		t.Errorf("%v: %q, it leaves %q", d.ProcessState, d.errs.String(), d.left(t))
	}
}
