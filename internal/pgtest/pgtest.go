//go:build unix

// Package pgtest runs a real PostgreSQL for tests.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/psagate/psagate/internal/realparts"
)

// Server is a PostgreSQL of a test's own.
type Server struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	as   *syscall.SysProcAttr
	cmd  *exec.Cmd
	made atomic.Int32
}

// patience bounds what a test waits for; on an idle machine all of it takes a moment.
const patience = 60 * time.Second

// Start makes a server and runs it until the test ends. Where there is no PostgreSQL on this machine the test is left out.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		realparts.LeftOut(t, "PostgreSQL: %v. On Debian: apt-get install postgresql", err)
	}
	dir, err := os.MkdirTemp("", "psagate-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, bin: bin, dir: dir, port: freePort(t), as: &syscall.SysProcAttr{Setpgid: true}}
	s.notRoot()
	s.run("initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions")
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

// binaries finds the folder of PostgreSQL's programs: Debian has them outside the path.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("there is no initdb")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// notRoot sees to it that the server does not run as root, which it refuses.
func (s *Server) notRoot() {
	if os.Geteuid() != 0 {
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		s.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(s.dir, uid, gid); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) run(name string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Run runs the server, which must not run, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	var said bytes.Buffer
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=on", "-c", "max_connections=200")
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stderr = s.as, s.dir, &said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); db.Ping() != nil; <-tick.C {
		if time.Now().After(end) {
			s.Kill()
			s.t.Fatalf("PostgreSQL does not answer:\n%s", said.String())
		}
	}
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Promote runs the server, which must not run, as a standby that takes over does: it goes on in another history of its own.
func (s *Server) Promote() {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "data", "standby.signal"), nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.Run()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("SELECT pg_promote()"); err != nil {
		s.t.Fatal(err)
	}
}

// Signal sends a signal to all of the server's processes: SIGSTOP and SIGCONT make it hang for a while.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	ids, err := exec.Command("pgrep", "-P", strconv.Itoa(s.cmd.Process.Pid)).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, field := range append(bytes.Fields(ids), []byte(strconv.Itoa(s.cmd.Process.Pid))) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			_ = syscall.Kill(pid, sig)
		}
	}
}

// Addr is the server's host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func (s *Server) url(db string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Addr(), db)
}

// Database makes an empty database and returns its URL.
func (s *Server) Database() string {
	s.t.Helper()
	name := fmt.Sprintf("psagate%d", s.made.Add(1))
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		s.t.Fatal(err)
	}
	return s.url(name)
}
