package psatest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// wired is a PSA on real sockets, and a client that dials for each call, so that nothing is sent twice.
type wired struct {
	sim    *psatest.Sim
	zone   *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
	client *http.Client
}

func newWired(t *testing.T) *wired {
	sim := psatest.New()
	t.Cleanup(sim.Close)
	z := sim.AddZone("5")
	tenant := sim.AddTenant("Example", z)
	tenant.Seed(1)
	return &wired{
		sim: sim, zone: z, tenant: tenant, user: tenant.AddUser(userName, secret, code),
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

// send makes one call with a secret; the body is read to its end or its error.
func (w *wired) send(ctx context.Context, method, path, body, secret string) (reply, error) {
	return send(ctx, w.client, w.zone.URL(), method, path, body, secret)
}

func send(ctx context.Context, client *http.Client, base, method, path, body, secret string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, base+"/ATServicesRest/V1.0/"+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("UserName", userName)
	r.Header.Set("Secret", secret)
	r.Header.Set("ApiIntegrationCode", code)
	res, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b)}, err
}

func TestACutConnectionLeavesWhatItSaysBehind(t *testing.T) {
	reset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	closed := func(err error) bool { return errors.Is(err, io.EOF) }
	for name, tc := range map[string]struct {
		at     psatest.Point
		then   psatest.Ending
		is     func(error) bool
		judged int
		stored int
	}{
		"hung up before it was judged":     {psatest.Received, psatest.HangUp, closed, 0, 1},
		"reset before it was judged":       {psatest.Received, psatest.Reset, reset, 0, 1},
		"judged, then hung up":             {psatest.Judged, psatest.HangUp, closed, 1, 1},
		"judged, then reset":               {psatest.Judged, psatest.Reset, reset, 1, 1},
		"stored, then hung up":             {psatest.Applied, psatest.HangUp, closed, 1, 2},
		"stored, then reset":               {psatest.Applied, psatest.Reset, reset, 1, 2},
		"hung up in the answer's middle":   {psatest.Answering, psatest.HangUp, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, 1, 2},
		"reset in the answer's middle":     {psatest.Answering, psatest.Reset, reset, 1, 2},
		"a fault of nothing but its count": {psatest.Applied, psatest.GoOn, func(err error) bool { return err == nil }, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWired(t)
			o := w.sim.Fault(psatest.Fault{At: tc.at, Then: tc.then, Times: 1, Method: "POST", User: strings.ToUpper(userName), Zone: "5", Path: "tickets"})
			_, err := w.send(t.Context(), "POST", "Tickets", printer, secret)
			if !tc.is(err) {
				t.Errorf("the client got %v", err)
			}
			if got := len(w.sim.Ledger()); got != tc.judged {
				t.Errorf("%d sign-ins judged, want %d", got, tc.judged)
			}
			if got := len(w.tenant.Records("Tickets")); got != tc.stored {
				t.Errorf("%d tickets stored, want %d", got, tc.stored)
			}
			if got := w.zone.Requests(); got.Total != 1 || got.Judged != tc.judged || o.Hits() != 1 {
				t.Errorf("requests %+v, hits %d", got, o.Hits())
			}
			if r, err := w.send(t.Context(), "POST", "Tickets", printer, secret); err != nil || r.status != 200 {
				t.Errorf("the next call: %v %+v", err, r)
			}
		})
	}
}

func TestAWrongSignInIsInTheLedgerAlthoughNobodyHeardTheAnswer(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.HangUp})
	for range 3 {
		if _, err := w.send(t.Context(), "GET", "Version", "", "wrong"); err == nil {
			t.Fatal("answered")
		}
	}
	if l := w.sim.Ledger(); len(l.Failed()) != 3 || w.user.FailedSinceSuccess() != 3 {
		t.Fatalf("%v", l)
	}
	if host, _, err := net.SplitHostPort(w.sim.Ledger()[0].Remote); err != nil || host != "127.0.0.1" {
		t.Fatalf("remote %q", w.sim.Ledger()[0].Remote)
	}
}

func TestARequestThatBreaksOffInItsBodyIsJudged(t *testing.T) {
	w := newWired(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.zone.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: x\r\nUserName: "+userName+"\r\nSecret: wrong\r\nContent-Length: 100\r\n\r\n{")
	_ = conn.Close()
	if err := w.sim.WaitJudged(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if w.user.FailedSinceSuccess() != 1 {
		t.Fatal("not counted")
	}
}

func TestAZoneServesBehindTLS(t *testing.T) {
	w := newWired(t)
	cert, err := psatest.SelfSigned("127.0.0.1", "webservices6.test")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := w.sim.AddZoneOn("6", tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}))
	z.SetURL("https://" + l.Addr().String())
	w.tenant.Migrate(z)
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if r, err := send(t.Context(), client, z.URL(), "GET", "Version", "", secret); err != nil || r.status != 200 {
		t.Fatalf("%v %+v", err, r)
	}
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Reset})
	if _, err := send(t.Context(), client, z.URL(), "GET", "Version", "", secret); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("a reset through TLS: %v", err)
	}
}

func TestAnOrderedAnswerTakesThePlaceOfTheRealOne(t *testing.T) {
	w := newWired(t)
	html := "<html>Bad Gateway</html>"
	w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 502, Body: html, Times: 1})
	w.sim.Fault(psatest.Fault{
		At: psatest.Judged, Then: psatest.Answer, Body: `{"errors":["no {secret} for {user} with {code}"]}`,
		Header: http.Header{"X-Echo": {"{secret}"}}, Times: 1,
	})
	r, err := w.send(t.Context(), "GET", "Version", "", secret)
	if err != nil || r.status != 502 || r.body != html || r.header.Get("Content-Type") != "text/html" || len(w.sim.Ledger()) != 0 {
		t.Fatalf("unjudged: %v %+v", err, r)
	}
	r, err = w.send(t.Context(), "GET", "Version", "", secret)
	if want := `{"errors":["no right-secret for api@example.com with CODE"]}`; err != nil || r.status != 500 || r.body != want || r.header.Get("X-Echo") != secret || len(w.sim.Ledger()) != 1 {
		t.Fatalf("judged, with the secret echoed: %v %+v", err, r)
	}
}

func TestAStormOf401RefusesTheRightSecretAndCounts(t *testing.T) {
	w := newWired(t)
	o := w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Refuse})
	for range 2 {
		r, err := w.send(t.Context(), "GET", "Version", "", secret)
		if err != nil {
			t.Fatal(err)
		}
		wantBare401(t, r, strings.TrimPrefix(w.zone.URL(), "http://"))
	}
	if got := len(w.sim.Ledger().Caused(psatest.CauseOrdered)); got != 2 || w.user.FailedSinceSuccess() != 2 {
		t.Fatalf("%d ordered, count %d", got, w.user.FailedSinceSuccess())
	}
	o.Release()
	if r, err := w.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 {
		t.Fatalf("after the storm: %v %+v", err, r)
	}
}

func TestAFaultMeetsOnlyWhatItNames(t *testing.T) {
	for name, f := range map[string]psatest.Fault{
		"another zone":   {Zone: "6"},
		"another user":   {User: "other@example.com"},
		"another method": {Method: "DELETE"},
		"another path":   {Path: "Companies"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWired(t)
			f.Then = psatest.HangUp
			o := w.sim.Fault(f)
			if r, err := w.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 || o.Hits() != 0 {
				t.Fatalf("%v %+v", err, r)
			}
		})
	}
}

func TestAZoneLookupIsMetByTheUserItAsksFor(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{At: psatest.Applied, Then: psatest.Answer, Status: 503, User: userName, Path: "zoneInformation"})
	for user, want := range map[string]int{userName: 503, "other@example.com": 500} {
		r := ask(w.z6, request("GET", "/ATServicesRest/V1.0/zoneInformation?"+params("user", user), ""))
		if r.status != want {
			t.Errorf("%s: %d, want %d", user, r.status, want)
		}
	}
}

func TestABodyOfAnyBytesArrivesWhole(t *testing.T) {
	w := newWired(t)
	w.sim.Fault(psatest.Fault{At: psatest.Answering, Chunk: 7})
	r, err := w.send(t.Context(), "GET", "Tickets/1", "", secret)
	if err != nil || !bytes.HasSuffix([]byte(r.body), []byte("}}")) {
		t.Fatalf("%v %s", err, r.body)
	}
	_ = item(t, r.json(t))
}

func TestCloseCutsWhatIsHeldWithoutJudgingIt(t *testing.T) {
	w := newWired(t)
	o := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true})
	failed := make(chan error)
	go func() {
		_, err := w.send(context.Background(), "GET", "Version", "", secret)
		failed <- err
	}()
	if err := o.WaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.sim.Close()
	if err := <-failed; err == nil || len(w.sim.Ledger()) != 0 {
		t.Fatalf("%v, ledger %v", err, w.sim.Ledger())
	}
	w.sim.Close()
}
