package call

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
)

// traps are hosts that hostile answers name. Nobody must ever connect to one.
var traps = []string{
	"evil.example.com:443", "evil.example.com:80", "10.0.0.1:80", "10.0.0.1:443", "169.254.169.254:80", "169.254.169.254:443",
	"webservices9.autotask.net:80", "localhost:80", "[::1]:80",
}

// trapped has somebody listen on the traps, who complains.
func (w *world) trapped() {
	for _, addr := range traps {
		l := w.net.Listen(addr)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				w.Errorf("a connection to %s", addr)
				_ = c.Close()
			}
		}()
		w.after = append(w.after, func() { _ = l.Close() })
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	self := "http://127.0.0.1:5005/ATServicesRest/V1.0/Companies/1"
	for _, c := range []struct{ name, location, want string }{
		{"a foreign host", "https://evil.example.com/ATServicesRest/V1.0/Companies/1", ""},
		{"a foreign host, in the clear", "http://evil.example.com/ATServicesRest/V1.0/Companies/1", ""},
		{"a private address", "http://10.0.0.1/", ""},
		{"a cloud's metadata", "http://169.254.169.254/latest/meta-data", ""},
		{"a host without a scheme", "//evil.example.com/x", ""},
		{"a host behind backslashes", `/\evil.example.com/x`, ""},
		{"the PSA in the clear", "http://webservices9.autotask.net/ATServicesRest/V1.0/Companies/1", ""},
		{"itself, in a circle", self, gatewayURL + "/ATServicesRest/V1.0/Companies/1"},
		{"itself, by its path", "/ATServicesRest/V1.0/Companies/1", gatewayURL + "/ATServicesRest/V1.0/Companies/1"},
		{"another zone", "http://127.0.0.1:5006/ATServicesRest/V1.0/Companies/1", gatewayURL + "/ATServicesRest/V1.0/Companies/1"},
		{"a login page of a captive portal", "/login?user={user}&secret={secret}", gatewayURL + "/login?user=api@example.com&secret=[redacted]"},
		{"a page in another header", "", ""},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, method := range []string{"GET", "POST"} {
				h := hostile{
					name: fmt.Sprintf("%s %d to %s", method, status, c.name), method: method, path: "/Companies", judged: 1,
					faults:  says(status, "", "Location", c.location, "Refresh", "0; url=https://evil.example.com/", "Content-Location", "https://evil.example.com/", "Link", "<https://evil.example.com/>; rel=next"),
					verdict: guard.Neutral, status: status,
					look: func(t *testing.T, a answer) {
						for _, name := range []string{"Refresh", "Content-Location", "Link"} {
							if a.header.Get(name) != "" {
								t.Errorf("header %s passed", name)
							}
						}
						if got := a.header.Get("Location"); got != c.want {
							t.Errorf("Location %q, want %q", got, c.want)
						}
					},
				}
				t.Run(h.name, h.meetsTraps)
			}
		}
	}
}

// meetsTraps is meets with somebody on every host that a hostile answer names.
func (h hostile) meetsTraps(t *testing.T) {
	h.before = (*world).trapped
	h.meets(t)
}

func TestPagesThatLeadElsewhereOrInACircle(t *testing.T) {
	page := func(next string) []psatest.Fault {
		return says(200, `{"items":[{"id":1,"url":"https://evil.example.com/"}],"pageDetails":{"count":1,"prevPageUrl":"`+next+`","nextPageUrl":"`+next+`"}}`)
	}
	const query = "/Companies/query"
	for _, c := range []struct {
		name   string
		faults []psatest.Fault
		want   string // what the next page is
	}{
		{"a foreign host", page("https://evil.example.com/ATServicesRest/V1.0/Companies/query/next?x=1"), gatewayURL + "/ATServicesRest/V1.0/Companies/query/next?x=1"},
		{"a private address", page("http://10.0.0.1/ATServicesRest/V1.0/x"), gatewayURL + "/ATServicesRest/V1.0/x"},
		{"a host without a scheme", page("//evil.example.com/x"), gatewayURL + "/?//evil.example.com/x"},
		{"a host that one client reads and another does not", page(`https://evil.example.com\\@127.0.0.1/x`), gatewayURL + `/?https://evil.example.com\\@127.0.0.1/x`},
		{"a foreign host, in what says it is text", []psatest.Fault{{At: psatest.Judged, Then: psatest.Answer, Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: page("https://evil.example.com/x")[0].Body}}, gatewayURL + "/x"},
		{"another entity", page("http://127.0.0.1:5005/ATServicesRest/V1.0/Contacts/query/next?x=1"), gatewayURL + "/ATServicesRest/V1.0/Contacts/query/next?x=1"},
		{"itself", page("http://127.0.0.1:5005/ATServicesRest/V1.0/Companies/query"), gatewayURL + "/ATServicesRest/V1.0/Companies/query"},
	} {
		verdict := guard.Accepted
		if strings.Contains(c.name, "text") {
			verdict = guard.Neutral
		}
		h := hostile{
			name: c.name, method: "POST", path: query, body: "{}", faults: c.faults, verdict: verdict, status: 200, judged: 1,
			look: func(t *testing.T, a answer) {
				want := `{"items":[{"id":1,"url":"https://evil.example.com/"}],"pageDetails":{"count":1,"prevPageUrl":"` + c.want + `","nextPageUrl":"` + c.want + `"}}`
				if a.body != want {
					t.Errorf("got  %s\nwant %s", a.body, want)
				}
			},
		}
		t.Run(h.name, h.meetsTraps)
	}
}

func TestAClientThatFollowsPagesInACircleCostsASignInForEachAndNoMore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.trapped()
		w.served("a")
		w.sim.Fault(psatest.Fault{At: psatest.Received, Path: "/query", Change: psatest.Circle})
		mark, next := w.sim.Mark(), "/Tickets/query"
		for range 50 {
			details, _ := w.call("a", "POST", next, `{"filter":[{"op":"gt","field":"id","value":0}]}`).json(t)["pageDetails"].(map[string]any)
			u, _ := details["nextPageUrl"].(string)
			var found bool
			if next, found = strings.CutPrefix(u, gatewayURL+"/ATServicesRest/V1.0"); !found {
				t.Fatalf("the next page is %q", u)
			}
		}
		if n := len(w.sim.Ledger().Since(mark)); n != 50 {
			t.Errorf("%d sign-ins for 50 pages", n)
		}
		w.safeNow()
	})
}

func zoneJSON(base string) string {
	return `{"zoneName":"Evil","url":"` + base + `/ATServicesRest/","webUrl":"https://evil.example.com/","ci":1}`
}

// hostileLookups are what a zone lookup may meet. None of them leads to a sign-in.
var hostileLookups = map[string]psatest.Fault{
	"a foreign host":                 {Then: psatest.Answer, Status: 200, Body: zoneJSON("https://evil.example.com")},
	"a foreign host in the clear":    {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://evil.example.com")},
	"a private address":              {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://10.0.0.1")},
	"a private address over TLS":     {Then: psatest.Answer, Status: 200, Body: zoneJSON("https://10.0.0.1")},
	"a cloud's metadata":             {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://169.254.169.254")},
	"the host itself, by name":       {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://localhost")},
	"the host itself, as IPv6":       {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://[::1]")},
	"the PSA in the clear":           {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://webservices9.autotask.net")},
	"a user name before the host":    {Then: psatest.Answer, Status: 200, Body: zoneJSON("http://127.0.0.1:5005@evil.example.com")},
	"no URL":                         {Then: psatest.Answer, Status: 200, Body: `{"zoneName":"x","ci":1}`},
	"another host in every URL":      {Change: psatest.OtherHost("http://10.0.0.1")},
	"a redirect to a foreign host":   {Then: psatest.Answer, Status: 302, Header: http.Header{"Location": {"https://evil.example.com{uri}"}}, Body: "{}"},
	"a redirect to itself":           {Then: psatest.Answer, Status: 307, Header: http.Header{"Location": {"{uri}"}}},
	"a page of a captive portal":     {Then: psatest.Answer, Status: 200, Body: htmlPage},
	"a 401":                          {Then: psatest.Answer, Status: 401, Header: http.Header{"Www-Authenticate": {basic}}},
	"a 429":                          {Then: psatest.Answer, Status: 429, Body: errorsJSON("The Autotask API thread threshold of 3 threads has been exceeded")},
	"an unknown user":                {Then: psatest.Answer, Status: 500, Body: errorsJSON("Zone information could not be determined")},
	"garbage":                        {Then: psatest.Raw, Body: "\x16\x03\x01 what is this\r\n"},
	"garbage in a 200":               {Then: psatest.Answer, Status: 200, Body: "\x00\x01}{"},
	"JSON of another shape":          {Then: psatest.Answer, Status: 200, Body: `{"url":["https://evil.example.com"],"ci":"x"}`},
	"half an answer":                 {Then: psatest.Raw, Body: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + zoneJSON("http://127.0.0.1:5005")[:30]},
	"the end at once":                {Then: psatest.HangUp},
	"a reset":                        {Then: psatest.Reset},
	"nothing, ever":                  {Gone: true, Then: psatest.HangUp},
	"a head and nothing more":        {Then: psatest.Raw, Stay: true, Body: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
	"headers without an end":         {Then: psatest.EndlessHeader},
	"a body without an end":          {Then: psatest.EndlessBody, Body: `{"x":"`},
	"gzip that nobody asked for":     {Then: psatest.Answer, Status: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: zipped(zoneJSON("http://127.0.0.1:5005"))},
	"interim answers without an end": {Then: psatest.Raw, Body: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 470)+"\r\n\r\n", 620)},
}

func TestALookupThatIsHostileAtTheStartLeadsToNoSignIn(t *testing.T) {
	for name, f := range hostileLookups {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.trapped()
				f.Only = psatest.OpenCall
				order := w.sim.Fault(f)
				parallel(20, func(i int) {
					start := time.Now()
					a := w.call([]string{"a", "b"}[i%2], "GET", "/Companies/1", "")
					if a.status != 502 || a.reason() != "zone-unknown" || a.header.Get("Retry-After") == "" || time.Since(start) > 30*time.Second {
						t.Errorf("%d %q, Retry-After %q after %v: %s", a.status, a.reason(), a.header.Get("Retry-After"), time.Since(start), a.body)
					}
					w.shows(a)
				})
				time.Sleep(time.Hour)
				if n := w.sim.Requests(); n.Judged != 0 || n.Open > 70 {
					t.Errorf("%+v: want no sign-in, and a lookup a minute", n)
				}
				order.Release()
				time.Sleep(time.Minute)
				w.served("a")
				w.safeNow()
			})
		})
	}
}

func TestALookupThatTurnsHostileWhileALoginServesMovesNothing(t *testing.T) {
	for name, f := range hostileLookups {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.trapped()
				w.served("a")
				f.Only = psatest.OpenCall
				order := w.sim.Fault(f)
				w.served("b")
				// Now a call is lost, and the zone is in doubt.
				w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset, Path: "/Companies", Times: 1})
				if a := w.call("a", "GET", "/Companies/1", ""); a.reason() != unreachable {
					t.Errorf("%d %q", a.status, a.reason())
				}
				mark := w.sim.Mark()
				if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "gate-shut" || a.header.Get("Retry-After") == "" {
					t.Errorf("%d %q, Retry-After %q: nothing is sent before the free call has answered", a.status, a.reason(), a.header.Get("Retry-After"))
				}
				if n := len(w.sim.Ledger().Since(mark)); n != 0 {
					t.Errorf("%d sign-ins", n)
				}
				order.Release()
				time.Sleep(2 * time.Minute)
				w.served("a")
				w.safeNow()
			})
		})
	}
}

// The password is wrong, and the lookup that follows a refusal lies.
func TestALookupThatIsHostileAfterARefusalCostsNoMoreThanAnHonestOne(t *testing.T) {
	for name, f := range hostileLookups {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.T = t
				w.trapped()
				w.served("a")
				w.user.SetSecret("new-password")
				f.Only = psatest.OpenCall
				order := w.sim.Fault(f)
				parallel(20, func(i int) {
					if a := w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", ""); a.status < 502 || a.reason() == "" {
						t.Errorf("%d %q", a.status, a.reason())
					}
				})
				time.Sleep(3 * time.Hour)
				if w.failed() > 3 {
					t.Errorf("%d failed sign-ins, more than were in flight", w.failed())
				}
				order.Release()
				w.safe.put("main", user, "new-password")
				time.Sleep(2 * time.Minute)
				w.served("a")
				w.safeNow()
			})
		})
	}
}

// Each zone says that the login lives in the other, and the host without a number changes its mind with each answer. The
// login lives in neither.
func TestZonesThatPointAtEachOtherCostNoMoreThanTheBudget(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		at := func(port int) string { return zoneJSON(fmt.Sprintf("http://127.0.0.1:%d", port)) }
		w.sim.Fault(psatest.Fault{Zone: "Five", Only: psatest.OpenCall, Then: psatest.Answer, Status: 200, Body: at(5006)})
		w.sim.Fault(psatest.Fault{Zone: "Six", Only: psatest.OpenCall, Then: psatest.Answer, Status: 200, Body: at(5005)})
		var asked atomic.Int32
		l := w.net.Listen(discoverAddr)
		srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, at(5005+int(asked.Add(1))%2))
		})}
		go srv.Serve(l)
		w.after = append(w.after, func() { _ = srv.Close() })
		z7 := w.sim.AddZoneOn("Seven", w.net.Listen("127.0.0.1:5007"))
		w.tenant.Migrate(z7)
		time.Sleep(time.Minute)
		for range 24 {
			parallel(10, func(i int) {
				if a := w.call([]string{"a", "b"}[i%2], "GET", "/Tickets/1", ""); a.status < 502 || a.reason() == "" {
					t.Errorf("%d %q", a.status, a.reason())
				}
			})
			time.Sleep(time.Hour)
		}
		t.Logf("%d failed sign-ins in a day", w.failed())
		w.safeNow()
	})
}

func TestARecordThatNamesAForeignHostIsNotUsed(t *testing.T) {
	for _, zone := range []string{"https://evil.example.com", "http://10.0.0.1", "https://10.0.0.1", "http://localhost", "https://webservices5.autotask.net.evil.example.com", "http://webservices9.autotask.net"} {
		for _, warm := range []bool{false, true} {
			inWorld(t, func(w *world) {
				w.trapped()
				if warm {
					w.served("a")
				}
				w.safe.put("main", user, "new-password", "zone", zone)
				mark := w.sim.Mark()
				if !warm { // the store is read anew by a config that has not read it yet
					w.cfg.Logins[0].Path = "other"
					w.safe.mu.Lock()
					w.safe.records["other"] = w.safe.records["main"]
					w.safe.mu.Unlock()
					w.load()
				}
				time.Sleep(time.Minute)
				if warm {
					w.served("a")
				} else if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "secret-unavailable" || a.header.Get("Retry-After") == "" {
					t.Errorf("%s: %d %q", zone, a.status, a.reason())
				}
				if l := w.sim.Ledger().Since(mark); len(l.Failed()) != 0 {
					t.Errorf("%s: %v", zone, l)
				}
				if got := w.g.Status().Logins[0].Problems; len(got) == 0 || !strings.Contains(strings.Join(got, " "), `field "zone"`) {
					t.Errorf("%s: problems %q", zone, got)
				}
				w.safeNow()
			})
		}
	}
}

// shelf keeps zones in memory.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (s *shelf) Load(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

func (s *shelf) Store(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[key] = value
	return nil
}

func TestAStoredZoneThatNamesAForeignHostIsLookedUpAgain(t *testing.T) {
	for _, base := range []string{"https://evil.example.com/ATServicesRest/", "http://10.0.0.1/ATServicesRest/", "http://169.254.169.254/ATServicesRest/", "https://webservices9.autotask.net:8443/ATServicesRest/"} {
		inWorld(t, func(w *world) {
			w.trapped()
			s := &shelf{files: map[string][]byte{}}
			w.cfg.Zones = s
			w.load()
			w.served("a")
			synctest.Wait()
			s.mu.Lock()
			for name, data := range s.files {
				s.files[name] = bytes.Replace(data, []byte("http://127.0.0.1:5005/ATServicesRest/"), []byte(base), 1)
				if !bytes.Contains(s.files[name], []byte(base)) {
					t.Fatalf("the storage has %s", data)
				}
			}
			s.mu.Unlock()
			w.shared = NewShared(new(guard.Memory), w.cfg.Log) // another process
			w.load()
			w.served("a")
			if n := w.failed(); n != 0 {
				t.Errorf("%d failed sign-ins", n)
			}
			w.safeNow()
		})
	}
}

func TestPeopleAreNotSentWhereAHostileLookupSays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Fault(psatest.Fault{Only: psatest.OpenCall, Then: psatest.Answer, Status: 200, Body: zoneJSON("http://127.0.0.1:5005")})
		w.served("a")
		req, _ := http.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/zoneInformation", nil)
		a, err := w.do(req)
		if err != nil || a.json(t)["webUrl"] != gatewayURL+"/" || a.json(t)["url"] != gatewayURL+"/ATServicesRest/" {
			t.Errorf("%s %v", a.body, err)
		}
		for _, z := range w.g.Zones().Zones {
			if z.WebURL != "" {
				t.Errorf("an operator is shown %q", z.WebURL)
			}
		}
	})
}
