package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"
)

// judgeable is how long a soak lasts at least whose memory is looked at.
const judgeable = 2 * time.Minute

// soakGauge is what the process used at a moment.
type soakGauge struct {
	resident   int64 // bytes
	heap       int64 // bytes of these that are in use
	goroutines int
}

// gauge looks at the process, after a collection of its garbage.
func (s *soak) gauge(client *http.Client) (g soakGauge, err error) {
	text, err := s.adminText(client, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return g, err
	}
	_, heap, _ := strings.Cut(text, "\n# HeapAlloc = ")
	if _, err := fmt.Sscan(heap, &g.heap); err != nil {
		return g, fmt.Errorf("the size of the heap cannot be read: %w", err)
	}
	text, err = s.adminText(client, "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return g, err
	}
	if _, err := fmt.Sscanf(text, "goroutine profile: total %d", &g.goroutines); err != nil {
		return g, fmt.Errorf("the number of goroutines cannot be read: %w", err)
	}
	g.resident = s.memory(s.T, "VmRSS")
	return g, nil
}

func (s *soak) adminText(client *http.Client, page string) (string, error) {
	resp, err := client.Get("http://admin" + page)
	if err != nil {
		return "", fmt.Errorf("%s: %w", page, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("%s: %w", page, err)
	}
	return string(text), nil
}

// watch looks at the process again and again until the end.
func (s *soak) watch(ctx context.Context) (all []soakGauge) {
	client, done := s.adminClient()
	defer done()
	for ctx.Err() == nil {
		wait(ctx, max(time.Second, s.length/200))
		g, err := s.gauge(client)
		if err != nil {
			s.Error(err)
			continue
		}
		all = append(all, g)
	}
	return all
}

// staysFlat demands that the process used hardly more memory in the last third than in the first, without its first tenth.
func (s *soak) staysFlat(all []soakGauge) {
	s.Helper()
	all = all[len(all)/10:]
	third := len(all) / 3
	if third == 0 {
		return
	}
	first, middle, last := medianGauge(all[:third]), medianGauge(all[third:2*third]), medianGauge(all[2*third:])
	s.Logf("in the thirds of the time: %v; %v; %v", first, middle, last)
	if most := first.resident*5/4 + 16<<20; s.length >= judgeable && last.resident > most {
		s.Errorf("the memory grew from %d to %d bytes; want %d at most", first.resident, last.resident, most)
	}
}

// String is the gauge in MiB.
func (g soakGauge) String() string {
	return fmt.Sprintf("memory %.1f MiB, heap %.1f MiB, %d goroutines", float64(g.resident)/(1<<20), float64(g.heap)/(1<<20), g.goroutines)
}

// medianGauge is that of each value by itself.
func medianGauge(of []soakGauge) soakGauge {
	middle := func(value func(soakGauge) int64) int64 {
		sorted := slices.SortedFunc(slices.Values(of), func(a, b soakGauge) int { return cmp.Compare(value(a), value(b)) })
		return value(sorted[len(sorted)/2])
	}
	return soakGauge{
		resident:   middle(func(g soakGauge) int64 { return g.resident }),
		heap:       middle(func(g soakGauge) int64 { return g.heap }),
		goroutines: int(middle(func(g soakGauge) int64 { return int64(g.goroutines) })),
	}
}

// janitorSecret is of users of the PSA's whom the gateway does not know.
const janitorSecret = "a-Broom-4711"

func janitor(tenant string) string { return "janitor@" + strings.ToLower(tenant) + ".example" }

// addJanitors gives each tenant somebody who sweeps, and a ticket with an attachment of 500 KB.
func (s *soak) addJanitors() {
	for _, tenant := range s.sim.Tenants() {
		tenant.AddUser(janitor(tenant.Name()), janitorSecret, code)
		if out := s.sweeps(tenant.Name(), "POST", "/Tickets/1/Attachments", attachment(500_000)); out != http.StatusOK {
			s.Fatalf("attaching to a ticket of %s: %d", tenant.Name(), out)
		}
	}
}

// sweeps makes a call as a tenant's janitor, past the gateway.
func (s *soak) sweeps(tenant, method, path, body string) int {
	r := httptest.NewRequest(method, restV1+path, strings.NewReader(body))
	r.Header.Set("UserName", janitor(tenant))
	r.Header.Set("Secret", janitorSecret)
	r.Header.Set("ApiIntegrationCode", code)
	out := httptest.NewRecorder()
	s.sim.User(janitor(tenant)).Tenant().Zone().ServeHTTP(out, r)
	return out.Code
}

// sweep deletes what callers attach, or the simulator's memory would be full of it. It keeps the titles, by tenant.
func (s *soak) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		wait(ctx, 2*time.Second)
		s.sweepOnce()
	}
}

func (s *soak) sweepOnce() {
	for _, tenant := range s.sim.Tenants() {
		for _, a := range tenant.Records("TicketAttachments") {
			title, _ := a["title"].(string)
			path := fmt.Sprintf("/Tickets/%v/Attachments/%v", a["parentID"], a["id"])
			if !strings.HasPrefix(title, "soak ") {
				continue
			}
			if got := s.sweeps(tenant.Name(), "DELETE", path, ""); got != http.StatusOK {
				s.deeds.add(fmt.Sprint("the janitor got ", got)) // and tries again
				continue
			}
			s.books.sweeps(tenant.Name(), title)
		}
	}
}
