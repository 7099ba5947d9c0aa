package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/psatest"
)

// psaTakes is how long the PSA of the figures takes for each request.
const psaTakes = 50 * time.Millisecond

// mailWorld is a real psagate process with mailboxes, a PSA, and a mail server where there is one, to be measured.
type mailWorld struct {
	*testing.B
	dir    string
	sim    *psatest.Sim
	tenant *psatest.Tenant
	inbox  *imaptest.Server // nil without one
	smtp   string
	cmd    *exec.Cmd
	ended  chan struct{}
	made   int // how much of the PSA's ledger was looked at
}

// newMailWorld starts no process yet.
func newMailWorld(b *testing.B, inbox *imaptest.Server) *mailWorld {
	b.Helper()
	// The name is short: the path of a socket must be.
	dir, err := os.MkdirTemp("", "psamail")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &mailWorld{B: b, dir: dir, sim: psatest.New(), inbox: inbox, smtp: freePort(b)}
	b.Cleanup(w.sim.Close)
	w.tenant = w.sim.AddTenant("Example", w.sim.AddZone("Five"))
	w.tenant.Seed(3)
	w.tenant.AddUser(user, mailSecret, code)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = psaTakes })
	w.put("secrets.json", map[string]map[string]string{
		"autotask/main": {"username": user, "secret": mailSecret, "integration_code": code},
		"mail/support":  {"password": imaptest.Password},
	})
	return w
}

const mailSecret = "Figures-4711-word"

func freePort(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *mailWorld) path(name string) string { return filepath.Join(w.dir, name) }

func (w *mailWorld) put(name string, what any) {
	w.Helper()
	text, isText := what.(string)
	if !isText {
		data, err := json.Marshal(what)
		if err != nil {
			w.Fatal(err)
		}
		text = string(data)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// mailbox is a mail block for a user of the mail server, and one for mails that come in by SMTP where the user is empty.
func (w *mailWorld) mailbox(name, user, tls string) string {
	if user == "" {
		return fmt.Sprintf("mail %s {\n smtp %s\n alias %s {\n queue 8\n }\n }\n", name, w.smtp, imaptest.User)
	}
	server := w.inbox.Plain
	if tls == "on" {
		server = w.inbox.TLS
	}
	ca := ""
	if tls == "on" {
		ca = "ca " + w.inbox.Certificate()
	}
	return fmt.Sprintf("mail %s {\n imap %s {\n login %s secret file mail/support password\n tls %s\n %s\n }\n alias %s {\n queue 8\n }\n }\n", name, server, user, tls, ca, user)
}

// start runs psagate with mail blocks until it takes commands.
func (w *mailWorld) start(blocks string) {
	w.Helper()
	w.put("Caddyfile", fmt.Sprintf("{\nadmin unix/%s|0600\npersist_config off\npsa {\nsecrets file %s\nlogin main {\nsecret file autotask/main\ndiscover %s\nhosts 127.0.0.1\ninsecure_http\n}\n%s}\n}\n",
		w.path("admin"), w.path("secrets.json"), w.sim.DiscoverURL(), blocks))
	binary, err := builds[false]()
	if err != nil {
		w.Fatal(err)
	}
	out, err := os.Create(w.path("output.log"))
	if err != nil {
		w.Fatal(err)
	}
	defer out.Close()
	w.cmd, w.ended = exec.Command(binary, "run", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"), make(chan struct{})
	w.cmd.Dir, w.cmd.Stdout, w.cmd.Stderr = w.dir, out, out
	w.cmd.Env = []string{"HOME=" + w.dir, "XDG_DATA_HOME=" + w.path("data"), "XDG_CONFIG_HOME=" + w.path("config"), "TMPDIR=" + w.dir}
	if err := w.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	go func() {
		_ = w.cmd.Wait()
		close(w.ended)
	}()
	w.Cleanup(func() {
		_ = w.cmd.Process.Signal(syscall.SIGTERM)
		<-w.ended
	})
	w.until("it serves", func() bool { return strings.Contains(w.log(), "serving initial configuration") })
}

func (w *mailWorld) log() string {
	text, _ := os.ReadFile(w.path("output.log"))
	return string(text)
}

// until asks until the answer is yes.
func (w *mailWorld) until(what string, so func() bool) {
	w.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for tooLate := time.Now().Add(10 * time.Minute); !so(); {
		select {
		case <-w.ended:
			w.Fatalf("psagate ended before %s:\n%s", what, w.log())
		case <-again.C:
		}
		if time.Now().After(tooLate) {
			log := w.log()
			w.Fatalf("waited in vain until %s:\n%s", what, log[max(0, len(log)-4000):])
		}
	}
}

// arrive has a mail come, and returns when it was accepted.
func (w *mailWorld) arrive(raw []byte) time.Time {
	w.Helper()
	if w.inbox != nil {
		w.inbox.Deliver(raw)
		return time.Now()
	}
	if err := w.bring(raw); err != nil {
		w.Error(err) // of a goroutine too
	}
	return time.Now()
}

// bring brings a mail by SMTP, as mail servers do: they say its size first (RFC 1870).
func (w *mailWorld) bring(raw []byte) error {
	c, err := smtp.Dial(w.smtp)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail("ada@customer.test", &smtp.MailOptions{Size: int64(len(raw))}); err != nil {
		return err
	}
	if err := c.Rcpt(imaptest.User, nil); err != nil {
		return err
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(raw); err != nil {
		return err
	}
	return errors.Join(data.Close(), c.Quit())
}

// creates are when the PSA was asked to create tickets since the last call of creates.
func (w *mailWorld) creates() (at []time.Time, requests int) {
	ledger := w.sim.Ledger()[w.made:]
	w.made += len(ledger)
	for _, s := range ledger {
		if s.Method == "POST" && strings.HasSuffix(strings.ToLower(s.Path), "/v1.0/tickets") {
			at = append(at, s.At)
		}
	}
	return at, len(ledger)
}

// ticket waits for the next one.
func (w *mailWorld) ticket() (at time.Time, requests int) {
	w.Helper()
	w.until("a ticket is made", func() bool {
		all, n := w.creates()
		requests += n
		if len(all) > 0 {
			at = all[0]
		}
		return len(all) > 0
	})
	return at, requests
}

// memory reads a field of the process's status, in bytes.
func (w *mailWorld) memory(field string) float64 {
	w.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	if err != nil {
		w.Fatal(err)
	}
	found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		w.Fatalf("there is no %s", field)
	}
	kilobytes, _ := strconv.ParseFloat(string(found[1]), 64)
	return kilobytes * 1024
}

// forgetPeak has VmHWM begin anew.
func (w *mailWorld) forgetPeak() {
	w.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.cmd.Process.Pid), []byte("5"), 0); err != nil {
		w.Fatal(err)
	}
}

// processor is the time that the process has had of it.
func (w *mailWorld) processor() time.Duration {
	w.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
	if err != nil {
		w.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on every Linux
}

// connections counts those of the process to an address.
func (w *mailWorld) connections(to string) (n int) {
	w.Helper()
	_, port, _ := net.SplitHostPort(to)
	number, _ := strconv.Atoi(port)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", w.cmd.Process.Pid))
	if err != nil {
		w.Fatal(err)
	}
	const established = "01"
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 3 && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) && fields[3] == established {
			n++
		}
	}
	return n
}

// profile keeps one of the process where PSAGATE_MAILBENCH_PROFILES names a folder.
func (w *mailWorld) profile(kind string) {
	w.Helper()
	folder := os.Getenv("PSAGATE_MAILBENCH_PROFILES")
	if folder == "" {
		return
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.path("admin"))
	}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://admin/debug/pprof/" + kind)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(w.Name(), "/", "-")+"."+kind), text, 0o600)
	}
	if err != nil {
		w.Fatal(err)
	}
}
