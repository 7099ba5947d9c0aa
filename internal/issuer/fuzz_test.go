package issuer

import (
	"errors"
	"testing"

	"github.com/psagate/psagate/internal/issuertest"
)

// FuzzTokens: whatever a token is, it is refused unless the provider made it. The last letter of a token has bits that say nothing, so
// a token may be spelt in more than one way; what it says is what the provider signed.
func FuzzTokens(f *testing.F) {
	l := newLiar()
	i := of(f, l)
	access, logout := l.AccessToken(), l.LogoutToken("s1")
	made, err := i.AccessToken(f.Context(), access)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(access)
	f.Add(logout)
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := i.AccessToken(t.Context(), token); err == nil && claims.Text("jti") != made.Text("jti") || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%q as an access token: %v, %v", token, claims, err)
		}
		if out, err := i.LogoutToken(t.Context(), token); err == nil && out.SessionID != "s1" || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%q as a logout token: %+v, %v", token, out, err)
		}
	})
}

// FuzzKeys: a set of keys never holds a key that is not public.
func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"` + p256x + `","y":"` + p256y + `"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if !k.IsPublic() {
				t.Errorf("%s holds a secret", body)
			}
		}
	})
}

// FuzzClaims: groups and names of any claims are texts, and few.
func FuzzClaims(f *testing.F) {
	f.Add("ann", "groups", "ops")
	f.Add("a", "x.y", "z")
	i := of(f, issuertest.NewLiar("https://login.example.com"))
	f.Fuzz(func(t *testing.T, sub, claim, value string) {
		p, err := i.person(Claims{"sub": sub, claim: value, "groups": []any{value, 1, nil}})
		if err == nil && (len(p.Subject) > maxText || len(p.Email) > maxText || len(p.Groups) > maxGroups) {
			t.Errorf("%+v", p)
		}
	})
}
