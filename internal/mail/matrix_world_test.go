//go:build linux

package mail

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/psatest"
)

// matrix is the world of a row: a real Dovecot, a simulated PSA and its mail service, and a folder, which outlive processes. Its clock
// stands unless it is told to go on, and mail service and PSA go by it; the IMAP server is asked in real time meanwhile.
type matrix struct {
	*testing.T
	made
	server *imaptest.Server
	sim    *psatest.Sim
	zone   *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
	orders []*psatest.Order
	wires  wires
	log    lines

	password atomic.Value // of the mailbox
	asked    atomic.Int32 // how often that was looked at
	clock    atomic.Int64 // nanoseconds
	later    []alarm      // what happens at a time of the clock
	early    bool         // mails come before the books begin
	between  func()       // what happens between two processes
	outage   bool         // the API is not expected to be usable
	idle     int          // how often nothing was done of what is due

	mu    sync.Mutex
	fates map[string][]func() // by point, one after the other
	p     *process            // nil: none runs

	letters    []*letter
	expected   int // rows that there will be at least
	suppressed int // of which nothing becomes
	apart      int // seeded tickets, which are not ours
}

type alarm struct {
	at time.Time
	do func()
}

const seeded = 3

func newMatrix(t *testing.T, options imaptest.Options) *matrix {
	t.Helper()
	w := &matrix{T: t, server: imaptest.Start(t, options), fates: map[string][]func(){}, apart: seeded}
	dir, err := os.MkdirTemp("", "psagate-matrix")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.password.Store(imaptest.Password)
	w.set(time.Now().UTC().Truncate(time.Second))
	w.sim = psatest.New(psatest.WithClock(w.time))
	t.Cleanup(w.sim.Close)
	w.zone = w.sim.AddZone("Five")
	w.tenant = w.sim.AddTenant("Example", w.zone)
	w.tenant.Seed(seeded)
	w.user = w.tenant.AddUser(psaUser, psaPassword, "CODE")
	w.made = made{
		scene: scene{IMAP: w.server.Plain, PSA: w.sim.DiscoverURL(), Dir: dir, Poll: 20 * time.Millisecond},
		route: supportBox(t), record: new(record), now: w.time, log: slog.New(slog.NewTextHandler(&w.log, nil)), hit: w.hit,
		imap: imap.Mailbox{TLS: imap.TLSOff, Dial: w.wires.dial, Password: func(context.Context) (string, error) {
			w.asked.Add(1)
			return w.password.Load().(string), nil
		}},
	}
	w.writeClock()
	t.Cleanup(func() {
		w.stop()
		log := w.log.String()
		if strings.Contains(log, psaPassword) || strings.Contains(log, imaptest.Password) {
			t.Error("I7: the log has a secret")
		}
		if t.Failed() {
			t.Logf("the log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	return w
}

func (w *matrix) time() time.Time   { return time.Unix(0, w.clock.Load()).UTC() }
func (w *matrix) set(now time.Time) { w.clock.Store(now.UnixNano()) }

// clockFile tells the time to processes of their own.
func clockFile(dir string) string { return filepath.Join(dir, "clock") }

func (w *matrix) writeClock() {
	name := clockFile(w.Dir)
	for _, err := range []error{os.WriteFile(name+".new", []byte(strconv.FormatInt(w.clock.Load(), 10)), 0o600), os.Rename(name+".new", name)} {
		if err != nil {
			w.Fatal(err)
		}
	}
}

// pass lets time go by.
func (w *matrix) goOn(by time.Duration) {
	w.set(w.time().Add(by))
	w.writeClock()
	for i := 0; i < len(w.later); i++ {
		if a := w.later[i]; !a.at.After(w.time()) {
			w.later = append(w.later[:i], w.later[i+1:]...)
			i--
			a.do()
		}
	}
}

// in has something happen after a while.
func (w *matrix) in(after time.Duration, do func()) {
	w.later = append(w.later, alarm{w.time().Add(after), do})
}

// at has things happen at a point, one each time that a process comes to it.
func (w *matrix) at(point string, do ...func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[point] = append(w.fates[point], do...)
}

func (w *matrix) hit(_ *process, point string) {
	w.mu.Lock()
	list := w.fates[point]
	if len(list) > 0 {
		w.fates[point] = list[1:]
	}
	w.mu.Unlock()
	if len(list) > 0 && list[0] != nil {
		list[0]()
	}
}

// die and kill end the process: where it stands in its pass, and from elsewhere.
func (w *matrix) die()  { w.p.die() }
func (w *matrix) kill() { w.p.kill() }

// fault has something go wrong at the PSA, as often as it says, which must happen.
func (w *matrix) fault(f psatest.Fault) *psatest.Order {
	w.Helper()
	o := w.sim.Fault(f)
	if f.Times > 0 {
		w.orders = append(w.orders, o)
	}
	return o
}

// start starts a process where none is.
func (w *matrix) start() {
	w.Helper()
	if w.p == nil {
		w.p = newProcess(w.T, w.made)
	}
}

// stop ends the process, if there is one.
func (w *matrix) stop() {
	if w.p != nil {
		w.p.end()
		w.p = nil
		if w.between != nil && w.Context().Err() == nil {
			w.between()
		}
	}
}

// letter is a mail, and what is to become of it.
type letter struct {
	id    string
	raw   []byte
	want  ledger.State // Done for one ticket, or with note for a note
	note  bool
	files int  // that it has at the ticket
	smtp  bool // it came by SMTP
	taken bool // somebody has taken it out of the inbox
	twice bool // there are two, and that is flagged
	// merged: the PSA has put it into another ticket, as a note; the books have it as a ticket.
	merged bool
	// unseen: it was never in the books.
	unseen bool
}

func (l *letter) token() string { return "token-" + l.id + "." }

func plain(id string) *letter {
	return &letter{id: id, want: ledger.Done, raw: fmt.Appendf(nil, "From: jo@acme.example\r\nTo: %s\r\nSubject: Printer token-%s.\r\nMessage-ID: <%s@acme.example>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\nIt is on fire: token-%s.\r\n", imaptest.User, id, id, id)}
}

func answer(to, id string) *letter {
	l := plain(id)
	l.raw, l.note = bytes.Replace(l.raw, []byte("Date:"), []byte("In-Reply-To: <"+to+"@acme.example>\r\nDate:"), 1), true
	return l
}

// fileSize is that of each file of a mail with files.
const fileSize = 100

func withFiles(id string, files int) *letter {
	l := plain(id)
	head, _, _ := bytes.Cut(l.raw, []byte("\r\n\r\n"))
	l.raw = append(head, "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nFiles: token-"+id+".\r\n"...)
	for i := range files {
		l.raw = fmt.Appendf(l.raw, "--b\r\nContent-Type: text/csv; name=f%d.csv\r\nContent-Disposition: attachment; filename=f%d.csv\r\n\r\n%s\r\n", i, i, strings.Repeat(fmt.Sprintf("%d,", i), fileSize/2))
	}
	l.raw, l.files = append(l.raw, "--b--\r\n"...), files
	return l
}

// arrive puts mails into the inbox. They came later than the books began, or each would be looked for before it is sent.
func (w *matrix) arrive(letters ...*letter) {
	w.Helper()
	for _, l := range letters {
		w.letters = append(w.letters, l)
		at := time.Now().Add(2 * time.Hour)
		if w.early {
			at = time.Now()
		}
		w.server.DeliverAt(l.raw, at)
		if !l.unseen {
			w.expected++
		}
	}
}

// rows are those of the books.
func (w *matrix) rows() (all []ledger.Mail) {
	w.Helper()
	all, err := w.p.store.Mail().List(context.Background(), ledger.Query{Mailbox: "support", Oldest: true, Most: 10_000})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// patience bounds what is waited for; on an idle machine all of it takes a moment.
const patience = time.Minute

func (w *matrix) until(what string, is func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("it never came to this: %s", what)
		}
	}
}

// settle runs processes, which begin anew when they die, until nothing is left to be done.
func (w *matrix) settle() {
	w.Helper()
	end := time.Now().Add(patience)
	for !w.step() {
		if time.Now().After(end) {
			w.Fatalf("it does not come to an end: %+v\ninbox %d, Processed %d", w.rows(), len(w.server.Folder("INBOX")), len(w.server.Folder("Processed")))
		}
	}
}

const moment = 5 * time.Millisecond

// idleMost is how often nothing is done of what is due before it is taken to wait for something else.
const idleMost = 20

// step does what is to be done next, or waits for it; true: nothing is.
func (w *matrix) step() bool {
	w.Helper()
	w.start()
	if w.reading() && w.works() {
		w.idle = 0
		return false
	}
	if w.p.dead.Load() {
		w.stop()
		return false
	}
	rows, due := w.rows(), false
	next, open := w.time().Add(24*time.Hour), len(w.later) > 0
	for _, m := range rows {
		if m.State.Ended() && m.Acknowledged {
			continue
		}
		open, due = true, due || !m.Due.After(w.time())
		if m.Due.After(w.time()) && m.Due.Before(next) {
			next = m.Due
		}
	}
	for _, a := range w.later {
		if a.at.Before(next) {
			next = a.at
		}
	}
	switch {
	case !w.reading(), len(rows) < w.expected: // the server is asked in real time
		time.Sleep(moment)
	case !w.outage && !w.p.tickets.Down().IsZero():
		if !w.p.asks() {
			time.Sleep(10 * moment)
		}
	case !open && w.left() == 0:
		return true
	case !open, due && w.idle < idleMost: // what is due may only just have become so: the clock does not leave it behind
		w.idle++
		time.Sleep(moment)
	default:
		w.idle = 0
		w.goOn(min(next.Sub(w.time()), 30*time.Minute))
	}
	return false
}

// left is how many mails of the inbox are not done with by what the server says.
func (w *matrix) left() (n int) {
	w.Helper()
	for _, m := range w.server.Folder("INBOX") {
		if !w.stays() || m.Raw != string(older.raw) && !isMarked(m) {
			n++
		}
	}
	return n
}

// works tells whether anything was done.
func (w *matrix) works() bool {
	w.Helper()
	steps, err := w.p.pass()
	if err != nil {
		w.Error(err)
	}
	return steps > 0
}

// reading tells whether there is a connection to the mailbox.
func (w *matrix) reading() bool {
	s, is := w.p.reader.state()
	return is && !s.Connected.IsZero()
}

// away is the mailbox without an alias.
func away(r route.Mailbox) route.Mailbox {
	r.Aliases, r.Default = nil, route.Fields{Company: "0", Queue: "Post Sale"}
	return r
}
