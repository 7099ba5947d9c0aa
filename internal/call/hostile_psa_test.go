package call

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
)

// hostile is one way in which a PSA, or what stands before it, does not answer as it should.
type hostile struct {
	name   string
	method string // GET
	path   string // /Companies/1
	body   string
	faults []psatest.Fault // put in force for the call

	verdict guard.Verdict
	status  int    // of the answer; 0: the connection to the caller breaks before one
	reason  string // of the answer, where it is the gateway's own
	retry   string // its Retry-After
	cut     bool   // the answer's body breaks off
	within  time.Duration
	judged  int // sign-ins that the PSA saw
	failed  int // of these, that it counted as failed

	before func(w *world)               // what is done once the login serves
	look   func(t *testing.T, a answer) // at what reached the caller
}

// meets puts a hostile PSA before a login that serves, makes one call and looks at all that came of it; then the PSA is
// well again, and everything must be as it was.
func (h hostile) meets(t *testing.T) {
	inNotedWorld(t, func(w *world, n *notes) {
		w.T = t
		w.served("a")
		before, mark := n.verdicts(), w.sim.Mark()
		if h.before != nil {
			h.before(w)
		}
		orders := w.order(h.faults)
		start := time.Now()
		a, err := w.try(context.Background(), "a", orElse(h.method, "GET"), orElse(h.path, "/Companies/1"), h.body)
		took := time.Since(start)
		if a.status != h.status || a.reason() != h.reason || a.header.Get("Retry-After") != h.retry || (err != nil) != (h.cut || h.status == 0) {
			t.Errorf("the caller got %d %q, Retry-After %q, error %v: %s", a.status, a.reason(), a.header.Get("Retry-After"), err, a.body)
		}
		if took > h.within {
			t.Errorf("it took %v, more than %v", took, h.within)
		}
		w.shows(a)
		if h.look != nil {
			h.look(t, a)
		}
		synctest.Wait()
		if got := n.verdicts().since(before); got != "main "+h.verdict.String()+":1 " {
			t.Errorf("verdicts %s, want one %s", got, h.verdict)
		}
		if l := w.sim.Ledger().Since(mark); len(l) != h.judged || len(l.Failed()) != h.failed {
			t.Errorf("the PSA saw %d sign-ins, %d of them failed; want %d and %d: %v", len(l), len(l.Failed()), h.judged, h.failed, l)
		}
		w.accounts(h.verdict)
		for _, o := range orders {
			o.Release()
		}
		w.recovers()
	})
}

// order puts faults in force: those that do not say for which calls, for the ones to companies.
func (w *world) order(faults []psatest.Fault) (orders []*psatest.Order) {
	for _, f := range faults {
		if f.Path == "" && f.Only == psatest.AnyCall {
			f.Path = "/Companies"
		}
		orders = append(orders, w.sim.Fault(f))
	}
	return orders
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

type verdicts map[string]int

func (n *notes) verdicts() verdicts {
	n.mu.Lock()
	defer n.mu.Unlock()
	v := verdicts{}
	for name, count := range n.attempts {
		v[name] = count
	}
	return v
}

// since says how many of which verdicts have come since.
func (v verdicts) since(before verdicts) string {
	var b strings.Builder
	for _, verdict := range []guard.Verdict{guard.Accepted, guard.Refused, guard.Locked, guard.Neutral, guard.NotSent, guard.NoAnswer} {
		name := "main " + verdict.String()
		if n := v[name] - before[name]; n > 0 {
			fmt.Fprintf(&b, "%s:%d ", name, n)
		}
	}
	return b.String()
}

// shows demands that an answer holds neither a credential nor what is the PSA's affair alone.
func (w *world) shows(a answer) {
	w.Helper()
	all := fmt.Sprint(a.header) + a.body
	for _, s := range []string{"old-password", "new-password", "CODE"} {
		if strings.Contains(all, s) {
			w.Errorf("the caller sees a credential: %v %s", a.header, a.body)
		}
	}
	for _, name := range []string{"Set-Cookie", "Www-Authenticate", "Proxy-Authenticate", "Server", "Strict-Transport-Security", "X-Injected"} {
		if a.header.Get(name) != "" {
			w.Errorf("header %s reached the caller: %q", name, a.header.Values(name))
		}
	}
	if a.status == 401 || a.status == 407 {
		w.Errorf("an identified caller got %d", a.status)
	}
}

// accounts demands what a verdict does to the units and the gate of a login that serves.
func (w *world) accounts(v guard.Verdict) {
	w.Helper()
	l := w.g.Status().Logins[0]
	u := l.Units
	ok := u.Free == u.Budget && l.Gate.Open
	switch v {
	case guard.NoAnswer:
		ok = u.Lost == 1 && u.Free == u.Budget-1 && !l.Gate.Open
	case guard.Refused, guard.Locked:
		ok = u.Failed >= 1 && u.Held == 0 && u.Lost == 0
	}
	if !ok {
		w.Errorf("after %s: units %+v, gate open %v", v, u, l.Gate.Open)
	}
}

// recovers demands that a login serves once the PSA is well, with all its units free after what was lost has lingered.
func (w *world) recovers() {
	w.Helper()
	if w.g.Status().Logins[0].State == "locked" {
		if err := w.g.Release("main", w.g.Status().Logins[0].Seq, nil); err != nil {
			w.Fatal(err)
		}
	}
	w.safe.put("main", user, "old-password")
	time.Sleep(20 * time.Minute)
	w.served("a")
	w.served("b")
	if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || !l.Gate.Open || l.Queue.Waiting != 0 {
		w.Errorf("afterwards: units %+v, gate %+v, queue %+v", l.Units, l.Gate, l.Queue)
	}
	w.safeNow()
}

// raw is a fault that puts bytes on the wire in place of an answer; lines end in "\r\n".
func raw(lines ...string) []psatest.Fault {
	return []psatest.Fault{{At: psatest.Judged, Then: psatest.Raw, Body: strings.Join(lines, "\r\n")}}
}

// says is a fault that answers with a status, headers and a body.
func says(status int, body string, header ...string) []psatest.Fault {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return []psatest.Fault{{At: psatest.Judged, Then: psatest.Answer, Status: status, Header: h, Body: body}}
}

func stays(f []psatest.Fault) []psatest.Fault {
	f[0].Stay = true
	return f
}

const (
	unreachable = "upstream-unreachable"
	jsonLine    = "Content-Type: application/json"
)

// brokenAnswers are answers that break HTTP, or break off. All of them were judged by the PSA, and accepted.
var brokenAnswers = []hostile{
	{name: "garbage", faults: raw("\x16\x03\x01\x00\xffwhat is this", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "garbage that never ends a line", faults: stays(raw("\x16\x03\x01")), verdict: guard.NoAnswer, status: 504, reason: "upstream-timeout", within: 5 * time.Minute},
	{name: "an answer of another protocol", faults: raw("SSH-2.0-OpenSSH_9.0", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "an HTTP/2 preface", faults: raw("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "nothing, and the end", faults: raw(""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "never an answer", faults: stays(raw("")), verdict: guard.NoAnswer, status: 504, reason: "upstream-timeout", within: 5 * time.Minute},
	{name: "half a status line", faults: raw("HTTP/1.1 20"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status line alone", faults: raw("HTTP/1.1 200 OK", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status line alone, and nothing more", faults: stays(raw("HTTP/1.1 200 OK", "")), verdict: guard.NoAnswer, status: 504, reason: "upstream-timeout", within: 5 * time.Minute},
	{name: "half the headers", faults: raw("HTTP/1.1 200 OK", "Content-Ty"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status of three zeros", faults: raw("HTTP/1.1 000 {secret}", "Content-Length: 0", "", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status below 100", faults: raw("HTTP/1.1 099 {secret}", "Content-Length: 0", "", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status of four digits", faults: raw("HTTP/1.1 2000 OK", "Content-Length: 0", "", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a status above 599", faults: raw("HTTP/1.1 999 Request denied", "Content-Length: 0", "", ""), verdict: guard.NoAnswer, status: 999},
	{name: "another protocol to switch to", faults: stays(raw("HTTP/1.1 101 Switching Protocols", "", "")), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "another protocol to switch to, by name", faults: stays(raw("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: {secret}", "", "")), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a secret in what is no header line", faults: raw("HTTP/1.1 200 OK", "sent {secret} and {code}", "", "{}"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a NUL in a header", faults: raw("HTTP/1.1 200 OK", jsonLine, "Retry-After: \x00{secret}", "Content-Length: 2", "", "{}"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{
		name: "CR within a header's value", faults: raw("HTTP/1.1 200 OK", jsonLine, "Cache-Control: x\rX-Injected: 1", "Content-Length: 2", "", "{}"),
		verdict: guard.NoAnswer, status: 502, reason: unreachable,
	},
	{
		name: "LF alone between headers", faults: raw("HTTP/1.1 200 OK", jsonLine, "Cache-Control: x\nX-Injected: 1\nSet-Cookie: s={secret}", "Content-Length: 13", "", `{"item":null}`),
		verdict: guard.Accepted, status: 200,
	},
	{name: "headers without an end", faults: []psatest.Fault{{At: psatest.Judged, Then: psatest.EndlessHeader}}, verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "one header without an end", faults: raw("HTTP/1.1 200 OK", "X: "+strings.Repeat("x", 1<<20)), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{
		name: "a body cut before the caller has seen of it", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 100", "", ""),
		verdict: guard.Accepted, status: 200, cut: true,
	},
	{
		name: "a body cut after the caller has seen of it", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 100", "", `{"item":`),
		verdict: guard.Accepted, status: 200, cut: true,
	},
	{
		name: "a body that stops coming", faults: stays(raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 100", "", `{"item":`)),
		verdict: guard.Accepted, status: 200, cut: true, within: 5 * time.Minute,
	},
	{
		name: "an error's body that stops coming", faults: stays(raw("HTTP/1.1 500 Error", jsonLine, "Content-Length: 100", "", `{"err`)),
		verdict: guard.NoAnswer, status: 500, cut: true, within: 5 * time.Minute,
	},
	{
		name: "an error's body that is cut within its text", faults: raw("HTTP/1.1 500 Error", jsonLine, "Content-Length: 100", "", `{"errors":["Integra`),
		verdict: guard.NoAnswer, status: 500, cut: true,
	},
	{
		name: "an error's body that is cut behind its text", faults: raw("HTTP/1.1 500 Error", jsonLine, "Content-Length: 100", "", `{"errors":["Title is required",`),
		verdict: guard.Neutral, status: 500, cut: true,
	},
	{
		name: "a Content-Length that is too small", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 13", "", `{"item":null}, "x": "more than was said"}`),
		verdict: guard.Accepted, status: 200,
	},
	{name: "two Content-Lengths", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 13", "Content-Length: 14", "", `{"item":null}`), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a Content-Length below nothing", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: -13", "", `{"item":null}`), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a Content-Length beyond all bounds", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 99999999999999999999", "", `{"item":null}`), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a Content-Length of petabytes", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 9223372036854775807", "", `{"item":null}`), verdict: guard.Accepted, status: 200, cut: true},
	{
		name: "chunks and a Content-Length", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "Content-Length: 3", "", "d", `{"item":null}`, "0", "", ""),
		verdict: guard.Accepted, status: 200,
	},
	{name: "a chunk whose size is no number", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "xyz{secret}", "{}", "0", "", ""), verdict: guard.Accepted, status: 200, cut: true},
	{name: "a chunk of more than there is", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "ffffff", "{}", "0", "", ""), verdict: guard.Accepted, status: 200, cut: true},
	{name: "a chunk of less than there is", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "1", "{}", "0", "", ""), verdict: guard.Accepted, status: 200, cut: true},
	{name: "a chunk size without an end", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", strings.Repeat("0", 1<<20)), verdict: guard.Accepted, status: 200, cut: true},
	{name: "chunks that do not end", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "2", "{}", ""), verdict: guard.Accepted, status: 200, cut: true},
	{name: "an encoding of transfer that nobody knows", faults: raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: gzip, chunked", "", "2", "{}", "0", "", ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{
		name:    "trailers that were announced",
		faults:  raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "Trailer: X-Sum, Set-Cookie, {secret}", "", "2", "{}", "0", "X-Sum: {secret}", "Set-Cookie: s=1", "{secret}: 1", "", ""),
		verdict: guard.Accepted, status: 200,
	},
	{
		name:    "trailers that nobody announced",
		faults:  raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "2", "{}", "0", "Set-Cookie: s={secret}", "Psagate-Reason: policy", "", ""),
		verdict: guard.Accepted, status: 200,
	},
	{
		name:    "a trailer that is no header line",
		faults:  raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "2", "{}", "0", "sent {secret} and {code}", "", ""),
		verdict: guard.Accepted, status: 200, cut: true,
	},
	{
		name:    "trailers without an end",
		faults:  raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "", "2", "{}", "0", strings.Repeat("X-Sum: {secret}\r\n", 100_000)),
		verdict: guard.Accepted, status: 200, cut: true,
	},
	{
		name:    "every header that is not the caller's affair",
		faults:  raw("HTTP/1.1 200 {secret}", jsonLine, "Set-Cookie: s={secret}", "Server: {secret}", "Strict-Transport-Security: max-age=1", "Www-Authenticate: Basic", "Psagate-Reason: policy", "X-Ratelimit-Note: {secret}", "Content-Length: 2", "", "{}"),
		verdict: guard.Accepted, status: 200,
	},
	{
		name: "interim answers, then the answer", faults: raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <{secret}>\r\nSet-Cookie: a=b\r\n\r\n", 20)+"HTTP/1.1 200 OK", jsonLine, "Content-Length: 2", "", "{}"),
		verdict: guard.Accepted, status: 200,
	},
	{name: "interim answers without an end", faults: raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 10_000)), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "interim answers of 100, without an end", faults: raw(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10_000)), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a body where there is none", faults: raw("HTTP/1.1 204 No Content", jsonLine, "Content-Length: 5", "", "extra"), verdict: guard.Accepted, status: 204},
	{name: "two answers", faults: raw("HTTP/1.1 200 OK", jsonLine, "Content-Length: 2", "", "{}HTTP/1.1 200 OK", jsonLine, "Content-Length: 12", "", `{"x":"evil"}`), verdict: guard.Accepted, status: 200},
}

func TestAPSAThatBreaksHTTP(t *testing.T) {
	for _, h := range brokenAnswers {
		h.judged = 1
		t.Run(h.name, h.meets)
	}
}

// The PSA counts a failed sign-in for each of these, and none of them says so.
func TestNoAnswerThatBreaksHTTPHidesFailedSignInsFromTheBudget(t *testing.T) {
	for _, h := range brokenAnswers {
		if h.verdict == guard.NoAnswer {
			t.Run(h.name, func(t *testing.T) { worst(t, h.faults) })
		}
	}
}

// worst has the PSA refuse every sign-in, count it, and dress the refusal up, while two integrations go on calling for a
// day in which the store changes twice. The count must stay within the budget.
func worst(t *testing.T, dress []psatest.Fault) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.T = t
		w.store.Configure(secret.Options{Logger: w.cfg.Log, Poll: time.Minute}) // a day has too many polls of 15 s
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Only: psatest.SignInCall})
		for _, f := range dress {
			f.Only = psatest.SignInCall
			w.order([]psatest.Fault{f})
		}
		for hour := range 24 {
			if hour == 8 || hour == 16 {
				w.safe.put("main", user, fmt.Sprint("new-password", hour))
			}
			parallel(6, func(i int) {
				a, _ := w.try(context.Background(), []string{"a", "b"}[i%2], "GET", "/Tickets/1", "")
				if a.status != 0 && a.status < 400 {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
			time.Sleep(time.Hour)
		}
		if n := w.user.MaxFailedSinceSuccess(); n > w.cfg.Logins[0].Settings.Budget || w.user.Locked() {
			t.Errorf("%d failed sign-ins, locked %v:\n%v", n, w.user.Locked(), w.sim.Ledger().Failed())
		}
	})
}

// What was announced comes as it was announced, what was not comes as well, and what did not come takes nothing with it.
func TestTrailersThatWereNotAnnouncedAreCleanedToo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.standIn(func(rw http.ResponseWriter, _ *http.Request) {
			h := rw.Header()
			h.Set("Content-Type", "application/json")
			h.Set("Etag", `"1"`)
			h.Set("Trailer", "X-Announced, X-Never")
			_, _ = io.WriteString(rw, "{}")
			h.Set("X-Announced", "1")
			h.Set(http.TrailerPrefix+"X-Other", "old-password")
			h.Set(http.TrailerPrefix+"Set-Cookie", "a=b")
		})
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
		req.Header.Set("Secret", w.keys["a"].Reveal())
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		want := http.Header{"X-Announced": {"1"}, "X-Never": nil, "X-Other": {autotask.Redacted}}
		if err != nil || string(body) != "{}" || !maps.EqualFunc(resp.Trailer, want, slices.Equal) || resp.Header.Get("Etag") != `"1"` {
			t.Errorf("%s, trailers %v, headers %v", body, resp.Trailer, resp.Header)
		}
	})
}

func TestTheNameOfATrailerShowsNoSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.order(raw("HTTP/1.1 200 OK", jsonLine, "Transfer-Encoding: chunked", "Trailer: X-Sum, Set-Cookie, {secret}", "", "2", "{}", "0", "X-Sum: {secret}", "{secret}: 1", "", ""))
		c := w.dial()
		defer c.Close()
		fmt.Fprintf(c, "GET /ATServicesRest/V1.0/Companies/1 HTTP/1.1\r\nHost: gateway.test\r\nTE: trailers\r\nConnection: close\r\nSecret: %s\r\n\r\n", w.keys["a"].Reveal())
		all, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(all), "Trailer: X-Sum\r\n") || !strings.Contains(string(all), "X-Sum: [redacted]") {
			t.Errorf("error %v: %s", err, all)
		}
		if text := strings.ToLower(string(all)); strings.Contains(text, "old-password") || strings.Contains(text, "set-cookie") {
			t.Errorf("the caller sees %s", all)
		}
	})
}
