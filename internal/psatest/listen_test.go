package psatest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

func selfSigned(t *testing.T, end time.Time, hosts ...string) tls.Certificate {
	t.Helper()
	cert, err := psatest.SelfSignedUntil(end, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestACertificateFitsOrDoesNot(t *testing.T) {
	later := time.Now().Add(time.Hour)
	fits := selfSigned(t, later, "127.0.0.1")
	for name, tc := range map[string]struct {
		shown tls.Certificate
		as    any
	}{
		"fits":              {fits, nil},
		"of another host":   {selfSigned(t, later, "webservices5.test"), new(x509.HostnameError)},
		"that is over":      {selfSigned(t, time.Now().Add(-time.Hour), "127.0.0.1"), new(x509.CertificateInvalidError)},
		"of another issuer": {selfSigned(t, later, "127.0.0.1"), new(x509.UnknownAuthorityError)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWired(t)
			z := w.sim.AddTLSZone("6", fits)
			w.tenant.Migrate(z)
			pool := x509.NewCertPool()
			pool.AddCert(fits.Leaf)
			if name != "of another issuer" {
				pool.AddCert(tc.shown.Leaf)
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
			if r, err := send(t.Context(), client, z.URL(), "GET", "Version", "", secret); err != nil || r.status != 200 {
				t.Fatalf("before: %v %+v", err, r)
			}
			z.SetCertificate(tc.shown)
			_, err := send(t.Context(), client, z.URL(), "GET", "Version", "", secret)
			if tc.as == nil && err != nil || tc.as != nil && !errors.As(err, tc.as) {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 2, false: 1}[tc.as == nil]; len(w.sim.Ledger()) != want {
				t.Fatalf("%d sign-ins judged, want %d", len(w.sim.Ledger()), want)
			}
		})
	}
}

func TestAZoneGoesDownAndComesUpAtItsAddress(t *testing.T) {
	w := newWired(t)
	for range 2 {
		w.zone.Down()
		w.zone.Down()
		var dial *net.OpError
		if _, err := w.send(t.Context(), "GET", "Version", "", secret); !errors.As(err, &dial) || dial.Op != "dial" {
			t.Fatalf("down: %v", err)
		}
		if err := w.zone.Up(); err != nil {
			t.Fatal(err)
		}
		if r, err := w.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 {
			t.Fatalf("up again: %v %+v", err, r)
		}
	}
	w.sim.Close()
	if err := w.zone.Up(); err == nil {
		if _, err := net.Dial("tcp", w.zone.URL()[len("http://"):]); err == nil {
			t.Fatal("a closed PSA came up")
		}
	}
}

func TestNobodyListensOnceAZoneIsDown(t *testing.T) {
	w := newWired(t)
	address := w.zone.URL()[len("http://"):]
	for range 50 { // whoever serves may not have begun when the zone goes down
		w.zone.Down()
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			t.Fatal("somebody listens")
		}
		if err := w.zone.Up(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDownCutsTheCallsUnderWay(t *testing.T) {
	w := newWired(t)
	o := w.sim.Fault(psatest.Fault{At: psatest.Judged, Hold: true})
	ended := make(chan error)
	go func() {
		_, err := w.send(t.Context(), "POST", "Tickets", printer, secret)
		ended <- err
	}()
	if err := o.WaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.zone.Down()
	if err := <-ended; err == nil {
		t.Fatal("answered")
	}
	o.Release()
	w.sim.Close()
	if got := len(w.tenant.Records("Tickets")); got != 2 {
		t.Fatalf("%d tickets: what was read is done all the same", got)
	}
}

func TestAZoneOnANetworkInMemoryComesUpAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.zone.Down()
		if _, err := b.send(t.Context(), "GET", "Version", "", secret); err == nil {
			t.Fatal("answered while it was down")
		}
		if err := b.zone.Up(); err != nil {
			t.Fatal(err)
		}
		if r, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 {
			t.Fatalf("%v %+v", err, r)
		}
	})
}

func TestAZoneWithoutAListenerCannotComeUp(t *testing.T) {
	if err := newWorld(t).z5.Up(); err == nil {
		t.Fatal("it came up")
	}
}
