package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// Each of 5,000 logins has its record, and an integration. What it takes is said, and not judged: that is the machine's.
func TestFiveThousandLoginsAreListedAndServed(t *testing.T) {
	const logins = 5000
	w := newWorld(t)
	w.binary = binary(t, false) // the race detector multiplies memory
	records := map[string]map[string]string{}
	var psa strings.Builder
	key := newKey(t)
	for i := range logins {
		name := fmt.Sprintf("login-%04d", i)
		records["autotask/"+name] = map[string]string{"username": "api@" + name + ".example", "secret": oldPassword, "integration_code": code}
		hash := newKey(t).Hash()
		if i == 0 {
			hash = key.Hash()
		}
		fmt.Fprintf(&psa, "login %s {\n\t\t\tsecret file autotask/%[1]s\n\t\t\tdiscover %s\n\t\t\thosts 127.0.0.1\n\t\t\tinsecure_http\n\t\t}\n"+
			"\t\tintegration %[1]s {\n\t\t\tkey %[3]s\n\t\t\tlogin %[1]s\n\t\t}\n\t\t", name, w.sim.DiscoverURL(), hash)
	}
	w.psa = psa.String()
	w.keys["login-0000"] = key
	w.tenant.AddUser("api@login-0000.example", oldPassword, code)
	records["autotask/main"] = map[string]string{"username": user, "secret": oldPassword, "integration_code": code}
	text, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	w.write(secretsFile, string(text))
	for _, start := range []string{"first", "second"} {
		begin := time.Now()
		w.start()
		serving := time.Since(begin)
		w.until("all are listed, and their records are read", func() bool {
			var s report.Status
			out, status := w.ask("status --json")
			return status == 0 && json.Unmarshal([]byte(out), &s) == nil && len(s.Logins) == logins+1 && recordsRead(&s) == logins+1
		})
		t.Logf("%s start: serves after %v, status lists all after %v; %d MB", start, serving.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), w.resetPeak(t)>>20)
		w.served("login-0000")
		w.server.stop(w)
		w.server = nil
	}
	if n := len(w.sim.Ledger()); n > 3 {
		t.Errorf("%d sign-ins for two calls", n)
	}
}

// recordsRead is how many records the secret stores have given.
func recordsRead(s *report.Status) (n int) {
	for i := range s.Stores {
		for _, r := range s.Stores[i].Records {
			if r.Version > 0 {
				n++
			}
		}
	}
	return n
}

// A process that is alone hardly writes: its beats, and what its idle units cost.
func TestOneProcessWritesItsStoreLessThanOnceInAThousandCalls(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.served("a")
	const callers, each = 4, 1000
	begin, before := time.Now(), w.transactions()
	parallel(callers, func(i int) {
		for range each {
			w.served([]string{"a", "b"}[i%2])
		}
	})
	took := time.Since(begin)
	written := w.transactions() - before
	beats := int(took/(5*time.Second)) + 1
	t.Logf("%d calls in %v: %d transactions, of which %d beats at most", callers*each, took.Round(time.Millisecond), written, beats)
	if rest := written - beats; rest*1000 >= 2*callers*each {
		t.Errorf("%d transactions for %d calls, beats aside", rest, callers*each)
	}
	w.unharmed(0)
}

// transactions is how many the process has committed to its store.
func (w *world) transactions() int {
	w.Helper()
	n, err := strconv.ParseFloat(w.metric("psagate_store_transactions_total"), 64)
	if err != nil {
		w.Fatal(err)
	}
	return int(n)
}

// metric is what the process says of a metric without labels.
func (w *world) metric(name string) string {
	w.Helper()
	for line := range strings.Lines(w.askPage("/metrics").body) {
		if text, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(text)
		}
	}
	w.Fatalf("no metric %s", name)
	return ""
}
