package psatest_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

func TestPathsAreTakenInAnyCaseAndWithRepeatedSlashes(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(1)
	for _, path := range []string{
		"/ATServicesRest/V1.0/Tickets/query", "/atservicesrest/v1.0/tickets/QUERY",
		"/ATServicesRest//v1.0/Tickets/Query", "//ATServicesRest///V1.0//TICKETS//query/",
	} {
		r := ask(w.z5, request("POST", "http://zone5.test"+path, `{"filter":[]}`, userName, secret, code))
		if r.status != 200 || len(ids(r.json(t))) != 1 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestWhatIsNotThereOrNotAllowedSaysSo(t *testing.T) {
	const (
		notHere = "No HTTP resource was found that matches the request URI 'http://zone5.test/ATServicesRest/V1.0/"
		notThus = "The requested resource does not support http method '"
	)
	for name, tc := range map[string]struct {
		method, path string
		status       int
		message      string
	}{
		"an unknown entity":                      {"GET", "Wombats/1", 404, notHere + "Wombats/1'."},
		"an unknown child":                       {"GET", "Tickets/1/Wombats", 404, notHere},
		"an id that is no number":                {"GET", "Tickets/one", 404, notHere},
		"PATCH with the id in the path":          {"PATCH", "Tickets/1", 405, notThus + "PATCH'."},
		"PUT with the id in the path":            {"PUT", "Tickets/1", 405, notThus + "PUT'."},
		"DELETE of a ticket":                     {"DELETE", "Tickets/1", 405, notThus + "DELETE'."},
		"a contact created at the root":          {"POST", "Contacts", 405, notThus + "POST'."},
		"a note created at the root":             {"POST", "TicketNotes", 405, notThus + "POST'."},
		"a note deleted":                         {"DELETE", "Tickets/1/Notes/1", 405, notThus + "DELETE'."},
		"an attachment changed":                  {"PATCH", "Tickets/1/Attachments", 405, notThus + "PATCH'."},
		"a resource created":                     {"POST", "Resources", 405, notThus + "POST'."},
		"a list of everything":                   {"GET", "Tickets", 405, notThus + "GET'."},
		"a write to the threshold":               {"POST", "ThresholdInformation", 405, notThus + "POST'."},
		"V1.0 alone":                             {"GET", "", 404, notHere},
		"more path than any route has":           {"GET", "Tickets/1/Notes/1/2", 404, notHere},
		"an unknown part of entityInformation":   {"GET", "Tickets/entityInformation/wombats", 404, notHere},
		"a number too long for an id of records": {"GET", "Tickets/99999999999999999999", 404, notHere},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.do(tc.method, tc.path, "{}")
			if got, _ := r.json(t)["Message"].(string); r.status != tc.status || !strings.HasPrefix(got, tc.message) {
				t.Fatalf("%d %s", r.status, r.body)
			}
			wrong := ask(w.z5, request(tc.method, "/ATServicesRest/V1.0/"+tc.path, "{}", userName, "wrong", code))
			wantBare401(t, wrong, "zone5.test")
		})
	}
}

func zipped(s string) io.Reader {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write([]byte(s))
	_ = zw.Close()
	return &b
}

func TestGzippedRequestsAreReadOrTakenForGarbage(t *testing.T) {
	w := newWorld(t)
	send := func(body io.Reader) reply {
		r := request("POST", "/ATServicesRest/V1.0/Tickets/query/count", "", userName, secret, code)
		r.Header.Set("Content-Encoding", "gzip")
		r.Body = io.NopCloser(body)
		return ask(w.z5, r)
	}
	if r := send(zipped(`{"filter":[]}`)); r.body != `{"queryCount":0}` {
		t.Fatalf("accepting: %d %s", r.status, r.body)
	}
	if r := send(strings.NewReader("not gzip")); r.status != 500 {
		t.Fatalf("not gzip at all: %d %s", r.status, r.body)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.RefuseGzip = true })
	if r := send(zipped(`{"filter":[]}`)); r.status != 500 || !strings.Contains(r.body, "Unexpected character encountered while parsing value") {
		t.Fatalf("refusing: %d %s", r.status, r.body)
	}
	if got := len(w.sim.Ledger()); got != 3 {
		t.Fatalf("%d sign-ins judged, want 3: a bad body is no reason not to judge", got)
	}
}

func TestAnswersAreGzippedWhenToldToAndAsked(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.GzipAnswers = true })
	r := request("GET", "/ATServicesRest/V1.0/Tickets/1", "", userName, secret, code)
	if got := ask(w.z5, r); got.body != `{"item":null}` {
		t.Fatalf("to a client that does not accept it: %q", got.body)
	}
	r.Header.Set("Accept-Encoding", "gzip, deflate")
	got := ask(w.z5, r)
	zr, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil || got.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("not gzip: %v %q", err, got.body)
	}
	if b, _ := io.ReadAll(zr); string(b) != `{"item":null}` {
		t.Fatalf("unzipped: %s", b)
	}
}

func TestABodyOver30MBIsJudgedAndRefused(t *testing.T) {
	w := newWorld(t)
	if r := w.do("POST", "Tickets", strings.Repeat(" ", 30_000_001)); r.status != 413 {
		t.Fatalf("status %d", r.status)
	}
	if len(w.sim.Ledger()) != 1 {
		t.Fatal("not judged")
	}
}
