package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// answer is what a caller got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) reason() string { return a.header.Get("Psagate-Reason") }

// ticket tells whether it is the PSA's answer with a ticket.
func (a answer) ticket() bool {
	return a.status == http.StatusOK && strings.Contains(a.body, `"ticketNumber"`)
}

func (w *world) url(path string) string { return "http://" + w.address + path }

// request makes a request as an integration; path is below /ATServicesRest/V1.0.
func (w *world) request(integration, method, path string, body io.Reader) *http.Request {
	w.Helper()
	r, err := http.NewRequest(method, w.url("/ATServicesRest/V1.0"+path), body)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("UserName", integration)
	r.Header.Set("Secret", w.keys[integration].Reveal())
	r.Header.Set("ApiIntegrationCode", "anything")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// call makes a call as an integration and returns its answer, which is kept, to be searched for secrets.
func (w *world) call(integration, method, path, body string) answer {
	w.Helper()
	a := send(w.T, http.DefaultClient, w.request(integration, method, path, strings.NewReader(body)))
	w.heard.add(a.place(fmt.Sprintf("the answer to %s: %s %s", integration, method, path), w.keys[integration].Reveal()))
	return a
}

// served makes a call and demands that the PSA answered it.
func (w *world) served(integration string) {
	w.Helper()
	if a := w.call(integration, "GET", "/Tickets/1", ""); !a.ticket() {
		w.Fatalf("%d %s %s", a.status, a.reason(), a.body)
	}
}

// send sends a request; an answer that does not come is the test's failure.
func send(t *testing.T, client *http.Client, r *http.Request) answer {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// asJSON runs a command against the server and reads the JSON that it prints.
func (w *world) asJSON(line string, into any) {
	w.Helper()
	out, status := w.ask(line + " --json")
	if status != 0 {
		w.Fatalf("%s: exit status %d: %s", line, status, out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		w.Fatalf("%s: %v: %s", line, err, out)
	}
}

// parallel calls f n times at once and waits for all.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
