package call

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/policy"
)

// paper is an audit log in memory.
type paper struct {
	*audit.Writer
	held atomic.Int64

	mu   sync.Mutex
	data bytes.Buffer
	full bool
	slow chan struct{} // a Sync waits for it
}

func (p *paper) Enter() { p.held.Add(1) }
func (p *paper) Leave() { p.held.Add(-1) }

// Begin implements Auditor.
func (p *paper) Begin(ctx context.Context, e audit.Entry) (Begun, error) {
	return p.Writer.Begin(ctx, e)
}

// Note implements Auditor, which the Writer's name hides.
func (p *paper) Note(e audit.Entry) { p.Writer.Note(e) }

// sheet is what the Writer writes on.
type sheet struct{ *paper }

var errFull = errors.New("no space left on the paper")

// Write implements io.Writer.
func (s sheet) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return 0, errFull
	}
	return s.data.Write(b)
}

// Sync implements audit.Syncer.
func (s sheet) Sync() error {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return nil
}

func (p *paper) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// entries are the entries that were written, once all are.
func (p *paper) entries(t *testing.T) (list []audit.Entry) {
	t.Helper()
	time.Sleep(time.Second)
	p.mu.Lock()
	defer p.mu.Unlock()
	for e, err := range audit.Entries(bytes.NewReader(p.data.Bytes())) {
		if err != nil {
			t.Error(err)
		}
		list = append(list, e)
	}
	return list
}

// last is the last entry.
func (p *paper) last(t *testing.T) audit.Entry {
	t.Helper()
	list := p.entries(t)
	if len(list) == 0 {
		t.Fatal("nothing was written down")
	}
	return list[len(list)-1]
}

func inAuditedWorld(t *testing.T, required bool, f func(w *world, p *paper)) {
	t.Helper()
	inWorld(t, func(w *world) {
		p := new(paper)
		var err error
		p.Writer, err = audit.New(audit.Config{
			Output: sheet{p}, Required: required, Key: audit.Key{ID: "k", Secret: bytes.Repeat([]byte("k"), 32)}, Host: "gate", Process: "gate/1",
		})
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.Audit = p
		w.load()
		f(w, p)
		w.safeNow()
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := p.held.Load(); n != 0 {
			t.Errorf("%d calls keep the log open", n)
		}
		for _, secret := range []string{"old-password", "CODE", w.keys["a"].Reveal(), w.keys["b"].Reveal(), "hidden"} {
			if strings.Contains(p.data.String(), secret) {
				t.Errorf("the audit log has %q", secret)
			}
		}
	})
}

// short is an entry without what is another each time.
func short(e audit.Entry) string {
	text := fmt.Sprintf("%s %s %s %s %s", e.Phase, e.Caller, e.Method, e.Action, e.Entity)
	for _, more := range []string{e.ID, e.Child, e.ChildID, strings.Join(e.Fields, ","), strings.Join(e.Filters, ","), strings.Join(e.Returns, ",")} {
		text += "|" + more
	}
	return fmt.Sprintf("%s %s %s %d", text, e.DecidedBy, e.Reason, e.Status)
}

func TestACallIsOneLineThatSaysWhoDidWhatAndWhoDecided(t *testing.T) {
	inAuditedWorld(t, false, func(w *world, p *paper) {
		w.served("a")
		e := p.last(t)
		want := audit.Entry{
			Chain: e.Chain, Seq: e.Seq, Time: e.Time, Up: e.Up, Process: "gate/1", Duration: e.Duration,
			Kind: audit.Call, CallerKind: audit.Integration, Caller: "a", Key: w.keys["a"].Hash().ID(), Address: "192.0.2.7", Login: "main",
			CredentialVersion: "1", Zone: w.z5.URL() + "/ATServicesRest/", Method: "GET", Action: "read", Entity: "Tickets", ID: "1",
			DecidedBy: audit.ByPSA, Status: 200,
		}
		if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %+v\nwant %+v", e, want)
		}
	})
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func TestEachKindOfCallHasItsLine(t *testing.T) {
	for name, c := range map[string]struct {
		as, method, path, body string
		header                 map[string]string
		before                 func(w *world)
		want                   string
	}{
		"an update names the fields": {
			method: "PATCH", path: "/Tickets", body: `{"id":1,"title":"hidden","priority":1}`,
			want: " a PATCH update Tickets|1|||id,priority,title|| psa  200",
		},
		"in gzip too": {
			method: "PATCH", path: "/Tickets", body: gzipped(`{"id":1,"title":"hidden"}`), header: map[string]string{"Content-Encoding": "gzip"},
			want: " a PATCH update Tickets|1|||id,title|| psa  200",
		},
		"a query names what it compares and asks for": {
			method: "POST", path: "/Tickets/query", body: `{"filter":[{"op":"eq","field":"title","value":"hidden"}],"includeFields":["id"]}`,
			want: " a POST query Tickets|||||title|id psa  200",
		},
		"a child is one": {
			method: "GET", path: "/Tickets/1/Notes",
			want: " a GET query Tickets|1|Notes|||| psa  200",
		},
		"what the PSA does not take": {
			method: "POST", path: "/Tickets", body: `{"title":"hidden"}`,
			want: " a POST create Tickets||||title|| psa  500",
		},
		"a key that nobody knows": {
			as: "-", method: "GET", path: "/Tickets/1",
			want: "  GET read Tickets|1||||| identity  401",
		},
		"an integration that is disabled": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { w.cfg.Integrations[0].Disabled = true; w.load() },
			want: " a GET read Tickets|1||||| identity disabled 403",
		},
		"one more than its limit": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { w.cfg.Integrations[0].Limits.PerMinute = 1; w.load(); w.served("a") },
			want: " a GET read Tickets|1||||| quota rate 429",
		},
		"an integration that was switched off": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { _, _ = w.g.Disable(w.Context(), "a", "") },
			want: " a GET read Tickets|1||||| identity disabled 403",
		},
		"a path that is none": {
			method: "GET", path: "/../x/y/z/a/b/c/d",
			want: " a GET  |||||| gateway bad-request 400",
		},
		"a body that is too large": {
			method: "POST", path: "/Tickets", body: strings.Repeat("x", 200), before: func(w *world) { w.way.MaxBody = 100 },
			want: " a POST create Tickets|||||| gateway too-large 413",
		},
		"who may not impersonate": {
			method: "GET", path: "/Tickets/1", header: map[string]string{"ImpersonationResourceId": "7"},
			want: " a GET read Tickets|1||||| policy policy 403",
		},
		"a credential that the PSA refuses": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { w.served("b"); w.user.SetSecret("new-password") },
			want: " a GET read Tickets|1||||| psa credential-refused 503",
		},
		"one that is known to be refused": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { w.user.SetSecret("new-password"); w.call("b", "GET", "/Tickets/1", "") },
			want: " a GET read Tickets|1||||| guard credential-refused 503",
		},
		"a PSA that is away": {
			method: "GET", path: "/Tickets/1", before: func(w *world) { w.served("b"); w.z5.Down() },
			want: " a GET read Tickets|1||||| psa upstream-unreachable 502",
		},
		"what needs no key": {
			as: "-", method: "GET", path: "/zoneInformation",
			want: "  GET read |||||| gateway  200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAuditedWorld(t, false, func(w *world, p *paper) {
				if c.before != nil {
					c.before(w)
				}
				req, err := http.NewRequest(c.method, gatewayURL+"/ATServicesRest/V1.0"+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.as == "" {
					req.Header.Set("Secret", w.keys["a"].Reveal())
				}
				for name, value := range c.header {
					req.Header.Set(name, value)
				}
				if _, err := w.do(req); err != nil {
					t.Fatal(err)
				}
				if got := short(p.last(t)); got != c.want {
					t.Errorf("\ngot  %q\nwant %q", got, c.want)
				}
			})
		})
	}
}

func TestWhereTheLogIsRequiredACallIsOnDiskBeforeItIsSent(t *testing.T) {
	inAuditedWorld(t, true, func(w *world, p *paper) {
		w.served("a")
		on := make(chan struct{})
		p.set(func() { p.slow = on })
		mark := w.sim.Requests()
		done := make(chan answer)
		go func() { done <- w.call("a", "POST", "/Tickets", newTicket) }()
		synctest.Wait()
		if now := w.sim.Requests(); now != mark {
			t.Errorf("the PSA saw a call that is not on disk: %+v, then %+v", mark, now)
		}
		p.set(func() { p.slow = nil })
		close(on)
		if a := <-done; a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		list := p.entries(t)
		intent, outcome := list[len(list)-2], list[len(list)-1]
		if intent.Phase != audit.Intent || outcome.Phase != audit.Outcome || outcome.Of != intent.Seq || intent.Status != 0 || outcome.Status != 200 {
			t.Errorf("%+v\n%+v", intent, outcome)
		}
		if !slices.Contains(intent.Fields, "title") || intent.Caller != "a" {
			t.Errorf("the intent does not say what was to be done: %+v", intent)
		}
	})
}

func TestWhereTheLogIsRequiredAndTheDiskIsFullNothingIsSent(t *testing.T) {
	inAuditedWorld(t, true, func(w *world, p *paper) {
		w.served("a")
		p.set(func() { p.full = true })
		mark := w.sim.Requests()
		for _, method := range []string{"GET", "POST"} {
			a := w.call("a", method, map[string]string{"GET": "/Tickets/1", "POST": "/Tickets"}[method], map[string]string{"POST": newTicket}[method])
			if a.status != 503 || a.reason() != "audit-unavailable" || a.header.Get("Retry-After") != "5" || !strings.Contains(a.body, "psagate status") {
				t.Errorf("%d %s %v %s", a.status, a.reason(), a.header, a.body)
			}
		}
		if now := w.sim.Requests(); now != mark {
			t.Errorf("the PSA saw a call that is not on disk: %+v, then %+v", mark, now)
		}
		p.set(func() { p.full = false })
		w.served("a")
		var refused int
		for _, e := range p.entries(t) {
			if e.Reason == "audit-unavailable" && e.DecidedBy == audit.ByGateway && e.Status == 503 && e.Caller == "a" {
				refused++
			}
		}
		if refused != 2 {
			t.Errorf("of the 2 calls that were refused %d are told", refused)
		}
	})
}

func TestWhereTheLogIsNotRequiredAFullDiskStopsNobody(t *testing.T) {
	inAuditedWorld(t, false, func(w *world, p *paper) {
		p.set(func() { p.full = true })
		w.served("a")
		p.set(func() { p.full = false })
		time.Sleep(10 * time.Second)
		if e := p.last(t); e.Caller != "a" || e.Status != 200 {
			t.Errorf("%+v", e)
		}
	})
}

func TestWhoeverHangsUpHasALineWithoutAStatus(t *testing.T) {
	inAuditedWorld(t, false, func(w *world, p *paper) {
		w.served("a")
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Hold: true})
		ctx, cancel := context.WithCancel(context.Background())
		go func() { _, _ = w.try(ctx, "a", "GET", "/Tickets/1", "") }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		held.Release()
		if e := p.last(t); e.Status != 0 || e.Caller != "a" || e.CredentialVersion != "1" || e.DecidedBy != audit.ByPSA {
			t.Errorf("%+v", e)
		}
	})
}

func TestStrangersDoNotFillTheLog(t *testing.T) {
	inAuditedWorld(t, true, func(w *world, p *paper) {
		call := func(i int) {
			req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
			req.Header.Set("Secret", "hidden")
			req.Header.Set(clientHeader, fmt.Sprintf("2001:db8:%x::1", i))
			if _, err := w.do(req); err != nil {
				t.Error(err)
			}
		}
		for i := range unknownAMinute + 200 {
			call(i)
		}
		w.served("a")
		if n := len(p.entries(t)); n != unknownAMinute+2 {
			t.Errorf("%d lines", n)
		}
		time.Sleep(time.Minute)
		call(0)
		list := p.entries(t)
		told, last := list[len(list)-2], list[len(list)-1]
		if told.Kind != audit.Event || told.Event != EventTooMany || told.Data["count"] != "200" || last.Status != 401 {
			t.Errorf("%+v\n%+v", told, last)
		}
	})
}

func TestHowManyStrangersWereLeftOutIsToldWithoutAnotherOne(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(w *world)
		count string // of each event
	}{
		"at the end of the minute":               {func(*world) { time.Sleep(time.Minute) }, "7"},
		"at the end of the config":               {func(w *world) { w.load() }, "7"},
		"and of those who came after a config's": {func(w *world) { w.load(); knocks(w, 3); time.Sleep(time.Minute) }, "7 3"},
		"once":                                   {func(w *world) { w.load(); w.load(); time.Sleep(2 * time.Minute) }, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			inAuditedWorld(t, false, func(w *world, p *paper) {
				knocks(w, unknownAMinute+7)
				c.end(w)
				var counts []string
				for _, e := range p.entries(t) {
					if e.Event == EventTooMany {
						counts = append(counts, e.Data["count"])
					}
				}
				if got := strings.Join(counts, " "); got != c.count || p.held.Load() != 0 {
					t.Errorf("told %q, want %q; %d keep the log open", got, c.count, p.held.Load())
				}
			})
		})
	}
}

// knocks calls as a stranger so often, from so many addresses.
func knocks(w *world, n int) {
	for i := range n {
		req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("Secret", "hidden")
		req.Header.Set(clientHeader, fmt.Sprintf("2001:db8:%x::1", i))
		if _, err := w.do(req); err != nil {
			w.Error(err)
		}
	}
}

func TestALineSaysAsWhomACallAskedToBeShown(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		change func(w *world)
		want   string
	}{
		"where it may":     {[]string{"7"}, func(w *world) { w.change("a", func(i *Integration) { i.Impersonate = true }) }, "7 psa"},
		"where it may not": {[]string{"7"}, func(*world) {}, "7 policy"},
		"where policy denies it": {[]string{"7"}, func(w *world) {
			w.policed(`permit(principal, action, resource) unless { context.impersonates };`, false)
			w.change("a", func(i *Integration) { i.Impersonate = true })
		}, "7 policy"},
		"unless that is no number":         {[]string{"hidden"}, func(w *world) { w.change("a", func(i *Integration) { i.Impersonate = true }) }, " gateway"},
		"unless it cannot be told as whom": {[]string{"7", "8"}, func(*world) {}, " policy"},
	} {
		t.Run(name, func(t *testing.T) {
			inAuditedWorld(t, true, func(w *world, p *paper) {
				c.change(w)
				w.as("a", c.header, "GET", "/Tickets/1", "")
				if e := p.last(t); fmt.Sprintf("%s %s", e.Impersonates, e.DecidedBy) != c.want {
					t.Errorf("%q, want %q: %+v", e.Impersonates, c.want, e)
				}
			})
		})
	}
}

func TestACallThatAnotherHandlerAnswersHasALineToo(t *testing.T) {
	inAuditedWorld(t, true, func(w *world, p *paper) {
		req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("Secret", w.keys["a"].Reveal())
		out, _, done := w.g.Identify(nil, req, "192.0.2.7")
		if done {
			t.Fatal("it was answered")
		}
		w.g.Leave(out)
		w.g.Leave(out)
		if got := short(p.last(t)); len(p.entries(t)) != 1 || got != " a GET read Tickets|1||||| gateway  0" {
			t.Error(got)
		}
	})
}

func TestWhatPolicyDecidedIsInTheLine(t *testing.T) {
	rules, err := policy.Load([]policy.Source{{Name: "rules.cedar", Text: []byte(`permit (principal == Integration::"a", action == Action::"read", resource);
@reason("tickets are not ours to close")
forbid (principal, action, resource in Entity::"Companies");`)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, path, body string
		observe            bool
		want               string
	}{
		"permitted":              {"GET", "/Tickets/1", "", false, "permit false psa 200 rules.cedar:1"},
		"forbidden":              {"GET", "/Companies/1", "", false, "deny false policy 403 rules.cedar:2: tickets are not ours to close"},
		"forbidden and observed": {"GET", "/Companies/1", "", true, "deny true psa 200 rules.cedar:2: tickets are not ours to close"},
		"not permitted":          {"POST", "/Tickets/query", `{"filter":[{"op":"eq","field":"id","value":1}]}`, false, `deny false policy 403 not-permitted permit (principal == Integration::"a", action == Action::"query", resource == Entity::"Tickets");`},
	} {
		t.Run(name, func(t *testing.T) {
			inAuditedWorld(t, true, func(w *world, p *paper) {
				w.cfg.Policy, w.asks = judging{rules, c.observe}, true
				w.load()
				w.call("a", c.method, c.path, c.body)
				e := p.last(t)
				if got := fmt.Sprint(e.Decision, " ", e.Observed, " ", e.DecidedBy, " ", e.Status, " ", strings.Join(e.Reasons, " ")); got != c.want {
					t.Errorf("\ngot  %s\nwant %s", got, c.want)
				}
				if e.Action == "query" && !slices.Equal(e.Filters, []string{"id"}) {
					t.Errorf("the line has not the fields that policy saw: %+v", e)
				}
			})
		})
	}
}

func TestALineSaysWhereTheNamesOfFieldsCannotBeTold(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":1,"title":"b"}`:           "id,title false",
		`{"id":1,"title":"b","x y@z":1}`: " true",
		`{"id":1,"title":"b"} x`:         " true",
	} {
		inAuditedWorld(t, true, func(w *world, p *paper) {
			w.call("a", "PATCH", "/Tickets", body)
			e := p.last(t)
			if got := fmt.Sprint(strings.Join(e.Fields, ","), " ", e.FieldsUnknown); got != want {
				t.Errorf("%s: %q, not %q", body, got, want)
			}
		})
	}
}

// judging are policies that decide, or are only observed.
type judging struct {
	*policy.Policies
	observed bool
}

// Observes implements Judge.
func (j judging) Observes() bool { return j.observed }

func TestWhatAFreezeDeniesIsDeniedInTheLogToo(t *testing.T) {
	inAuditedWorld(t, false, func(w *world, p *paper) {
		w.cfg.Freeze = []limits.Window{mustWindow(t, "mon-sun", "00:00-24:00")}
		w.load()
		w.call("a", "PATCH", "/Tickets", `{"id":1,"title":"x"}`)
		if e := p.last(t); e.Decision != audit.Deny || len(e.Reasons) != 1 || e.Reasons[0] != "freeze" || e.DecidedBy != audit.ByPolicy {
			t.Errorf("%+v", e)
		}
	})
}
