package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// secretsFile is the one file of a world in which secrets may be.
const secretsFile = "secrets.json"

// patience is how long a test waits for what should take a moment.
const patience = time.Minute

// server is a psagate process that runs.
type server struct {
	*exec.Cmd
	ended chan struct{} // closed once it has
}

// command returns a psagate process to be started; it sees the world's folder alone.
func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Dir = w.dir
	cmd.Env = []string{
		"HOME=" + w.dir, "XDG_DATA_HOME=" + w.path("data"), "XDG_CONFIG_HOME=" + w.path("config"), "TMPDIR=" + w.dir,
		"PSAGATE_SECRETS=" + w.path(secretsFile),
		"GORACE=atexit_sleep_ms=0", // else each process built with the race detector takes a second to end
	}
	cmd.Env = append(cmd.Env, w.env...)
	return cmd
}

// start starts the server with the world's Caddyfile and waits until it serves.
func (w *world) start() {
	w.Helper()
	w.write("Caddyfile", w.caddyfile.String())
	out, err := os.OpenFile(w.path("output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer out.Close()
	s := &server{Cmd: w.command(context.Background(), "run", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"), ended: make(chan struct{})}
	s.Stdout, s.Stderr = out, out
	if err := s.Start(); err != nil {
		w.Fatal(err)
	}
	w.server = s
	go func() {
		_ = s.Wait()
		close(s.ended)
	}()
	w.until("it serves", func() bool {
		answer, err := http.Get(w.url("/ATServicesRest/versioninformation"))
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK && w.askPage("/psa/status").status == http.StatusOK // sites may serve before the config is in force
	})
}

// stop asks the process to end, as an operator does, and demands that it ends well. What the admin endpoint showed at last
// is kept, to be searched for secrets.
func (s *server) stop(w *world) {
	w.Helper()
	select {
	case <-s.ended:
	default:
		w.askAdmin()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		w.Error(err)
	}
	s.gone(w)
}

// gone waits for the end of a process that was asked to end.
func (s *server) gone(w *world) {
	w.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		w.Error("the process does not end")
		_ = s.Process.Kill()
		<-s.ended
	}
	if status := s.ProcessState.ExitCode(); status != 0 {
		w.Errorf("the process ended with status %d", status)
	}
}

// until asks again and again until the answer is yes.
func (w *world) until(what string, ask func() bool) {
	w.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	tooLate := time.After(patience)
	for !ask() {
		select {
		case <-again.C:
		case <-w.server.ended:
			w.Fatalf("the process ended before %s", what)
		case <-tooLate:
			w.Fatalf("waited in vain until %s", what)
		}
	}
}

// run runs a command of psagate to its end and returns what it printed and its exit status. What it printed is kept, to be
// searched for secrets.
func (w *world) run(args ...string) (string, int) {
	w.Helper()
	out, status := w.runUnheard(args...)
	file, err := os.OpenFile(w.path("commands.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(out)
		_ = file.Close()
	}
	if err != nil {
		w.Error(err)
	}
	return out, status
}

// runUnheard is run for a command that may print a secret.
func (w *world) runUnheard(args ...string) (string, int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := w.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		w.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// ask runs a command against the server that runs.
func (w *world) ask(line string) (string, int) {
	w.Helper()
	return w.run(append(strings.Fields(line), "--address", "unix/"+w.admin)...)
}

// reload hands the server the world's Caddyfile as it is now, after the replacements.
func (w *world) reload(replace ...string) (string, int) {
	w.Helper()
	w.write("Reloaded", strings.NewReplacer(replace...).Replace(w.caddyfile.String()))
	return w.run("reload", "--address", "unix/"+w.admin, "--config", w.path("Reloaded"), "--adapter", "caddyfile")
}

// loginStatus is how the login stands, as the command status says.
func (w *world) loginStatus() report.LoginStatus {
	w.Helper()
	var s report.Status
	w.asJSON("status", &s)
	if len(s.Logins) != 1 {
		w.Fatalf("%d logins in the status", len(s.Logins))
	}
	return s.Logins[0]
}
