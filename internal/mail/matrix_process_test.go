//go:build linux

package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/thread"
	gate "github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/store"
	"github.com/psagate/psagate/internal/tickets"
)

// scene is where a process of the crash matrix finds all that outlives it.
type scene struct {
	IMAP, PSA, Dir string
	Poll           time.Duration
}

const (
	psaUser     = "api@example.com"
	psaPassword = "pass-word-of-the-psa"
	levelTwo    = 29683354 // the queue of the alias
)

var errDead = errors.New("the process is dead")

// record is a secret source with one record, which may be away.
type record struct{ away atomic.Bool }

func (r *record) Read(context.Context, string) (secret.Record, error) {
	if r.away.Load() {
		return secret.Record{}, errors.New("the vault is sealed")
	}
	return secret.Record{Path: "main", Version: 1, Fields: map[string]secret.Value{
		"username": secret.NewValue(psaUser), "secret": secret.NewValue(psaPassword), "integration_code": secret.NewValue("CODE"),
	}}, nil
}

// process is a psagate as far as mails know of it: the store, a gateway, the reader of a mailbox, and a driver. It works when pass is
// called.
type process struct {
	testing.TB
	hit     func(p *process, point string) // what happens at a point
	store   *store.Store
	secrets *secret.Store
	gateway *gate.Gateway
	tickets *tickets.Tickets
	reader  *reader
	driver  *drive.Driver
	door    *door // nil: no mails come in by SMTP
	woken   chan struct{}
	dead    atomic.Bool
}

// made is what a process is given.
type made struct {
	scene
	route    route.Mailbox
	rules    ledger.Rules
	fallback drive.Fallback
	imap     imap.Mailbox // what is not a scene's
	door     string       // where mails come in by SMTP; empty: nowhere
	record   *record
	vault    secret.Source // instead of record, where it is not nil
	now      func() time.Time
	log      *slog.Logger
	hit      func(p *process, point string)
}

func matrixKeys(t testing.TB) thread.Keys {
	t.Helper()
	keys, err := thread.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// supportBox is the mailbox of the matrix.
func supportBox(t testing.TB) route.Mailbox {
	t.Helper()
	return route.Mailbox{
		Name: "support", Tenant: "main", Keys: matrixKeys(t), Default: route.Fields{Company: "0", Queue: "Level I Support"},
		Aliases: []route.Alias{{Address: imaptest.User, Fields: route.Fields{Queue: "Level II Support"}}},
	}
}

// place is the store's. Its TTL is short enough for a process that stands still, and long enough for a machine that is busy.
func (s scene) place() store.Config {
	return store.Config{Kind: store.SQLite, Place: filepath.Join(s.Dir, "store", "psagate.db"), Dir: filepath.Join(s.Dir, "host"), TTL: 5 * time.Second}
}

// newGate is what of a process makes calls: the store, a gateway, and what is known of tickets.
func newGate(t testing.TB, m made) *process {
	t.Helper()
	p := &process{TB: t, hit: m.hit, store: store.New(m.log), woken: make(chan struct{}, 1)}
	if err := p.store.Start(context.Background(), m.place()); err != nil {
		t.Fatal(err)
	}
	source, options := secret.Source(m.record), secret.Options{Poll: 50 * time.Millisecond, Logger: m.log}
	if m.vault != nil {
		source, options = m.vault, vaultOptions(m.log)
	}
	p.secrets = secret.NewStore("file", source, options)
	p.secrets.Start(context.Background())
	shared := gate.NewShared(p.store, m.log)
	begun := shared.Hold()
	var err error
	p.gateway, err = gate.New(gate.Config{
		Stores: map[string]gate.Store{"file": {Store: p.secrets, Kind: "file"}},
		Logins: []gate.Login{{
			Name: "main", Store: "file", Path: "main", Discover: m.PSA, Hosts: []string{"127.0.0.1"}, InsecureHTTP: true,
			Settings: guard.Settings{Linger: time.Second, QueueDeadline: 2 * time.Second}.WithDefaults(),
		}},
		Mailboxes: []gate.Mailbox{{Name: "support", Login: "main"}}, Log: m.log,
	}, shared)
	if err != nil {
		t.Fatal(err)
	}
	p.gateway.Commit()
	begun(bytes.Repeat([]byte{1}, 32), nil)
	inside, err := p.gateway.Inside("support")
	if err != nil {
		t.Fatal(err)
	}
	p.tickets = tickets.New(tickets.Options{Caller: caller{inside, p}, Now: m.now, Log: m.log})
	return p
}

// newProcess starts one.
func newProcess(t testing.TB, m made) *process {
	t.Helper()
	p := newGate(t, m)
	box := m.imap
	box.Server, box.User, box.Poll = m.IMAP, imaptest.User, m.Poll
	books := books{p.store.Mail(), p}
	p.reader = newReader(&Mailbox{Route: m.route, IMAP: &box}, books, p.wake, m.log)
	p.reader.running = run(nil, m.log, "the reading of a mailbox", p.reader.read)
	p.openDoor(m, books)
	p.driver = &drive.Driver{
		Mailbox: m.route, Ledger: books, Ticketer: p.tickets, Source: source{acks{p.reader}, p}, Directory: p.tickets, Rules: m.rules, Fallback: m.fallback,
		Down: p.tickets.Down, Participates: p.tickets.Participates, FileMost: tickets.FileMost, Now: m.now, Log: m.log,
	}
	return p
}

func (p *process) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// pass does what is due once. The process may die of it.
func (p *process) pass() (steps int, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		steps, err = p.driver.Pass(context.Background())
	}()
	<-ended
	if p.dead.Load() {
		return steps, nil
	}
	return steps, err
}

// die ends the process where it stands, which is in pass.
func (p *process) die() {
	p.kill()
	runtime.Goexit()
}

// kill has nothing more come out of it. What it is at it does not end.
func (p *process) kill() {
	p.dead.Store(true)
	p.reader.stop()
	if p.door != nil {
		p.door.stop()
	}
}

// end waits until nothing of it is left.
func (p *process) end() {
	p.kill()
	<-p.reader.done
	if p.door != nil {
		<-p.door.done
	}
	p.gateway.Close()
	p.secrets.Stop()
	_ = p.store.Close()
}

// asks tells whether the API can be used, as what runs beside the work finds out.
func (p *process) asks() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _, _ = p.tickets.TicketByID(ctx, 1)
	return p.tickets.Down().IsZero()
}

// books are the ledger of a process.
type books struct {
	ledger.Ledger
	p *process
}

func (b books) at(point string) error {
	if !b.p.dead.Load() {
		b.p.hit(b.p, point)
	}
	if b.p.dead.Load() {
		return errDead
	}
	return nil
}

func (b books) Spool(ctx context.Context, m ledger.Mail, raw []byte) (kept ledger.Mail, fresh bool, err error) {
	if err := b.at("before spool"); err != nil {
		return kept, false, err
	}
	if kept, fresh, err = b.Ledger.Spool(ctx, m, raw); err == nil {
		err = b.at("after spool")
	}
	return kept, fresh, err
}

func (b books) Update(ctx context.Context, m ledger.Mail) (ledger.Mail, error) {
	point := fmt.Sprintf("write %s %d", m.State, m.Item)
	if err := b.at("before " + point); err != nil {
		return m, err
	}
	m, err := b.Ledger.Update(ctx, m)
	if err == nil {
		err = b.at("after " + point)
	}
	return m, err
}

func (b books) Raw(ctx context.Context, id int64) ([]byte, error) {
	if err := b.at(fmt.Sprint("read ", id)); err != nil {
		return nil, err
	}
	return b.Ledger.Raw(ctx, id)
}

// source is where a process acknowledges.
type source struct {
	acks
	p *process
}

func (s source) Acknowledge(ctx context.Context, object string, end ledger.State) (bool, error) {
	s.p.hit(s.p, "before acknowledge")
	rows, err := s.p.store.Mail().List(ctx, ledger.Query{Mailbox: "support", States: []ledger.State{end}, Most: 10_000})
	if err != nil || !slices.ContainsFunc(rows, func(m ledger.Mail) bool { return m.Object == object }) {
		s.p.Errorf("I3: %s is acknowledged, and the books know no end of it: %v", object, err)
	}
	there, err := s.acks.Acknowledge(ctx, object, end)
	s.p.hit(s.p, "after acknowledge")
	return there, err
}

// caller makes the calls of a process.
type caller struct {
	tickets.Caller
	p *process
}

var ids = regexp.MustCompile(`/\d+`)

func (c caller) Call(ctx context.Context, method, path string, body []byte) (gate.InsideAnswer, error) {
	point := method + " " + ids.ReplaceAllString(path, "/N")
	c.p.hit(c.p, "before "+point)
	a, err := c.Caller.Call(ctx, method, path, body)
	c.p.hit(c.p, "after "+point)
	return a, err
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
