//go:build unix

// Package imaptest runs a real Dovecot for tests, of which nothing is shared: mails are put into its maildir and looked for
// there, so that a test sees what the server has, not what a client of ours believes.
package imaptest

import (
	"bytes"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

// User is the one that there is, Password is his.
const (
	User     = "support@example.test"
	Password = "correct-horse-battery"
)

// patience bounds what a test waits for; on an idle machine all of it takes a moment.
const patience = 30 * time.Second

// Options are what a test wants otherwise.
type Options struct {
	// Capabilities are those that the server says it has, where it is not all of them.
	Capabilities string
	// Introspect is a URL where the server asks about access tokens (RFC 7662).
	Introspect string
	// Mechanisms are those beside PLAIN by which a user signs in, where Introspect is set; both where it is empty.
	Mechanisms string
	// Users are more users than User, with the same password.
	Users []string
}

// Server is a Dovecot of a test's own.
type Server struct {
	t   testing.TB
	dir string
	// TLS is the host:port for TLS from the start, Plain that for none, or STARTTLS.
	TLS, Plain string
	// Roots vouch for its certificate, which is for localhost and 127.0.0.1.
	Roots *x509.CertPool
	as    *syscall.SysProcAttr
	owner *user.User
	cmd   *exec.Cmd
	said  bytes.Buffer
	mails atomic.Int32
}

// Start makes a server and runs it until the test ends. Where there is no Dovecot on this machine the test is left out.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	bin, err := exec.LookPath("dovecot")
	if err != nil {
		bin = "/usr/sbin/dovecot" // which is not in everybody's path
	}
	if _, err := os.Stat(bin); err != nil {
		realparts.LeftOut(t, "an IMAP server: there is no dovecot. On Debian: apt-get install dovecot-imapd")
	}
	dir, err := os.MkdirTemp("", "psagate-imap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir, TLS: realparts.FreeAddress(t), Plain: realparts.FreeAddress(t), as: &syscall.SysProcAttr{Setpgid: true}}
	s.runAs()
	users := ""
	for _, name := range append([]string{User}, options.Users...) {
		users += name + ":{PLAIN}" + Password + "\n"
	}
	s.write("users", users)
	s.Roots = s.certificate()
	s.write("oauth2.conf", oauthConfig(options.Introspect))
	s.write("dovecot.conf", s.config(options))
	s.own()
	s.run(bin)
	return s
}

// runAs is whom the server runs as: ourselves, or nobody where we are root.
func (s *Server) runAs() {
	s.t.Helper()
	var err error
	if s.owner, err = user.Current(); err != nil {
		s.t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if s.owner, err = user.Lookup("nobody"); err != nil {
		s.t.Fatal(err)
	}
	uid, gid := s.ids()
	s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *Server) ids() (uid, gid int) {
	uid, _ = strconv.Atoi(s.owner.Uid)
	gid, _ = strconv.Atoi(s.owner.Gid)
	return uid, gid
}

// own gives all files to whom the server runs as.
func (s *Server) own() {
	s.t.Helper()
	uid, gid := s.ids()
	err := filepath.WalkDir(s.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || os.Geteuid() != 0 {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs the server and waits until it answers.
func (s *Server) run(bin string) {
	s.t.Helper()
	s.cmd = exec.Command(bin, "-F", "-c", filepath.Join(s.dir, "dovecot.conf"))
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stderr, s.cmd.Stdout = s.as, s.dir, &s.said, &s.said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.kill)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !s.greets(); <-tick.C {
		if time.Now().After(end) {
			s.kill()
			s.t.Fatalf("Dovecot does not answer:\n%s\n%s", s.said.String(), s.Log())
		}
	}
}

func (s *Server) greets() bool {
	conn, err := net.Dial("tcp", s.Plain)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	word := make([]byte, 4)
	n, _ := conn.Read(word)
	return strings.HasPrefix(string(word[:n]), "* OK")
}

func (s *Server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // its children have groups of their own
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Certificate is the file of its certificate, in PEM, for programs that are to trust it.
func (s *Server) Certificate() string { return filepath.Join(s.dir, "cert.pem") }

// Log is what the server has written down.
func (s *Server) Log() string {
	s.t.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, "dovecot.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(log)
}

// SignIns counts those that the server has judged, right or wrong.
func (s *Server) SignIns() int {
	s.t.Helper()
	return strings.Count(s.Log(), "imap-login: Info: Login: ") + strings.Count(s.Log(), "Password mismatch")
}

// Signal sends a signal to the processes that serve users.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	ids, err := exec.Command("pgrep", "-x", "-P", strconv.Itoa(s.cmd.Process.Pid), "imap").Output()
	if err != nil {
		s.t.Fatalf("no imap process: %v", err)
	}
	for _, field := range bytes.Fields(ids) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			_ = syscall.Kill(pid, sig)
		}
	}
}
