package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/mailsoak"
	"github.com/psagate/psagate/internal/psatest"
)

// The soak of the mail broker: scripts/mailsoak runs it, and says how. It is no test of each run, since the binary's times are not
// shortened for it: what a killed process had sent is settled after eight minutes. internal/mail has one with short ones.

const (
	// mailKill is about how far kills lie apart, and mailKillOne while the other one is stopped. Whoever is killed with calls under way
	// keeps all others waiting until the guard has found out that the PSA answers: with fewer seconds nothing would be done at all.
	mailKill, mailKillOne = 4 * time.Second, 10 * time.Second
	// mailStop is how long a process is stopped: longer than the lease of a step, which is a minute (ledger.Default).
	mailStop = 65 * time.Second
	// mailTooLate is when the PSA does what it was asked for after it was given up, and was sent again after ledger.Default's Settle and
	// Apart, and what the drivers wait beside that.
	mailTooLate = 11 * time.Minute
	// mailStill is how long nothing may move: what is in doubt waits for more than nine minutes (ledger.Default: SendWithin, Answer, Settle,
	// Apart), and what was sent too late for longer.
	mailStill = 12 * time.Minute
)

// mailSoakLength is how long mails come and troubles, and how many mails: 5,000 in two minutes.
func mailSoakLength(b *testing.B) (length time.Duration, mails int) {
	b.Helper()
	length = 2 * time.Minute
	if text := os.Getenv("PSAGATE_MAILSOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			b.Fatalf("PSAGATE_MAILSOAK: %v", err)
		}
	}
	return length, int(length.Seconds() * 5000 / 120)
}

// mailSoakSeed is what the chances begin with: PSAGATE_MAILSOAK_SEED, else another one each time.
func mailSoakSeed(b *testing.B) uint64 {
	b.Helper()
	text := os.Getenv("PSAGATE_MAILSOAK_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		b.Fatalf("PSAGATE_MAILSOAK_SEED: %v", err)
	}
	return seed
}

// Mails come by IMAP and by SMTP to two psagates that share a PostgreSQL, while these are killed at random, one is stopped for longer
// than a lease, both are given another config, PostgreSQL dies, and the PSA loses answers and does things late. Then all is calm, and
// each mail must have become one thing, as the PSA and the mail server have it; and the books of both must agree with that.
func BenchmarkMailSoak(b *testing.B) {
	length, count := mailSoakLength(b)
	seed := mailSoakSeed(b)
	b.Logf("PSAGATE_MAILSOAK=%v PSAGATE_MAILSOAK_SEED=%d: %d mails", length, seed, count)
	s := newMailSoak(b, seed)
	from, r := mailsoak.Originals(b), rand.New(rand.NewPCG(seed, 0))
	mails := make([]mailsoak.Mail, count)
	for i := range mails {
		mails[i] = mailsoak.Vary(r, from, i)
	}
	s.began = time.Now()
	var sending sync.WaitGroup
	sending.Go(func() { s.send(mails, length) })
	s.trouble(r, length)
	sending.Wait()
	s.calms(len(mails))
	s.judge(mails)
}

// trouble is all that goes wrong, one after the other but for what is stopped meanwhile.
func (s *mailSoak) trouble(r *rand.Rand, length time.Duration) {
	s.Helper()
	kill := func(apart time.Duration) time.Time { return time.Now().Add(apart*3/4 + some(r, apart/2)) }
	at := func(percent int) time.Time { return s.began.Add(length * time.Duration(percent) / 100) }
	stopped := r.IntN(len(s.seats))
	var from time.Time // when it was stopped
	plan := []struct {
		at   time.Time
		does func()
	}{
		{at(10), s.reload},
		{at(25), func() { from = s.stop(stopped) }},
		{at(50), func() { s.postgresDies(r) }},
	}
	for next, lost := kill(mailKill), at(5); time.Now().Before(at(100)) || !from.IsZero(); time.Sleep(20 * time.Millisecond) {
		for len(plan) > 0 && time.Now().After(plan[0].at) {
			plan[0].does()
			plan = plan[1:]
		}
		if !from.IsZero() && time.Since(from) > mailStop {
			s.goesOn(stopped)
			from = time.Time{}
		}
		if time.Now().After(lost) && lost.Before(at(100)) {
			s.losesAnswers(r)
			lost = lost.Add(length / 6)
		}
		if time.Now().After(next) {
			i := r.IntN(len(s.seats))
			next = kill(mailKill)
			if !from.IsZero() {
				i, next = (stopped+1)%len(s.seats), kill(mailKillOne)
			}
			s.kill(i)
			s.start(i)
			s.kills++
		}
	}
}

// losesAnswers has the PSA store something without an answer, and something late: within the time that the rules allow for that, but for
// the first, which makes a second ticket, and must be flagged.
func (s *mailSoak) losesAnswers(r *rand.Rand) {
	late := some(r, 4*time.Minute)
	if len(s.orders) == 0 {
		late = mailTooLate
	}
	s.orders = append(
		s.orders,
		s.sim.Fault(psatest.Fault{Path: "/Tickets", Method: "POST", At: psatest.Judged, Then: psatest.Later, Delay: late, Times: 1}),
		s.sim.Fault(psatest.Fault{Path: "/Tickets", Method: "POST", At: psatest.Applied, Then: psatest.Reset, Times: 1}),
	)
}

// postgresDies: PostgreSQL dies at once, and is run again.
func (s *mailSoak) postgresDies(r *rand.Rand) {
	s.pg.Kill()
	time.Sleep(500*time.Millisecond + some(r, time.Second))
	s.pg.Run()
	s.says("PostgreSQL was killed, and run again")
}

// stop has a process do nothing, which it does not know.
func (s *mailSoak) stop(i int) time.Time {
	_ = s.seats[i].cmd.Process.Signal(syscall.SIGSTOP)
	s.says("replica %d is stopped for %v", i, mailStop)
	return time.Now()
}

func (s *mailSoak) goesOn(i int) {
	_ = s.seats[i].cmd.Process.Signal(syscall.SIGCONT)
	s.says("replica %d goes on", i)
}

// reload gives all another config, with a rule more.
func (s *mailSoak) reload() {
	s.rule = "rule late {\nwhen `subject.contains('soak')`\npriority 1\n}\n"
	for i := range s.seats {
		s.writeConfig(i)
		out, err := s.command(i, "reload", "--config", s.path(i, "Caddyfile"), "--adapter", "caddyfile")
		if err != nil {
			s.Errorf("replica %d is not given another config: %v: %s", i, err, out)
		}
	}
	s.says("both have another config")
}
