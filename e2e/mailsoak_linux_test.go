package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/mailsoak"
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
	ctx, end := context.WithCancel(context.Background())
	var operating sync.WaitGroup
	operating.Go(func() { s.operates(ctx) })
	defer operating.Wait()
	defer end()
	var sending sync.WaitGroup
	sending.Go(func() { s.send(mails, length) })
	s.trouble(r, length)
	sending.Wait()
	s.calms(len(mails))
	s.judge(mails)
}
