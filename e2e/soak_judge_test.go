package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// soakOutcome is what came of a call.
type soakOutcome struct {
	call         soakCall
	login        *soakLogin
	caller, own  string // the integration and its key
	began, ended time.Time

	status int // 0: there was no answer
	header http.Header
	body   []byte
	flaw   string // what is wrong with the answer; empty: nothing
}

const (
	flawCut    = "broken off"
	flawOdd    = "not what was asked for"
	flawReload = "no answer: a reload closed the connection"
)

// onlyThis is what an integration hears whose call the PSA refused, and then took the same credential for another.
const onlyThis = "the same credential for another call"

// whole looks whether an answer that has come to its end is what it ought to be.
func (o *soakOutcome) whole(call soakCall, err error) {
	if err != nil || o.reason() != "" {
		return
	}
	if len(o.body) == bodyMost || o.status == call.status && call.right != nil && !call.right(o.body) {
		o.flaw = flawOdd
	}
}

// breaks notes the error with which a call ended; nil is none.
func (o *soakOutcome) breaks(err error) {
	switch {
	case err == nil:
	case errors.Is(err, errHungUp), errors.Is(err, errTooSlow), errors.Is(err, errNever):
		o.flaw = err.Error()
	case o.status == 0:
		o.flaw = "no answer: " + err.Error()
	default:
		o.flaw = flawCut
	}
}

func (o *soakOutcome) reason() string { return o.header.Get(autotask.HeaderReason) }

// String is the status, the reason word and the flaw.
func (o *soakOutcome) String() string {
	text := strings.TrimSpace(fmt.Sprint(o.status, " ", o.reason()))
	switch {
	case o.status == 0:
		text = o.flaw
	case o.flaw != "":
		text += ", " + o.flaw
	case bytes.Contains(o.body, []byte(onlyThis)):
		text += ", this integration and kind of call alone"
	}
	return text
}

// unsent tells whether the answer says that nothing was sent, for the PSA cannot be reached. It may be a minute until it is
// tried again.
func (o *soakOutcome) unsent() bool {
	return bytes.Contains(o.body, []byte("the PSA cannot be reached"))
}

// waitReasons are the gateway's own answers that may come at any time while something is wrong, or was. The call was not sent,
// or if it was, the PSA refused it.
var waitReasons = []autotask.Reason{
	autotask.CredentialRefused, autotask.BudgetSpent, autotask.GateShut, autotask.SecretUnavailable, autotask.QueueFull,
	autotask.QueueDeadline, autotask.ZoneUnknown,
}

// fault says what is wrong with an outcome: what no rule foresees, or foresees only where something is wrong with the PSA.
func (o *soakOutcome) fault(c *soakClimate) string {
	during := func(is func(*episode) bool) bool { return c.during(o.login, o.began, o.ended, is) }
	switch {
	case o.flaw == errHungUp.Error():
		return ""
	case o.flaw == errTooSlow.Error():
		if !during(func(e *episode) bool { return e.mars() || e.fault.Chunk > 0 }) {
			return "the PSA's answers did not trickle"
		}
		return ""
	case o.status == 0:
		return o.silence(during)
	case o.call.own != "":
		return o.refusal()
	case o.reason() != "":
		return o.excuse(during)
	case o.status != o.call.status && !during(func(e *episode) bool { return e.answers(o.status) }):
		return "a status that is not the PSA's"
	case o.flaw != "" && !during((*episode).mars):
		return "the PSA's answers were whole"
	}
	return ""
}

// excuse is what is wrong with the gateway's own answer to a call that it takes.
func (o *soakOutcome) excuse(during func(func(*episode) bool) bool) string {
	reason := autotask.Reason(o.reason())
	waits := slices.Contains(waitReasons, reason)
	switch {
	case o.status != reason.Status():
		return "a status that is not the reason's"
	case waits && reason != autotask.BudgetSpent && o.header.Get("Retry-After") == "":
		return "no Retry-After"
	case waits, reason == autotask.UpstreamUnreachable && o.unsent():
		return ""
	case reason == autotask.UpstreamUnreachable && during(func(e *episode) bool { return e.fault.Name != "" || e.cuts }):
		return ""
	case reason == autotask.UpstreamTimeout && during(func(e *episode) bool { return e.silent && e.fault.Gone }):
		return ""
	}
	return "nothing was wrong with the PSA that leads to this"
}

// refusal is what is wrong with the answer to a call that the gateway does not take.
func (o *soakOutcome) refusal() string {
	got := strings.TrimSpace(fmt.Sprint(o.status, " ", o.reason()))
	switch {
	case o.flaw != "":
		return "the gateway's own answer came badly"
	case got == o.call.own && (o.status != http.StatusUnauthorized || strings.HasPrefix(o.header.Get("WWW-Authenticate"), "Basic")):
		return ""
	case o.call.own == "401" && got == "429 too-many-failures" && o.header.Get("Retry-After") != "":
		return ""
	case got == "503 queue-full" && len(o.call.body) > 0: // too many bodies at once
		return ""
	}
	return "want " + o.call.own
}

// silence is what is wrong with the lack of an answer: an HTTP client that sends over a kept connection, just when a reload
// ends it because it is idle, hears nothing.
func (o *soakOutcome) silence(during func(func(*episode) bool) bool) string {
	ends := []string{"EOF", "connection reset", "broken pipe", "server closed idle connection", "use of closed network connection", "GOAWAY"}
	ended := slices.ContainsFunc(ends, func(text string) bool { return strings.Contains(o.flaw, text) })
	if ended && during(func(e *episode) bool { return strings.HasPrefix(e.what, "a config is loaded") }) {
		o.flaw = flawReload
		return ""
	}
	return "there is no answer"
}

// soakRecord is a record that a call was to create, which no other was.
type soakRecord struct{ tenant, entity, title string }

// soakBooks are what came of all calls.
type soakBooks struct {
	soak   *soak
	serial atomic.Int64

	mu       sync.Mutex
	kinds    map[string]int     // calls
	served   map[string]int     // of these, answered by the PSA as they ought to be
	outcomes map[string]int     // by status, reason and flaw
	titles   map[soakRecord]int // what was to be created: how many there must be; -1: one or none
	swept    map[soakRecord]int // attachments that were there, and are deleted
	longest  time.Duration
	faults   map[string]int // what must not be
}

func newSoakBooks(s *soak) *soakBooks {
	return &soakBooks{soak: s, kinds: map[string]int{}, served: map[string]int{}, outcomes: map[string]int{}, faults: map[string]int{}, titles: map[soakRecord]int{}, swept: map[soakRecord]int{}}
}

// number is another one each time.
func (b *soakBooks) number() int64 { return b.serial.Add(1) }

// enter notes what came of a call, and complains where that must not be.
func (b *soakBooks) enter(o soakOutcome) {
	fault := o.fault(b.soak.climate)
	b.mu.Lock()
	defer b.mu.Unlock()
	name := o.String()
	b.kinds[o.call.kind]++
	b.outcomes[name]++
	b.longest = max(b.longest, o.ended.Sub(o.began))
	if o.status == o.call.status && o.flaw == "" && o.reason() == "" {
		b.served[o.call.kind]++
	}
	if o.call.title != "" {
		b.expect(o)
	}
	if n := b.outcomes[name]; n <= 5 || n%200 == 0 {
		a := answer{o.status, o.header, string(o.body[:min(len(o.body), 20_000)])}
		b.soak.heard.add(a.place(fmt.Sprintf("an answer to %s: %s %s", o.caller, o.call.method, o.call.path), o.own))
	}
	if fault == "" {
		return
	}
	if b.faults[fault]++; b.faults[fault] <= 5 {
		b.soak.Errorf("%s of %s (%s %s), from %v to %v after the beginning: %s: %s\n%v %.300q\nshortly before: %s", o.call.kind, o.caller, o.call.method, o.call.path,
			o.began.Sub(b.soak.began), o.ended.Sub(b.soak.began), name, fault, o.header, o.body, b.soak.climate.around(o.began.Add(-10*time.Second), o.ended))
	}
}

// expect notes how often a record must be there. Called with mu held.
func (b *soakBooks) expect(o soakOutcome) {
	n := -1
	switch {
	case o.status == http.StatusOK && o.flaw == "":
		n = 1
	case o.flaw == flawReload: // it was idle to the gateway
		n = 0
	case o.status == 0 || o.reason() == "":
	case slices.Contains(waitReasons, autotask.Reason(o.reason())), o.status < 500, o.unsent():
		n = 0
	}
	b.titles[soakRecord{o.login.user.Tenant().Name(), o.call.creates, o.call.title}] = n
}

// sweeps notes that an attachment was there.
func (b *soakBooks) sweeps(tenant, title string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.swept[soakRecord{tenant, "TicketAttachments", title}]++
}

// areCreatedOnce demands of each record that it is there as often as its caller was told, and none twice.
func (b *soakBooks) areCreatedOnce() {
	t := b.soak
	t.Helper()
	t.sweepOnce()
	b.mu.Lock()
	defer b.mu.Unlock()
	there := maps.Clone(b.swept)
	for _, tenant := range t.sim.Tenants() {
		for _, record := range tenant.Records("Tickets") {
			if title, _ := record["title"].(string); strings.HasPrefix(title, "soak ") {
				there[soakRecord{tenant.Name(), "Tickets", title}]++
			}
		}
	}
	told := map[int]int{}
	for record, want := range b.titles {
		got := there[record]
		delete(there, record)
		told[want] += got
		if got > 1 || want >= 0 && got != want {
			t.Errorf("%v is there %d times; want %d (-1: once or not at all)", record, got, want)
		}
	}
	if len(there) > 0 {
		t.Errorf("nobody created %v", there)
	}
	t.Logf("%d records were created whose callers were told so, %d whose callers could not be told", told[1], told[-1])
}
