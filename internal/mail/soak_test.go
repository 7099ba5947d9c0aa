//go:build linux

package mail

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	netsmtp "net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/mailsoak"
	"github.com/psagate/psagate/internal/psatest"
)

// soakRules are short, so that what a killed process was at is taken up within seconds. The simulated PSA does nothing later than Settle.
var soakRules = ledger.Rules{
	Lease: 4 * time.Second, SendWithin: 2 * time.Second, Answer: 5 * time.Second, Settle: 4 * time.Second, Apart: 500 * time.Millisecond,
	Backoff: 200 * time.Millisecond, BackoffMost: 2 * time.Second,
}

// soakSize is how long mails come and processes are killed, and how many mails: PSAGATE_MAILSOAK, else as much as each run of the tests
// can afford.
func soakSize(t *testing.T) (length time.Duration, mails int, every time.Duration) {
	t.Helper()
	text := os.Getenv("PSAGATE_MAILSOAK")
	if text == "" {
		return 7 * time.Second, 40, 3 * time.Second
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PSAGATE_MAILSOAK: %v", err)
	}
	return length, int(length.Seconds() * 5000 / 120), 4 * time.Second // which is 5,000 in two minutes
}

// soakSeed is what the chances begin with: PSAGATE_MAILSOAK_SEED, else another one each time.
func soakSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("PSAGATE_MAILSOAK_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("PSAGATE_MAILSOAK_SEED: %v", err)
	}
	return seed
}

// soak is two processes on one store, one mailbox, and the mails that come.
type soak struct {
	*testing.T
	plan   soakPlan
	server *imaptest.Server
	sim    *psatest.Sim
	tenant *psatest.Tenant
	user   *psatest.User
	seats  [2]soakSeat
	kills  int
	again  atomic.Int32 // how often a sender had to come again
}

// soakSeat is where a process runs, and after it the next one.
type soakSeat struct {
	door  string
	cmd   *exec.Cmd
	stdin io.Closer
}

func (s *soak) start(i int) {
	s.Helper()
	plan := s.plan
	plan.Door = s.seats[i].door
	text, err := json.Marshal(plan)
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAProcessOfTheSoak$")
	cmd.Env = append(os.Environ(), soakScene+"="+string(text), "GORACE=atexit_sleep_ms=0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(plan.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.seats[i].cmd, s.seats[i].stdin = cmd, stdin
}

// kill is kill -9.
func (s *soak) kill(i int) {
	_ = s.seats[i].cmd.Process.Kill()
	_ = s.seats[i].cmd.Wait()
	_ = s.seats[i].stdin.Close()
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	dir, err := os.MkdirTemp("", "psagate-mailsoak")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &soak{T: t, server: imaptest.Start(t, imaptest.Options{}), sim: psatest.New()}
	t.Cleanup(s.sim.Close)
	s.tenant = s.sim.AddTenant("Example", s.sim.AddZone("Five"))
	s.tenant.Seed(seeded)
	s.user = s.tenant.AddUser(psaUser, psaPassword, "CODE")
	s.plan.scene = scene{IMAP: s.server.Plain, PSA: s.sim.DiscoverURL(), Dir: dir, Poll: time.Second}
	for i := range s.seats {
		s.seats[i].door = lowAddress(t)
		s.start(i)
		t.Cleanup(func() { s.kill(i) })
	}
	s.agesBooks()
	return s
}

// agesBooks has the books begun long ago. While they are young it may be that older ones were lost, so each ticket is looked for in the PSA
// before it is made: nothing would be doubled, whatever rule were broken.
func (s *soak) agesBooks() {
	s.Helper()
	s.books() // which waits until the store is made
	db, err := sql.Open("sqlite", "file:"+s.plan.place().Place+"?_pragma=busy_timeout(10000)")
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE store SET made = made - ?`, (24 * time.Hour).Microseconds()); err != nil {
		s.Fatal(err)
	}
}

// sends has a mail come, by SMTP as from a server that comes again until it is told 250.
func (s *soak) sends(ctx context.Context, r *rand.Rand, m mailsoak.Mail) {
	if !m.BySMTP {
		s.server.Deliver(m.Raw)
		return
	}
	for ctx.Err() == nil {
		door := s.seats[r.IntN(len(s.seats))].door
		if netsmtp.SendMail(door, nil, "sender@example.com", []string{imaptest.User}, m.Raw) == nil {
			return
		}
		s.again.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
	s.Errorf("%s was never taken", m.Token)
}

// The corpora's mails, varied, come by IMAP and by SMTP while one of two processes is killed at random every few seconds. Then all is calm, and each mail must
// have become one thing. scripts/mailsoak has the binary go through that for two minutes, and `scripts/mailsoak engine` this.
func TestAMailSoakLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	length, count, every := soakSize(t)
	seed := soakSeed(t)
	t.Logf("PSAGATE_MAILSOAK=%v PSAGATE_MAILSOAK_SEED=%d: %d mails", length, seed, count)
	s := newSoak(t)
	from, r := mailsoak.Originals(t), rand.New(rand.NewPCG(seed, 0))
	mails := make([]mailsoak.Mail, count)
	for i := range mails {
		mails[i] = mailsoak.Vary(r, from, i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), length+2*patience)
	defer cancel()
	var sending sync.WaitGroup
	sending.Go(func() {
		r := rand.New(rand.NewPCG(seed, 1))
		began := time.Now()
		for i, m := range mails {
			s.sends(ctx, r, m)
			time.Sleep(time.Until(began.Add(length * time.Duration(i+1) / time.Duration(count))))
		}
	})
	for end := time.Now().Add(length); time.Now().Before(end); {
		// Whoever is killed while the guard tries whether the PSA answers again, keeps all waiting for a minute: that is not for each run.
		time.Sleep(every*3/4 + time.Duration(r.Int64N(int64(every/2))))
		i := r.IntN(len(s.seats))
		s.kill(i)
		s.start(i)
		s.kills++
	}
	sending.Wait()
	defer func() {
		if log, _ := os.ReadFile(filepath.Join(s.plan.Dir, "log")); s.Failed() {
			s.Logf("the processes said at last:\n%s", log[max(0, len(log)-8000):])
		}
	}()
	s.calms(mails)
	s.judge(mails)
}

// calms waits until nothing is left to be done, for as long as anything moves: mails may be many, and the machine slow.
func (s *soak) calms(mails []mailsoak.Mail) {
	s.Helper()
	began := time.Now()
	books := s.books()
	last, since := "", time.Now()
	for {
		b, err := books.store.Mail().Balance(context.Background(), "support")
		counts, wrong := books.store.Mail().Counts(context.Background())
		inbox := len(s.server.Folder("INBOX"))
		if err == nil && b.Seen >= len(mails) && b.Pending == 0 && inbox == 0 {
			s.Logf("%d kills; %d times a sender had to come again; it was calm after %v; %+v", s.kills, s.again.Load(), time.Since(began).Round(time.Second), b)
			return
		}
		if now := fmt.Sprint(counts["support"].States, inbox); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > 2*patience {
			books.asks()
			s.Fatalf("it does not come to an end: %+v, %v, %v; in each state, and in the inbox: %s; the API: %q", b, err, wrong, last, books.tickets.WhyDown())
		}
		time.Sleep(200 * time.Millisecond)
	}
}
