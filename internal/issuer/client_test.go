package issuer

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/psagate/psagate/internal/issuertest"
)

// overTLS serves a liar with a certificate of a test's own.
func overTLS(t *testing.T) (*issuertest.Liar, *x509.CertPool) {
	server := httptest.NewUnstartedServer(nil)
	l := issuertest.NewLiar("https://" + server.Listener.Addr().String())
	server.Config.Handler = l
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return l, pool
}

func TestAnIssuerIsOnlyBelievedBehindACertificateThatFits(t *testing.T) {
	l, pool := overTLS(t)
	trusted := of(t, l, func(c *Config) { c.Transport, c.CA = nil, pool })
	if p, err := exchange(t, trusted, l); err != nil || p.Subject != "ann" {
		t.Errorf("with its authority: %+v, %v", p, err)
	}
	stranger := of(t, l, func(c *Config) { c.Transport, c.CA = nil, x509.NewCertPool() })
	_, err := stranger.AccessToken(t.Context(), l.AccessToken())
	wrong(t, "with another", err, ErrDown, "certificate")
}

func TestTheClientsSecretFollowsNoRedirect(t *testing.T) {
	heard := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard++ }))
	defer thief.Close()
	l := newLiar()
	sent := 0
	i := of(t, l, func(c *Config) {
		inner := c.Transport
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/token" {
				return inner.RoundTrip(r)
			}
			sent++
			w := httptest.NewRecorder()
			w.Header().Set("Location", thief.URL)
			w.WriteHeader(http.StatusTemporaryRedirect) // which keeps the body
			return w.Result(), nil
		})
	})
	_, err := exchange(t, i, l)
	wrong(t, "a redirect", err, ErrRefused, "does not take the code")
	if sent != 1 || heard != 0 {
		t.Errorf("it was sent %d times, and %d times elsewhere", sent, heard)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatIsKnownPassesToTheNextConfigForTheSameProviderAlone(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		before := of(t, l)
		good(t, "at first", before, l.AccessToken())
		token := l.AccessToken()
		l.Lie(issuertest.Lies{Status: 500})
		next := of(t, l)
		next.Adopt(before)
		good(t, "after a reload", next, token)
		other := of(t, issuertest.NewLiar("https://login.other.example"))
		other.Adopt(before)
		if s := other.State(); !s.Since.IsZero() {
			t.Error("another provider has its keys")
		}
	})
}
