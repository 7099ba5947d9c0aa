package call

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
)

const (
	htmlPage = `<!DOCTYPE html><html><body>Please sign in to the network, {user} {secret}</body></html>`
	basic    = `Basic Realm="webservices5.autotask.net"`
)

func errorsJSON(texts ...string) string { return `{"errors":["` + strings.Join(texts, `","`) + `"]}` }

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

// dressed are answers in every dress that a sign-in's judgement may wear. The PSA accepted all of these sign-ins.
var dressed = []hostile{
	// 401 and 407
	{name: "a 401 without a challenge", faults: says(401, ""), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 401 with a page", faults: says(401, htmlPage), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 401 with JSON", faults: says(401, `{"message":"token missing"}`), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 401 with a refusal's text and no challenge", faults: says(401, errorsJSON("IntegrationCode is invalid")), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 401 of a proxy that wants a token", faults: says(401, "", "WWW-Authenticate", `Bearer realm="Basic"`), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 401 of a proxy that wants Kerberos", faults: says(401, htmlPage, "WWW-Authenticate", "Negotiate"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 407", faults: says(407, htmlPage, "Proxy-Authenticate", basic), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 407 with the marks of a 401", faults: says(407, "", "WWW-Authenticate", basic), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 408", faults: says(408, ""), verdict: guard.NoAnswer, status: 408},

	// 2xx
	{name: "a 200 with a page", faults: says(200, htmlPage), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 200 with a page, on a query", method: "POST", path: "/Companies/query", body: "{}", faults: says(200, htmlPage), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 200 with a page, on a create", method: "POST", path: "/Companies", body: "{}", faults: says(200, htmlPage), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 200 with an XHTML page", faults: says(200, "<html/>", "Content-Type", "application/xhtml+xml; charset=utf-8"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 204 with the type of a page", method: "DELETE", path: "/Companies/1", faults: says(204, "", "Content-Type", "text/html"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a page that says it is JSON", faults: says(200, "<html>a page</html>", "Content-Type", "application/json"), verdict: guard.Accepted, status: 200},
	{name: "a 200 with a plain text", faults: says(200, "OK", "Content-Type", "text/plain"), verdict: guard.Neutral, status: 200},
	{name: "a 200 with errors in it", faults: says(200, errorsJSON("Title is required")), verdict: guard.Accepted, status: 200},

	// 403 and other 4xx
	{name: "a 403 with a page", faults: says(403, htmlPage), verdict: guard.Neutral, status: 403},
	{name: "a 403 with a permission's text", faults: says(403, errorsJSON("The logged in Resource does not have the adequate permissions to query this entity type.")), verdict: guard.Neutral, status: 403},
	{name: "a 403 that speaks of a lockout", faults: says(403, errorsJSON("The user account has been locked, please see the administrator")), verdict: guard.Locked, status: 503, reason: "login-locked"},
	{name: "a 404 with a page", faults: says(404, htmlPage), verdict: guard.Neutral, status: 404},
	{name: "a 405", faults: says(405, `{"Message":"The requested resource does not support http method 'GET'."}`), verdict: guard.Neutral, status: 405},
	{name: "a 429 without more", faults: says(429, ""), verdict: guard.Neutral, status: 429},
	{name: "a 429 with seconds", faults: says(429, errorsJSON("The Autotask API thread threshold of 3 threads has been exceeded"), "Retry-After", "7"), verdict: guard.Neutral, status: 429, retry: "7"},
	{
		name: "a 429 with a date", faults: says(429, "", "Retry-After", "Sat, 01 Jan 2000 01:00:00 GMT"),
		verdict: guard.Neutral, status: 429, retry: "Sat, 01 Jan 2000 01:00:00 GMT",
	},
	{name: "a 451 with a page", faults: says(451, htmlPage), verdict: guard.Neutral, status: 451},

	// 5xx
	{name: "a 500 with a page", faults: says(500, htmlPage), verdict: guard.NoAnswer, status: 500},
	{name: "a 500 without a body", faults: says(500, ""), verdict: guard.NoAnswer, status: 500},
	{name: "a 500 that is no JSON", faults: says(500, "Runtime Error {secret}"), verdict: guard.NoAnswer, status: 500},
	{name: "a 500 with errors that are no list", faults: says(500, `{"errors":"IntegrationCode is invalid"}`), verdict: guard.NoAnswer, status: 500},
	{name: "the thread limit as 500", faults: says(500, errorsJSON("The Autotask API thread threshold of 3 threads has been exceeded. (Itgenatr005)")), verdict: guard.Neutral, status: 500},
	{name: "the thread limit as 503", faults: says(503, errorsJSON("The Autotask API thread threshold of 3 threads has been exceeded"), "Retry-After", "3"), verdict: guard.Neutral, status: 503, retry: "3"},
	{name: "the hourly limit as 500", faults: says(500, errorsJSON("The number of external requests has exceeded the threshold of 10000 in 60 minutes.")), verdict: guard.Neutral, status: 500},
	{name: "a missing permission as 500", faults: says(500, errorsJSON("The logged in Resource does not have the adequate permissions to create this entity type.")), verdict: guard.Neutral, status: 500},
	{name: "a value of the caller's that the PSA repeats", faults: says(500, errorsJSON("Could not convert string to integer: your account has been locked. Path 'status'.")), verdict: guard.Neutral, status: 500},
	{name: "a 502 with a page", faults: says(502, htmlPage), verdict: guard.NoAnswer, status: 502},
	{name: "a 502 with a proxy's JSON", faults: says(502, `{"error":"bad gateway"}`), verdict: guard.NoAnswer, status: 502},
	{name: "a 503 with a page and a pause", faults: says(503, htmlPage, "Retry-After", "120"), verdict: guard.NoAnswer, status: 503, retry: "120"},
	{name: "a 503 with errors that nobody knows", faults: says(503, errorsJSON("Try later")), verdict: guard.NoAnswer, status: 503},
	{name: "a 504", faults: says(504, ""), verdict: guard.NoAnswer, status: 504},
	{name: "a 511 of a captive portal", faults: says(511, htmlPage), verdict: guard.NoAnswer, status: 511},

	// gzip
	{name: "a 500 that only says that it is gzip", faults: says(500, errorsJSON("Title is required"), "Content-Encoding", "gzip"), verdict: guard.Neutral, status: 500, look: holds("Title is required")},
	{name: "a 500 that is gzip and does not say so", faults: says(500, zipped(errorsJSON("Title is required")+"{secret}")), verdict: guard.Neutral, status: 500, look: holds("Title is required")},
	{name: "a 500 in gzip by its older name", faults: says(500, zipped(errorsJSON("Title is required", "old-password"))+"", "Content-Encoding", "x-gzip"), verdict: guard.Neutral, status: 500, look: holds("Title is required")},
	{name: "a 500 in a coding that nobody asked for", faults: says(500, "\x1b\x0a\x00\xf8", "Content-Encoding", "br"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 500 in two codings", faults: says(500, zipped(zipped("old-password")), "Content-Encoding", "gzip, gzip"), verdict: guard.NoAnswer, status: 502, reason: unreachable},
	{name: "a 500 with half a gzip", faults: says(500, zipped(errorsJSON("Title is required"))[:20], "Content-Encoding", "gzip"), verdict: guard.NoAnswer, status: 500, cut: true},
	{name: "a query's 200 that only says that it is gzip", path: "/Companies/query?search=%7B%7D", faults: says(200, `{"items":[]}`, "Content-Encoding", "gzip"), verdict: guard.Accepted, status: 200, look: holds(`{"items":[]}`)},
	{name: "a query's 200 in a coding that nobody asked for", path: "/Companies/query?search=%7B%7D", faults: says(200, "\x1b\x0a\x00\xf8", "Content-Encoding", "br"), verdict: guard.Accepted, status: 502, reason: unreachable},
	{name: "a query's 200 with half a gzip", path: "/Companies/query?search=%7B%7D", faults: says(200, zipped(`{"items":[]}`)[:20], "Content-Encoding", "gzip"), verdict: guard.Accepted, status: 200, cut: true},
	{
		name: "a query's 200 with a wrong checksum", path: "/Companies/query?search=%7B%22filter%22%3A%5B%5D%7D", faults: []psatest.Fault{{At: psatest.Received, Path: "/Companies", Change: psatest.BadGzipSum}},
		verdict: guard.Accepted, status: 200, cut: true,
	},
	{name: "a record that only says that it is gzip", faults: says(200, `{"item":null}`, "Content-Encoding", "gzip"), verdict: guard.Accepted, status: 200},
}

// holds demands that the caller can read a text.
func holds(text string) func(*testing.T, answer) {
	return func(t *testing.T, a answer) {
		t.Helper()
		if !strings.Contains(a.body, text) || a.header.Get("Content-Encoding") != "" {
			t.Errorf("Content-Encoding %q, body %q", a.header.Get("Content-Encoding"), a.body)
		}
	}
}

func TestAnAnswerInEveryDress(t *testing.T) {
	for _, h := range dressed {
		h.judged = 1
		t.Run(h.name, h.meets)
	}
}

func TestNoDressHidesFailedSignInsFromTheBudget(t *testing.T) {
	for _, h := range dressed {
		if h.verdict == guard.NoAnswer {
			t.Run(h.name, func(t *testing.T) { worst(t, h.faults) })
		}
	}
}

// Refusals, which the PSA counts: what they cost, and what the caller hears.
func TestARefusalInEveryDress(t *testing.T) {
	refuses := func(more ...psatest.Fault) []psatest.Fault {
		return append([]psatest.Fault{{At: psatest.Received, Then: psatest.Refuse, Only: psatest.SignInCall}}, more...)
	}
	dress := func(f []psatest.Fault) psatest.Fault {
		f[0].Only = psatest.SignInCall
		return f[0]
	}
	for _, h := range []struct {
		name    string
		faults  []psatest.Fault
		reason  string
		retry   string
		failed  int // 2: the call's, and the recheck that is due at once after a first refusal
		verdict string
	}{
		{"the bare 401", refuses(), "credential-refused", "15", 2, "main refused:2 "},
		{"a 401 with another realm and a page", refuses(dress(says(401, htmlPage, "WWW-Authenticate", `Negotiate, basic realm="x"`))), "credential-refused", "15", 2, "main refused:2 "},
		{"a 500 about the integration code", refuses(dress(says(500, errorsJSON("IntegrationCode is invalid")))), "credential-refused", "15", 2, "main refused:2 "},
		{"the same, not saying that it is gzip", refuses(dress(says(500, zipped(errorsJSON("IntegrationCode is invalid"))))), "credential-refused", "15", 2, "main refused:2 "},
		{"the same, only saying that it is gzip", refuses(dress(says(500, errorsJSON("IntegrationCode is invalid"), "Content-Encoding", "gzip"))), "credential-refused", "15", 2, "main refused:2 "},
		{"a 500 that is cut behind its text", refuses(dress(raw("HTTP/1.1 500 x", jsonLine, "Content-Length: 999", "", `{"errors":["IntegrationCode is invalid"`))), "credential-refused", "15", 2, "main refused:2 "},
		{"a lockout's text", refuses(dress(says(500, errorsJSON("The user account has been locked, please see the administrator.")))), "login-locked", "", 1, "main locked:1 "},
		{"a lockout's text on a 401", refuses(dress(says(401, errorsJSON("The user account has been locked"), "WWW-Authenticate", basic))), "login-locked", "", 1, "main locked:1 "},
		{"a 401 without the marks", refuses(dress(says(401, ""))), unreachable, "", 1, "main no-answer:1 "},
	} {
		inNotedWorld(t, func(w *world, n *notes) {
			w.served("a")
			before := n.verdicts()
			w.order(h.faults)
			a := w.call("a", "GET", "/Companies/1", "")
			if a.reason() != h.reason || a.header.Get("Retry-After") != h.retry || w.failed() != h.failed {
				t.Errorf("%s: %d %q, Retry-After %q, %d failed sign-ins, want %+v", h.name, a.status, a.reason(), a.header.Get("Retry-After"), w.failed(), h)
			}
			if got := n.verdicts().since(before); got != h.verdict {
				t.Errorf("%s: verdicts %s", h.name, got)
			}
			w.shows(a)
			time.Sleep(24 * time.Hour)
			w.safeNow()
		})
		t.Run(h.name, func(t *testing.T) { worst(t, h.faults[1:]) })
	}
}

// The PSA refuses one integration one operation, and takes the same credential for all else: an operator sees that, and can
// end the wait.
func TestARefusedOperationIsShownAndReleased(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse, Path: "/Companies", Times: 1})
		w.call("a", "GET", "/Companies/1", "")
		if a := w.call("a", "GET", "/Companies/1", ""); a.reason() != "credential-refused" {
			t.Fatalf("%d %s", a.status, a.reason())
		}
		st := w.g.Status().Logins[0]
		if len(st.Problems) != 1 || !strings.HasPrefix(st.Problems[0], "integration a may not read Companies until 00:15:00 UTC") {
			t.Errorf("problems %q", st.Problems)
		}
		if a := w.call("b", "GET", "/Companies/1", ""); a.status != 200 {
			t.Errorf("the other's: %d %s", a.status, a.reason())
		}
		if err := w.g.Release("main", st.Seq, nil); err != nil {
			t.Fatal(err)
		}
		if a := w.call("a", "GET", "/Companies/1", ""); a.status != 200 {
			t.Errorf("released: %d %s", a.status, a.reason())
		}
		if st := w.g.Status().Logins[0]; len(st.Problems) != 0 {
			t.Errorf("problems %q", st.Problems)
		}
		w.safeNow()
	})
}
