//go:build linux

package mail

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/smtp"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/tickets"
)

// soakScene is the environment variable by which the tests' program becomes a process of the soak.
const soakScene = "PSAGATE_MAILSOAK_SCENE"

// soakPlan is what such a process is told.
type soakPlan struct {
	scene
	Door string
}

// TestAProcessOfTheSoak is no test but a process that the soak starts, which ends with its standard input: an engine over all that is
// real.
func TestAProcessOfTheSoak(t *testing.T) {
	text := os.Getenv(soakScene)
	if text == "" {
		return
	}
	var plan soakPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	p := newGate(t, made{scene: plan.scene, record: new(record), now: time.Now, log: log, hit: func(*process, string) {}})
	e := New(p.store.Mail(), log, nil)
	place := &Door{Place: plan.Door, Listen: func() (net.Listener, error) { return net.Listen("tcp", plan.Door) }, Intake: smtp.Intake{Domain: "mx.example.test"}}
	e.Use(Config{Doors: []*Door{place}, Mailboxes: []*Mailbox{{
		Route: supportBox(t), Door: plan.Door, Rules: soakRules, Loops: loop.Limits{Same: 1 << 20, Sender: 1 << 20}, FileMost: tickets.FileMost,
		IMAP: &imap.Mailbox{
			Server: plan.IMAP, TLS: imap.TLSOff, User: imaptest.User, Poll: plan.Poll,
			Password: func(context.Context) (string, error) { return imaptest.Password, nil },
		},
		PSA: PSA{Ticketer: p.tickets, Directory: p.tickets, Participates: p.tickets.Participates, Down: p.tickets.Down, Run: p.asksOften},
	}}})
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// asksOften is what runs beside the work and finds out whether the API can be used again, sooner than where nobody waits for it.
func (p *process) asksOften(ctx context.Context) {
	for ctx.Err() == nil {
		if !p.tickets.Down().IsZero() {
			p.asks()
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
