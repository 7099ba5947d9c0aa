package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/pgtest"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

// mailSoak is two psagates with one mailbox and one PostgreSQL, a mail server and a PSA.
type mailSoak struct {
	*testing.B
	dir    string
	seed   uint64
	binary string
	pg     *pgtest.Server
	db     string
	inbox  *imaptest.Server
	sim    *psatest.Sim
	tenant *psatest.Tenant
	user   *psatest.User
	orders []*psatest.Order
	seats  [2]mailSeat
	rule   string // of the mailbox
	began  time.Time
	kills  int
	again  atomic.Int32 // how often a sender had to come again
}

// mailSeat is where a process runs, and after it the next one.
type mailSeat struct {
	door  string
	cmd   *exec.Cmd
	ended chan struct{}
}

// queueOfMails is where all tickets are to be.
const queueOfMails = 8

// newMailSoak starts all, and waits until both serve.
func newMailSoak(b *testing.B, seed uint64) *mailSoak {
	b.Helper()
	dir, err := os.MkdirTemp("", "psasoak") // short, as a socket's path must be
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &mailSoak{B: b, dir: dir, seed: seed, pg: pgtest.Start(b), inbox: imaptest.Start(b, imaptest.Options{}), sim: psatest.New()}
	b.Cleanup(s.sim.Close)
	s.db = s.pg.Database()
	s.sim.KeepLedger(1000)
	s.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 20 * time.Millisecond }) // so that kills meet calls that are under way
	s.tenant = s.sim.AddTenant("Example", s.sim.AddZone("Five"))
	s.tenant.Seed(3)
	s.user = s.tenant.AddUser(user, mailSecret, code)
	text, err := json.Marshal(map[string]map[string]string{
		"autotask/main":        {"username": user, "secret": mailSecret, "integration_code": code},
		"mail/support":         {"password": imaptest.Password},
		"psagate/installation": {"key": strings.Repeat("k3y!", 10)},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, secretsFile), text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	if s.binary, err = builds[false](); err != nil {
		b.Fatal(err)
	}
	for i := range s.seats {
		s.seats[i].door = realparts.FreeAddress(b)
		if err := os.Mkdir(s.path(i, ""), 0o700); err != nil {
			b.Fatal(err)
		}
		s.writeConfig(i)
		s.start(i)
		b.Cleanup(func() { s.kill(i) })
	}
	b.Cleanup(s.tellsLogs)
	for i := range s.seats {
		for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			_, err := s.books(i) // which are there once the store is
			if err == nil {
				break
			}
			if time.Now().After(end) {
				b.Fatalf("replica %d does not serve: %v", i, err)
			}
		}
	}
	s.agesBooks()
	return s
}

// agesBooks has the books begun long ago. While they are young it may be that older ones were lost, so each ticket is looked for in the PSA
// before it is made: nothing would be doubled, whatever rule were broken.
func (s *mailSoak) agesBooks() {
	s.Helper()
	db, err := sql.Open("pgx", s.db)
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(s.Context(), `UPDATE store SET made = made - $1`, (24 * time.Hour).Microseconds()); err != nil {
		s.Fatal(err)
	}
}

// tellsLogs says, where something failed, what the processes found wrong at last.
func (s *mailSoak) tellsLogs() {
	for i := range s.seats {
		if !s.Failed() {
			return
		}
		log, _ := os.ReadFile(s.path(i, "log"))
		lines := slices.DeleteFunc(strings.Split(string(log), "\n"), func(line string) bool { return strings.HasPrefix(line, `{"level":"info"`) })
		s.Logf("replica %d said at last:\n%s", i, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
}

func (s *mailSoak) path(i int, name string) string { return filepath.Join(s.dir, fmt.Sprint(i), name) }

// says something as it happens.
func (s *mailSoak) says(format string, args ...any) {
	s.Logf("%v: %s", time.Since(s.began).Round(time.Second), fmt.Sprintf(format, args...))
}

func (s *mailSoak) writeConfig(i int) {
	s.Helper()
	text := fmt.Sprintf(`{
	admin unix/%s|0600
	persist_config off
	psa {
		secrets file %s
		store postgres %s {
			ttl 5s
		}
		installation_key secret file psagate/installation
		login main {
			secret file autotask/main
			discover %s
			hosts 127.0.0.1
			insecure_http
			lockout 7 {
				linger 2s
			}
		}
		mail support {
			imap %s {
				login %s secret file mail/support password
				ca %s
				poll 5s
			}
			limit 1000000 per hour
			smtp %s {
				domain mx.example.test
			}
			alias %[6]s {
				queue %[9]d
			}
			default {
				queue %[9]d
			}
			%[10]s
		}
	}
}
`, s.path(i, "admin"), filepath.Join(s.dir, secretsFile), s.db, s.sim.DiscoverURL(), s.inbox.TLS, imaptest.User, s.inbox.Certificate(), s.seats[i].door, queueOfMails, s.rule)
	if err := os.WriteFile(s.path(i, "Caddyfile"), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// psagate is a command of the binary, which sees the folder of a replica.
func (s *mailSoak) psagate(ctx context.Context, i int, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Dir = s.path(i, "")
	cmd.Env = []string{"HOME=" + cmd.Dir, "XDG_DATA_HOME=" + s.path(i, "data"), "XDG_CONFIG_HOME=" + s.path(i, "config"), "TMPDIR=" + cmd.Dir}
	return cmd
}

// command asks a replica something.
func (s *mailSoak) command(i int, args ...string) ([]byte, error) {
	return s.commandIn(patience, i, args...)
}

// commandIn is command for an answer within a time.
func (s *mailSoak) commandIn(within time.Duration, i int, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	cmd := s.psagate(ctx, i, append(args, "--address", "unix/"+s.path(i, "admin"))...)
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

// start runs a psagate.
func (s *mailSoak) start(i int) {
	s.Helper()
	log, err := os.OpenFile(s.path(i, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.Fatal(err)
	}
	defer log.Close()
	cmd, ended := s.psagate(context.Background(), i, "run", "--config", s.path(i, "Caddyfile"), "--adapter", "caddyfile"), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.seats[i].cmd, s.seats[i].ended = cmd, ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
}

// kill is kill -9. Nothing else may have ended the process.
func (s *mailSoak) kill(i int) {
	seat := &s.seats[i]
	select {
	case <-seat.ended:
		s.Errorf("replica %d ended by itself", i)
	default:
		_ = seat.cmd.Process.Kill()
		<-seat.ended
	}
}
