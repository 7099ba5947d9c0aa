package issuer

import (
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/issuertest"
)

func TestATokenIsOfTheIssuerThatItNames(t *testing.T) {
	l, other := newLiar(), issuertest.NewLiar("https://login.other.example")
	p := NewProver(of(t, l), of(t, other, func(c *Config) { c.Name = "other" }))
	for liar, name := range map[*issuertest.Liar]string{l: "corp", other: "other"} {
		proven, err := p.Prove(t.Context(), liar.AccessToken())
		if err != nil || proven.Issuer != name || strings.Join(proven.Texts("client_id"), ",") != "rmm" {
			t.Errorf("%s: %+v, %v", name, proven, err)
		}
	}
	for name, c := range map[string]func(map[string]any){
		"in another's name": set("iss", other.URL), "in nobody's name": set("iss", nil), "in an unknown name": set("iss", "https://evil.example/"+strings.Repeat("x", 5000)), "in a number's name": set("iss", 7),
	} {
		l.Lie(issuertest.Lies{Claims: c})
		_, err := p.Prove(t.Context(), l.AccessToken())
		wrong(t, name, err, identity.ErrWrongToken, "")
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: %d bytes of error", name, len(err.Error()))
		}
	}
	for _, token := range []string{"", "a.b.c", "..", "a.e30.c", "a.e30", "a.bm90IEpTT04.c"} {
		_, err := p.Prove(t.Context(), token)
		wrong(t, token, err, identity.ErrWrongToken, "")
	}
}

func TestOfIssuersWithOneURLEachHasItsAudience(t *testing.T) {
	l := newLiar()
	p := NewProver(of(t, l, func(c *Config) { c.Name, c.Audience = "people", "" }), of(t, l, func(c *Config) { c.Name, c.Audience = "others", "x" }), of(t, l))
	if proven, err := p.Prove(t.Context(), l.AccessToken()); err != nil || proven.Issuer != "corp" {
		t.Errorf("%+v, %v", proven, err)
	}
	l.Lie(issuertest.Lies{Status: 500})
	down := NewProver(of(t, l))
	_, err := down.Prove(t.Context(), l.AccessToken())
	wrong(t, "down", err, identity.ErrIssuerUnavailable, "500")
}

// FuzzProve: whatever a caller sends, he is told no.
func FuzzProve(f *testing.F) {
	l := newLiar()
	p := NewProver(of(f, l))
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIn0.")
	f.Add("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIn0.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		_, err := p.Prove(t.Context(), token)
		wrong(t, token, err, identity.ErrWrongToken, "")
	})
}
