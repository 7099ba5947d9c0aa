package tickets

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/policy"
)

const user = "api@example.com"

// record is a secret source with one record.
type record struct {
	mu sync.Mutex
	r  secret.Record
}

func (r *record) Read(context.Context, string) (secret.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r, nil
}

func (r *record) put(password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.r = secret.Record{Path: "main", Version: r.r.Version + 1, Fields: map[string]secret.Value{
		"username": secret.NewValue(user), "secret": secret.NewValue(password), "integration_code": secret.NewValue("CODE"),
	}}
}

// world is a mailbox's Tickets over a whole gateway, before a simulated PSA, all in memory and on a clock of its own.
type world struct {
	*testing.T
	*Tickets
	sim    *psatest.Sim
	zone   *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
	record *record
	cfg    call.Config
	shared *call.Shared
	g      *call.Gateway
	log    *lines
	backs  atomic.Int32 // how often the API was told to be back
}

func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		if strings.Contains(w.log.String(), "pass-word") {
			t.Error("the log has a secret")
		}
		w.g.Close()
		w.sim.Close()
	})
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newWorld(t *testing.T) *world {
	network := psatest.NewNetwork()
	w := &world{T: t, sim: psatest.New(), record: new(record), log: new(lines)}
	w.sim.DiscoveryOn(network.Listen("127.0.0.1:5000"))
	w.zone = w.sim.AddZoneOn("Five", network.Listen("127.0.0.1:5005"))
	w.tenant = w.sim.AddTenant("Example", w.zone)
	w.tenant.Seed(12)
	w.user = w.tenant.AddUser(user, "pass-word", "CODE")
	w.record.put("pass-word")
	log := slog.New(slog.NewTextHandler(w.log, nil))
	store := secret.NewStore("file", w.record, secret.Options{Logger: log})
	store.Start(context.Background())
	t.Cleanup(store.Stop)
	w.shared = call.NewShared(new(guard.Memory), log)
	w.cfg = call.Config{
		Stores: map[string]call.Store{"file": {Store: store, Kind: "file"}},
		Logins: []call.Login{{
			Name: "main", Store: "file", Path: "main", Discover: "http://127.0.0.1:5000", Hosts: []string{"127.0.0.1"}, InsecureHTTP: true,
			Settings: guard.Settings{}.WithDefaults(),
		}},
		Mailboxes: []call.Mailbox{{Name: "support", Login: "main"}},
		Log:       log, Dial: network.DialContext,
	}
	w.load()
	return w
}

// load puts the config into force, and has the mailbox begin anew.
func (w *world) load() {
	w.Helper()
	g, err := call.New(w.cfg, w.shared)
	if err != nil {
		w.Fatal(err)
	}
	g.Commit()
	if w.g != nil {
		w.g.Close()
	}
	w.g = g
	inside, err := g.Inside("support")
	if err != nil {
		w.Fatal(err)
	}
	w.Tickets = New(Options{Caller: inside, Back: func() { w.backs.Add(1) }, Log: w.cfg.Log})
}

// policy puts a policy into force.
func (w *world) policy(text string) {
	w.Helper()
	p, err := policy.Load([]policy.Source{{Name: "test.cedar", Text: []byte(text)}}, policy.Options{})
	if err != nil {
		w.Fatal(err)
	}
	w.cfg.Policy = judge{p}
	w.load()
}

type judge struct{ *policy.Policies }

func (judge) Observes() bool { return false }

// reference is the n-th of some.
func ref(n int) string { return "mb1" + strings.Repeat("a", 31) + string(rune('a'+n)) }

// mail is a ticket to be made.
func mail(n int) drive.Ticket {
	return drive.Ticket{
		Reference: ref(n), Title: "The printer burns", Description: "It does.\n\nRef: " + ref(n),
		Fields: route.Fields{Company: "1", Queue: "Level I Support", Priority: "High", Source: "Email", IssueType: "Computer", SubIssueType: "Hardware"},
	}
}

// create makes a ticket.
func (w *world) create(t drive.Ticket) int64 {
	w.Helper()
	id, err := w.Create(w.Context(), t)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// stored is what the PSA has of an entity beyond what it was seeded with.
func (w *world) stored(entity string, seeded int) []map[string]any {
	return w.tenant.Records(entity)[seeded:]
}

func (w *world) made() []map[string]any { return w.stored("Tickets", 12) }

func (w *world) troubled(with string) {
	w.Helper()
	for _, t := range w.Troubles() {
		if strings.Contains(t.Text, with) {
			return
		}
	}
	w.Errorf("no trouble says %q: %+v", with, w.Troubles())
}

// idle lets a minute pass.
func idle() { time.Sleep(time.Minute) }
