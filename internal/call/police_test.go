package call

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// testJudge is a Judge of one text.
type testJudge struct {
	*policy.Policies
	observes bool
}

func (j testJudge) Observes() bool { return j.observes }

// inPolicedWorld runs a test in a world whose calls are judged by a policy; the empty one is the default.
func inPolicedWorld(t *testing.T, text string, f func(w *world)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.policed(text, false)
		f(w)
	})
}

func (w *world) policed(text string, observes bool) {
	w.Helper()
	var sources []policy.Source
	if text != "" {
		sources = append(sources, policy.Source{Name: "test.cedar", Text: []byte(text)})
	}
	p, err := policy.Load(sources, policy.Options{})
	if err != nil {
		w.Fatal(err)
	}
	w.asks, w.cfg.Policy = true, testJudge{p, observes}
	w.load()
}

// arrived is how many calls of integrations came to the PSA.
func (w *world) arrived() int { return w.z5.Requests().Judged }

func TestWithoutAPolicyReadingAndQueryingPassAndNothingElse(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		w.served("a")
		if a := w.call("a", "POST", "/Tickets/query", `{"filter":[{"op":"exist","field":"id"}]}`); a.status != 200 {
			t.Errorf("a query: %d %s", a.status, a.body)
		}
		before := w.arrived()
		for method, path := range map[string]string{"POST": "/Tickets", "PATCH": "/Tickets", "PUT": "/Tickets", "DELETE": "/ContactGroups/5"} {
			a := w.call("a", method, path, newTicket)
			if a.status != 403 || a.reason() != "policy" {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
		if w.arrived() != before {
			t.Error("a denied call came to the PSA")
		}
		w.safeNow()
	})
}

func TestADeniedCallerAndTheLogHearTheLineThatWouldPermitIt(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		const line = `permit (principal == Integration::"a", action == Action::"create", resource == Entity::"TicketNotes");`
		a := w.call("a", "POST", "/Tickets/1/Notes", `{"title":"x"}`)
		if text := strings.Join(errorsOf(t, a), ""); !strings.Contains(text, line) {
			t.Errorf("the answer says %s", text)
		}
		if log := strings.ReplaceAll(w.log.String(), `\"`, `"`); !strings.Contains(log, line) {
			t.Errorf("the log says %s", w.log)
		}
		w.policed(line, false)
		if a := w.call("a", "POST", "/Tickets/1/Notes", `{"title":"x"}`); a.reason() == "policy" {
			t.Errorf("with that line: %s", a.body)
		}
	})
}

func errorsOf(t *testing.T, a answer) (texts []string) {
	t.Helper()
	for _, text := range a.json(t)["errors"].([]any) {
		texts = append(texts, text.(string))
	}
	return texts
}

func TestWhoIsDeniedIsLoggedOnceAMinute(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		for range 20 {
			w.call("a", "POST", "/Tickets", newTicket)
			w.call("a", "POST", "/Newcomers", newTicket)
		}
		if n := strings.Count(w.log.String(), "policy denied a call"); n != 2 {
			t.Errorf("%d lines", n)
		}
	})
}

// last returns the last call that was told of.
func (n *notes) last(w *world) report.Call {
	w.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.answered) == 0 {
		w.Fatal("no call was told of")
	}
	return n.answered[len(n.answered)-1]
}

func TestObservedPolicyHoldsNothingBack(t *testing.T) {
	inNotedWorld(t, func(w *world, seen *notes) {
		w.policed("", true)
		if a := w.call("a", "POST", "/Tickets", newTicket); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if got := seen.last(w); got.Decision != report.WouldDeny || got.Reason != "" || got.Outcome != report.OutcomeOK {
			t.Errorf("%+v", got)
		}
		if !strings.Contains(w.log.String(), "would deny") {
			t.Error("nothing is in the log")
		}
	})
}

func TestWhatPolicyDecidedIsTold(t *testing.T) {
	inNotedWorld(t, func(w *world, seen *notes) {
		w.policed("", false)
		w.served("a")
		if got := seen.last(w); got.Decision != report.Allow {
			t.Errorf("of a call that passed: %+v", got)
		}
		w.call("a", "POST", "/Tickets", newTicket)
		if got := seen.last(w); got.Decision != report.Deny || got.Outcome != "policy" || got.Integration != "a" {
			t.Errorf("of one that did not: %+v", got)
		}
	})
}

const titleOnly = `
permit (principal, action in [Action::"read", Action::"query"], resource);
permit (principal, action == Action::"update", resource == Entity::"Tickets") when { context.fields.containsAny(["title"]) && !context.fields.contains("queueid") };
forbid (principal, action == Action::"query", resource == Entity::"Contacts") when { context.filters.contains("emailaddress") };
forbid (principal, action, resource == Entity::"Tickets") when { resource has id && resource.id == "2" };
`

func TestPolicySeesTheFieldsOfTheBody(t *testing.T) {
	inPolicedWorld(t, titleOnly, func(w *world) {
		for _, of := range []struct {
			is, method, path, body string
			denied                 bool
		}{
			{"a title alone", "PATCH", "/Tickets", `{"id":1,"title":"x"}`, false},
			{"a title alone, and the rest emptied", "PUT", "/Tickets", `{"id":1,"title":"x"}`, true},
			{"that of a ticket that nobody may touch", "PATCH", "/Tickets", `{"ID":"2","title":"x"}`, true},
			{"that of a ticket that cannot be told", "PATCH", "/Tickets", `{"id":2.0,"title":"x"}`, true},
			{"that of one ticket or another", "PATCH", "/Tickets", `{"id":1,"Id":2,"title":"x"}`, true},
			{"a queue beside it", "PATCH", "/Tickets", `{"id":1,"title":"x","QUEUEID":1}`, true},
			{"no title", "PATCH", "/Tickets", `{"id":1,"queueID":1}`, true},
			{"no JSON", "PATCH", "/Tickets", `{"id":1,"title"`, true},
			{"a query by another field", "POST", "/Contacts/query", `{"filter":[{"op":"eq","field":"id","value":1}]}`, false},
			{"a query by mail address", "POST", "/Contacts/query", `{"filter":[{"op":"or","items":[{"op":"eq","field":"EMailAddress","value":"x"}]}]}`, true},
			{"the same by GET", "GET", "/Contacts/query?search=%7B%22filter%22%3A%5B%7B%22op%22%3A%22eq%22%2C%22field%22%3A%22emailAddress%22%2C%22value%22%3A1%7D%5D%7D", "", true},
		} {
			if a := w.call("a", of.method, of.path, of.body); (a.reason() == "policy") != of.denied {
				t.Errorf("%s: %d %s", of.is, a.status, a.body)
			}
			if of.method == "GET" {
				continue
			}
			if a := w.zipped("a", of.method, of.path, of.body); (a.reason() == "policy") != of.denied {
				t.Errorf("%s, gzip: %d %s", of.is, a.status, a.body)
			}
		}
	})
}

// A record is the same whether a path names it or a body.
func TestAPolicyThatNamesARecordHoldsForUpdatesToo(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource); forbid (principal, action, resource == Entity::"Tickets") when { resource has id && resource.id == "1" };`, func(w *world) {
		for _, of := range []struct {
			method, path, body string
			denied             bool
		}{
			{"GET", "/Tickets/1", "", true},
			{"GET", "/Tickets/2", "", false},
			{"PATCH", "/Tickets", `{"id":1,"title":"x"}`, true},
			{"PATCH", "/tickets", `{"ID":"1","title":"x"}`, true},
			{"PUT", "/Tickets", `{"title":"x","id":1}`, true},
			{"PATCH", "/Tickets", `{"id":2,"title":"x"}`, false},
			{"PATCH", "/Tickets", `{"id":2,"title":"x","Id":1}`, true},
			{"PATCH", "/Tickets", `{"title":"x"}`, true},
			{"PATCH", "/Tickets", `{"id":1.0}`, true},
		} {
			if a := w.call("a", of.method, of.path, of.body); (a.reason() == "policy") != of.denied {
				t.Errorf("%s %s %s: %d %s", of.method, of.path, of.body, a.status, a.body)
			}
		}
	})
}

// What is not known is not taken for nothing.
func TestWhereFieldsCannotBeToldAPolicyThatLooksAtThemDenies(t *testing.T) {
	const text = `
permit (principal, action == Action::"update", resource == Entity::"Tickets") when { !context.fields.contains("queueid") };
permit (principal, action in [Action::"read", Action::"query"], resource == Entity::"Contacts") when { !context.returns.contains("emailaddress") };
`
	inPolicedWorld(t, text, func(w *world) {
		const filter = `"filter":[{"op":"exist","field":"id"}]`
		for _, of := range []struct {
			is, method, path, body string
			denied                 bool
		}{
			{"a body that is read", "PATCH", "/Tickets", `{"id":1,"title":"x"}`, false},
			{"one that is no JSON", "PATCH", "/Tickets", `{"id":1,"title":"x"`, true},
			{"one that names what is no field", "PATCH", "/Tickets", `{"id":1,"a b":2}`, true},
			{"a query that says what it wants", "POST", "/Contacts/query", `{` + filter + `,"includeFields":["id"]}`, false},
			{"one that says more", "POST", "/Contacts/query", `{` + filter + `,"includeFields":["id","eMailAddress"]}`, true},
			{"one that says nothing", "POST", "/Contacts/query", `{` + filter + `,"includeFields":[]}`, true},
			{"one that says it elsewhere", "POST", "/Contacts/query?search=%7B%22includeFields%22%3A%5B%22id%22%5D%7D", `{` + filter + `}`, true},
			{"one that does not say", "POST", "/Contacts/query", `{` + filter + `}`, true},
			{"its next page", "GET", "/Contacts/query/next?paging=x", "", true},
			{"a record by its id", "GET", "/Contacts/1", "", true},
			{"a count", "POST", "/Contacts/query/count", `{` + filter + `}`, false},
		} {
			if a := w.call("a", of.method, of.path, of.body); (a.reason() == "policy") != of.denied {
				t.Errorf("%s: %d %s", of.is, a.status, a.body)
			}
		}
	})
}

// zipped makes a call whose body is gzip.
func TestABodyThatIsSaidToBeNoJSONHasNoFieldsThatAreKnown(t *testing.T) {
	inPolicedWorld(t, titleOnly, func(w *world) {
		for contentType, denied := range map[string]bool{
			"": false, "application/json": false, "Application/JSON; Charset=UTF-8": false, "text/json": false,
			"application/x-www-form-urlencoded": true, "application/xml": true, "application/json; charset=utf-16": true,
			"application/json, text/xml": true, "multipart/form-data; boundary=x": true,
		} {
			req, err := http.NewRequest("PATCH", gatewayURL+"/ATServicesRest/V1.0/Tickets", strings.NewReader(`{"id":1,"title":"&queueID=1&"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Secret", w.keys["a"].Reveal())
			if contentType != "" {
				req.Header.Set("Content-Type", contentType)
			}
			a, err := w.do(req)
			if err != nil {
				t.Fatal(err)
			}
			if (a.reason() == "policy") != denied {
				t.Errorf("%q: %d %s", contentType, a.status, a.body)
			}
		}
	})
}

func (w *world) zipped(integration, method, path, body string) answer {
	w.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	req, err := http.NewRequest(method, gatewayURL+"/ATServicesRest/V1.0"+path, &b)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("UserName", integration)
	req.Header.Set("Secret", w.keys[integration].Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	a, err := w.do(req)
	if err != nil {
		w.Error(err)
	}
	return a
}

func TestBothPathsToAChildAreJudgedAlike(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource); forbid (principal, action, resource == Entity::"TicketNotes");`, func(w *world) {
		for _, path := range []string{"/TicketNotes/1", "/ticketnotes/1", "/Tickets/1/Notes", "/tickets//1/notes/2", "/Tickets/1/NOTES/2/"} {
			if a := w.call("a", "GET", path, ""); a.reason() != "policy" {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		w.served("a")
	})
}

func TestAChildThatNobodyKnowsIsDenied(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource);`, func(w *world) {
		if a := w.call("a", "GET", "/Tickets/1/Newcomers", ""); a.reason() != "policy" || !strings.Contains(a.body, "not understood") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestWhatNeedsNoSignInIsNotAsked(t *testing.T) {
	inPolicedWorld(t, `forbid (principal, action, resource);`, func(w *world) {
		resp, err := w.client.Get(gatewayURL + "/ATServicesRest/V1.0/zoneInformation?user=x")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%d", resp.StatusCode)
		}
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "policy" {
			t.Errorf("%d", a.status)
		}
	})
}

func TestPolicyKnowsGroups(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Integrations[0].Groups = []string{"writers"}
		w.policed(`permit (principal in IntegrationGroup::"writers", action, resource);`, false)
		w.served("a")
		if a := w.call("b", "GET", "/Tickets/1", ""); a.reason() != "policy" {
			t.Errorf("%d", a.status)
		}
	})
}

func TestACallThatIsChangedAfterPolicyIsRefused(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		for is, change := range map[string]func(*http.Request){
			"another path":   func(r *http.Request) { r.URL.Path = "/ATServicesRest/V1.0/Contacts/1" },
			"another method": func(r *http.Request) { r.Method = "DELETE" },
			"a query":        func(r *http.Request) { r.URL.RawQuery = "a=b" },
			"a coding":       func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
			"impersonation":  func(r *http.Request) { r.Header.Set("ImpersonationResourceId", "7") },
		} {
			w.changed = change
			before := w.arrived()
			if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 403 || a.reason() != "policy" || w.arrived() != before {
				t.Errorf("%s: %d %s", is, a.status, a.body)
			}
		}
		w.changed = nil
		w.served("a")
	})
}

func TestADeniedCallGivesItsPlaceBack(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		for range callsAtOnce + 10 {
			if a := w.call("a", "POST", "/Tickets", newTicket); a.reason() != "policy" {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		w.served("a")
		if n := len(w.shared.shares.byName); n != 0 {
			t.Errorf("%d integrations still hold places", n)
		}
	})
}

func TestACallThatPolicyJudgedStaysJudgedIfWhoCallsIsAskedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		r := httptest.NewRequest("POST", "http://gateway.test/ATServicesRest/V1.0/Tickets/query", strings.NewReader(`{"filter":[{"op":"eq","field":"id","value":1}]}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Secret", w.keys["a"].Reveal())
		rec := httptest.NewRecorder()
		r, _, _ = w.g.Identify(rec, r, "192.0.2.7")
		_, leave, done := w.g.Police(rec, r, 0)
		defer leave()
		if done {
			t.Fatal(rec.Code, rec.Body)
		}
		r, _, _ = w.g.Identify(rec, r, "192.0.2.7")
		if info := w.g.Proxy(rec, r, ProxyOptions{}); rec.Code != http.StatusOK || info.Decision != report.Allow {
			t.Errorf("status %d, decision %q: %s", rec.Code, info.Decision, rec.Body)
		}
	})
}
