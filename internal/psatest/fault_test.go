package psatest_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// rawly sends one right call on a connection of its own and returns it, to read what comes.
func (w *wired) rawly(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.zone.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nUserName: "+userName+"\r\nSecret: "+secret+"\r\nApiIntegrationCode: "+code+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

const versionPath = "/ATServicesRest/V1.0/Version"

func TestRawBytesTakeThePlaceOfAWholeAnswer(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Raw, Body: "HTTP/1.1 200 OK\r\nX: {user}\r\nConte", Times: 1})
	if got, err := io.ReadAll(w.rawly(t, versionPath)); err != nil || string(got) != "HTTP/1.1 200 OK\r\nX: "+userName+"\r\nConte" {
		t.Fatalf("%v %q", err, got)
	}
	if len(w.sim.Ledger()) != 1 {
		t.Fatal("not judged")
	}
}

func TestARawAnswerMayLeaveTheConnectionOpen(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Raw, Body: "HTTP/1.1 ", Stay: true})
	conn := w.rawly(t, versionPath)
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 "))); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	}()
	w.sim.Close() // else it would stay for ever
	if err := <-ended; err == nil {
		t.Fatal("more came")
	}
}

func TestHeadersComeWithoutAnEnd(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.EndlessHeader})
	lines := bufio.NewReader(w.rawly(t, versionPath))
	for n := range 5000 {
		line, err := lines.ReadString('\n')
		if err != nil || line == "\r\n" || n == 0 && line != "HTTP/1.1 200 OK\r\n" || n > 1 && !strings.HasPrefix(line, "X-Endless-") {
			t.Fatalf("line %d: %v %q", n, err, line)
		}
	}
}

func TestABodyComesWithoutAnEnd(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.EndlessBody, Body: "<p>"})
	res, err := w.client.Get(w.zone.URL() + versionPath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if n, err := io.CopyN(io.Discard, res.Body, 20<<20); err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html" {
		t.Fatalf("%d after %d bytes: %v", res.StatusCode, n, err)
	}
}

func TestWhatDoesNotGoWithinABodyIsRefused(t *testing.T) {
	for name, f := range map[string]psatest.Fault{
		"raw": {Then: psatest.Raw}, "endless headers": {Then: psatest.EndlessHeader}, "an endless body": {Then: psatest.EndlessBody},
		"a change": {Change: psatest.Circle},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was ordered")
				}
			}()
			f.At = psatest.Answering
			newWorld(t).sim.Fault(f)
		})
	}
}

func TestAFaultMeetsSignInsOrOpenCallsAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		only         psatest.Kind
		signIn, open int
	}{"any call": {psatest.AnyCall, 503, 503}, "sign-ins": {psatest.SignInCall, 503, 200}, "open calls": {psatest.OpenCall, 200, 503}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sim.Fault(psatest.Fault{Only: tc.only, Then: psatest.Answer, Status: 503})
			lookup := ask(w.z5, request("GET", "/ATServicesRest/V1.0/zoneInformation?user="+userName, ""))
			if got := w.do("GET", "Version", "").status; got != tc.signIn || lookup.status != tc.open {
				t.Fatalf("a sign-in got %d, a lookup %d", got, lookup.status)
			}
		})
	}
}

func TestTheDiscoveryHostCanBeSingledOut(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{Discovery: true, Then: psatest.Answer, Status: 503})
	for z, want := range map[*psatest.Zone]int{w.sim.Discovery(): 503, w.z5: 200} {
		if got := ask(z, request("GET", "/ATServicesRest/versioninformation", "")).status; got != want {
			t.Errorf("zone %q: %d, want %d", z.Name(), got, want)
		}
	}
}

func TestEveryHundredthCallIsReset(t *testing.T) {
	w := newWired(t)
	o := w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset, Every: 100})
	for n := 1; n <= 200; n++ {
		_, err := w.send(t.Context(), "GET", "Version", "", secret)
		if errors.Is(err, syscall.ECONNRESET) != (n%100 == 0) {
			t.Fatalf("call %d: %v", n, err)
		}
	}
	if o.Hits() != 2 || len(w.sim.Ledger()) != 200 {
		t.Fatalf("%d hits, %d judged", o.Hits(), len(w.sim.Ledger()))
	}
}

func TestAnOutageOfAnHourIsOverAfterAnHour(t *testing.T) {
	now := noon
	sim := psatest.New(psatest.WithClock(func() time.Time { return now }))
	defer sim.Close()
	z := sim.AddZoneOn("5", nil)
	sim.Fault(psatest.Fault{Name: "an outage", Then: psatest.Answer, Status: 503, For: time.Hour})
	lookup := func() int { return ask(z, request("GET", "/ATServicesRest/versioninformation", "")).status }
	for _, tc := range []struct {
		after         time.Duration
		status, count int
	}{{0, 503, 1}, {time.Hour - 1, 503, 1}, {time.Hour, 200, 0}} {
		now = noon.Add(tc.after)
		if got := lookup(); got != tc.status || len(sim.Orders()) != tc.count {
			t.Errorf("after %v: %d, %d orders in force", tc.after, got, len(sim.Orders()))
		}
	}
}

func TestOrdersInForceAreListedUntilTheyAreOver(t *testing.T) {
	w := newWorld(t)
	always := w.sim.Fault(psatest.Fault{Name: "always", At: psatest.Judged})
	w.sim.Fault(psatest.Fault{Name: "once", At: psatest.Judged, Times: 1})
	names := func() (all []string) {
		for _, o := range w.sim.Orders() {
			all = append(all, o.Fault().Name)
		}
		return all
	}
	before := strings.Join(names(), " ")
	w.do("GET", "Version", "")
	after := strings.Join(names(), " ")
	always.Release()
	if before != "always once" || after != "always" || len(names()) != 0 {
		t.Fatalf("%q, then %q, then %q", before, after, names())
	}
}

func TestAnotherHostStandsInEveryURL(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(2)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.WrongZone = psatest.WrongZoneRedirect })
	w.sim.Fault(psatest.Fault{Change: psatest.OtherHost("https://10.0.0.1")})
	page := details(w.must("POST", "Tickets/query", `{"filter":[],"maxRecords":1}`))
	lookup := ask(w.z6, request("GET", "/ATServicesRest/V1.0/zoneInformation?user="+userName, "")).json(t)
	moved := ask(w.z6, request("GET", versionPath, "", userName, secret, code))
	refused := ask(w.z5, request("GET", versionPath, "", userName, "wrong", code))
	for what, url := range map[string]any{
		"the next page": page["nextPageUrl"], "the zone": lookup["url"], "the web's": lookup["webUrl"], "the redirect": moved.header.Get("Location"),
	} {
		if s, _ := url.(string); !strings.HasPrefix(s, "https://10.0.0.1/") {
			t.Errorf("%s is at %v", what, url)
		}
	}
	if got := refused.header.Get("WWW-Authenticate"); got != `Basic Realm="10.0.0.1"` {
		t.Errorf("the realm is %s", got)
	}
}

func TestANextPageLeadsInACircle(t *testing.T) {
	w := newWorld(t)
	w.tenant.Seed(2)
	w.sim.Fault(psatest.Fault{Change: psatest.Circle})
	q := `{"filter":[]}`
	next := w.pathOf(details(w.must("POST", "Tickets/query", q))["nextPageUrl"])
	if again := details(w.must("POST", next, q)); next != "Tickets/query" || w.pathOf(again["nextPageUrl"]) != next || again["count"] != 2.0 {
		t.Fatalf("%s, then %v", next, again)
	}
	if got := w.do("GET", "Tickets/1", "").json(t); got["item"] == nil {
		t.Fatalf("what is no page was changed: %v", got)
	}
}

func TestA401ComesWithoutTheMarksAndCounts(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{Then: psatest.Refuse, Change: psatest.WithoutMarks})
	r := w.do("GET", "Version", "")
	if _, marked := r.header["Www-Authenticate"]; r.status != 401 || marked || w.user.FailedSinceSuccess() != 1 {
		t.Fatalf("%+v, count %d", r, w.user.FailedSinceSuccess())
	}
}

func TestGzipLies(t *testing.T) {
	w := newWorld(t)
	plain := w.do("GET", "Version", "").body
	for name, tc := range map[string]struct {
		change func(*psatest.Reply)
		fails  error
		size   int
	}{
		"plain":              {psatest.PlainAsGzip, gzip.ErrHeader, 0},
		"half":               {psatest.HalfGzip, io.ErrUnexpectedEOF, 0},
		"a wrong checksum":   {psatest.BadGzipSum, gzip.ErrChecksum, len(plain)},
		"a bomb of 1 MB":     {psatest.GzipBomb(1 << 20), nil, 1<<20 + len(plain)},
		"a bomb of nothing":  {psatest.GzipBomb(0), nil, len(plain)},
		"one lie in another": {func(r *psatest.Reply) { psatest.BadGzipSum(r); psatest.PlainAsGzip(r) }, gzip.ErrChecksum, len(plain)},
	} {
		t.Run(name, func(t *testing.T) {
			o := w.sim.Fault(psatest.Fault{Change: tc.change})
			defer o.Release()
			r := w.do("GET", "Version", "")
			if r.header.Get("Content-Encoding") != "gzip" || len(r.body) > 10_000 {
				t.Fatalf("%d bytes: %v", len(r.body), r.header)
			}
			var text []byte
			zr, err := gzip.NewReader(strings.NewReader(r.body))
			if err == nil {
				text, err = io.ReadAll(zr)
			}
			if !errors.Is(err, tc.fails) || tc.size > 0 && len(text) != tc.size {
				t.Fatalf("%v, %d bytes of text", err, len(text))
			}
		})
	}
}

func TestALieOfGzipIsNotMadeTrueByGzip(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.GzipAnswers = true })
	w.sim.Fault(psatest.Fault{Change: psatest.PlainAsGzip})
	r := request("GET", versionPath, "", userName, secret, code)
	r.Header.Set("Accept-Encoding", "gzip")
	if got := ask(w.z5, r); !strings.HasPrefix(got.body, "{") || got.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%+v", got)
	}
}

func TestARedirectCarriesThePathAlong(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{Then: psatest.Answer, Status: 302, Header: http.Header{"Location": {"https://elsewhere.test{uri}"}}})
	if got := w.do("GET", "Version?x=1", "").header.Get("Location"); got != "https://elsewhere.test"+versionPath+"?x=1" {
		t.Fatal(got)
	}
}

// taste makes a call and takes no more than 1 MB of what comes, whatever comes.
func (b *bubbled) taste(t *testing.T, method, path string) {
	r := request(method, b.zone.URL()+"/ATServicesRest/V1.0/"+path, `{"filter":[]}`, userName, secret, code)
	r.RequestURI = ""
	if res, err := b.client.Do(r.WithContext(t.Context())); err == nil {
		_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
		_ = res.Body.Close()
	}
}

// Every fault of the list happens to a client on the network in memory that gives up after a minute, leaves
// nothing behind, and is over when it is released.
func TestEveryFaultOfTheListHappensAndEnds(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range psatest.Faults() {
		if f.Name == "" || seen[f.Name] {
			t.Fatalf("the name %q is empty or not the only one", f.Name)
		}
		seen[f.Name] = true
		t.Run(f.Name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubbled) {
				b.client.Timeout = time.Minute
				b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				f.Every = 0
				o := b.sim.Fault(f)
				for _, path := range []string{"zoneInformation?user=" + userName, "Tickets/query"} {
					b.taste(t, "POST", path)
					b.taste(t, "GET", path)
				}
				if o.Hits() == 0 {
					t.Fatal("it met nothing")
				}
				o.Release()
				synctest.Wait()
				if r, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 {
					t.Fatalf("after it: %v %+v", err, r)
				}
			})
		})
	}
}
