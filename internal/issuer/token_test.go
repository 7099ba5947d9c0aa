package issuer

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
)

// set is a lie about claims or a header; nil takes one out.
func set(name string, value any) func(map[string]any) {
	return func(m map[string]any) {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
}

// tokenLies are lies about any token, and what is said of them.
func tokenLies(l *issuertest.Liar) map[string]struct {
	lies issuertest.Lies
	says string
} {
	now := time.Now().Unix()
	return map[string]struct {
		lies issuertest.Lies
		says string
	}{
		"signed with nothing":               {issuertest.Lies{Header: set("alg", "none"), Sign: func(string) []byte { return nil }}, "unexpected signature algorithm"},
		"signed with nothing, in capitals":  {issuertest.Lies{Header: set("alg", "NONE"), Sign: func(string) []byte { return nil }}, "unexpected signature algorithm"},
		"signed with the public key":        {issuertest.Lies{Header: set("alg", "HS256"), Sign: issuertest.HMAC(l.PublicKey())}, "unexpected signature algorithm"},
		"signed with the client's secret":   {issuertest.Lies{Header: set("alg", "HS256"), Sign: issuertest.HMAC([]byte(issuertest.ClientSecret))}, "unexpected signature algorithm"},
		"signed with another's key":         {issuertest.Lies{Sign: func(string) []byte { return make([]byte, 256) }}, "its signature is wrong"},
		"not signed":                        {issuertest.Lies{Sign: func(string) []byte { return nil }}, "its signature is wrong"},
		"of a key that is not the issuer's": {issuertest.Lies{Header: set("kid", "nobodys")}, `a key "nobodys" that the issuer does not have`},
		"with a key of its own":             {issuertest.Lies{Header: set("jku", "https://evil.example/keys"), Sign: func(string) []byte { return make([]byte, 256) }}, "its signature is wrong"},
		"with a part that must be known":    {issuertest.Lies{Header: set("crit", []string{"exp"})}, ""},
		"with another algorithm's name":     {issuertest.Lies{Header: set("alg", "PS256")}, "its signature is wrong"},
		"another issuer's":                  {issuertest.Lies{Claims: set("iss", "https://login.example.com.evil.example")}, "different provider"},
		"the issuer's, with a slash":        {issuertest.Lies{Claims: set("iss", "https://login.example.com/")}, "different provider"},
		"for another audience":              {issuertest.Lies{Claims: set("aud", "https://other.example.com")}, "audience"},
		"for nobody":                        {issuertest.Lies{Claims: set("aud", nil)}, "audience"},
		"over for more than the leeway":     {issuertest.Lies{Claims: set("exp", now-61)}, "expired"},
		"without an end":                    {issuertest.Lies{Claims: set("exp", nil)}, ""},
		"issued in the future":              {issuertest.Lies{Claims: set("iat", now+3600)}, "future"},
		"without a time":                    {issuertest.Lies{Claims: set("iat", nil)}, "iat"},
		"with a time that is none":          {issuertest.Lies{Claims: set("iat", "today")}, ""},
	}
}

func TestAForgedAccessTokenIsRefused(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	for name, test := range tokenLies(l) {
		l.Lie(test.lies)
		_, err := i.AccessToken(t.Context(), l.AccessToken())
		wrong(t, name, err, ErrRefused, test.says)
	}
	l.Lie(issuertest.Lies{})
	if claims, err := i.AccessToken(t.Context(), l.AccessToken()); err != nil || claims.Text("client_id") != "rmm" {
		t.Errorf("a good one: %v, %v", claims, err)
	}
}

func TestWhatIsNoAccessTokenIsRefused(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	claims := func(more map[string]any) map[string]any {
		now := time.Now().Unix()
		all := map[string]any{"iss": l.URL, "sub": "rmm", "aud": issuertest.Audience, "iat": now, "exp": now + 60}
		maps.Copy(all, more)
		return all
	}
	for name, token := range map[string]string{
		"an ID token by its nonce":              l.Token("JWT", claims(map[string]any{"nonce": "x"})),
		"an ID token by an empty nonce":         l.Token("", claims(map[string]any{"nonce": ""})),
		"an ID token by its at_hash":            l.Token("JWT", claims(map[string]any{"at_hash": "x"})),
		"an ID token by its audience":           l.Token("JWT", claims(map[string]any{"aud": []string{issuertest.Audience, issuertest.ClientID}})),
		"an ID token of Keycloak's":             l.Token("JWT", claims(map[string]any{"typ": "ID"})),
		"a logout token":                        l.LogoutToken("s1"),
		"a logout token for the audience":       l.Token("logout+jwt", claims(nil)),
		"a token of events":                     l.Token("JWT", claims(map[string]any{"events": map[string]any{}})),
		"a DPoP proof":                          l.Token("dpop+jwt", claims(nil)),
		"a good one, and one more part":         l.AccessToken() + ".x",
		"a good one as JSON":                    asJSON(l.AccessToken()),
		"nothing":                               "",
		"dots":                                  "..",
		"a long one":                            strings.Repeat("a", maxToken) + "." + l.AccessToken(),
		"a time that has not come":              l.Token("at+jwt", claims(map[string]any{"nbf": time.Now().Add(2 * time.Minute).Unix()})),
		"claims that are no object":             strings.Replace(l.AccessToken(), ".", ".WzFd.", 1),
		"two audiences, neither of them it":     l.Token("at+jwt", claims(map[string]any{"aud": []string{"a", "b"}})),
		"an audience that begins like the real": l.Token("at+jwt", claims(map[string]any{"aud": issuertest.Audience + "/x"})),
	} {
		_, err := i.AccessToken(t.Context(), token)
		wrong(t, name, err, ErrRefused, "")
	}
	for name, token := range map[string]string{
		"as RFC 9068 has it":       l.Token("at+jwt", claims(nil)),
		"with its media type":      l.Token("application/at+jwt", claims(nil)),
		"as many had it before":    l.Token("JWT", claims(nil)),
		"without a kind":           l.Token("", claims(nil)),
		"for others too":           l.Token("at+jwt", claims(map[string]any{"aud": []string{"x", issuertest.Audience}})),
		"of a clock that is ahead": l.Token("at+jwt", claims(map[string]any{"iat": time.Now().Add(50 * time.Second).Unix()})),
		"over for a moment":        l.Token("at+jwt", claims(map[string]any{"exp": time.Now().Add(-50 * time.Second).Unix()})),
	} {
		if _, err := i.AccessToken(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func asJSON(token string) string {
	parts := strings.Split(token, ".")
	return `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
}

func TestWithoutAnAudienceNoAccessTokenIsTaken(t *testing.T) {
	l := newLiar()
	i := of(t, l, func(c *Config) { c.Audience = "" })
	_, err := i.AccessToken(t.Context(), l.AccessToken())
	wrong(t, "no audience", err, ErrRefused, "no audience is configured")
	if l.Count("/keys") != 0 {
		t.Error("the issuer was asked all the same")
	}
}

func TestWhenAudienceAndClientAreOneAnIDTokenIsStillTold(t *testing.T) {
	l := newLiar()
	i := of(t, l, func(c *Config) { c.Audience = issuertest.ClientID })
	now := time.Now().Unix()
	_, err := i.AccessToken(t.Context(), l.Token("JWT", map[string]any{"iss": l.URL, "sub": "ann", "aud": issuertest.ClientID, "iat": now, "exp": now + 60, "nonce": "x"}))
	wrong(t, "an ID token", err, ErrRefused, "an ID token")
}

func TestLogoutTokens(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	l.Lie(issuertest.Lies{})
	if out, err := i.LogoutToken(t.Context(), l.LogoutToken("s1")); err != nil || out.SessionID != "s1" || out.Subject != "ann" || out.ID == "" || out.Expires.IsZero() {
		t.Fatalf("a good one: %+v, %v", out, err)
	}
	lies := tokenLies(l)
	for name, c := range map[string]func(map[string]any){
		"with a nonce": set("nonce", "x"), "without an id": set("jti", nil), "without events": set("events", nil),
		"with other events": set("events", map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}),
		"of nobody":         func(m map[string]any) { delete(m, "sub"); delete(m, "sid") },
		"of long ago":       set("iat", time.Now().Add(-2*time.Hour).Unix()),
	} {
		lies[name] = struct {
			lies issuertest.Lies
			says string
		}{issuertest.Lies{Claims: c}, ""}
	}
	for name, test := range lies {
		l.Lie(test.lies)
		_, err := i.LogoutToken(t.Context(), l.LogoutToken("s1"))
		wrong(t, name, err, ErrRefused, test.says)
	}
	l.Lie(issuertest.Lies{})
	_, err := i.LogoutToken(t.Context(), l.AccessToken())
	wrong(t, "an access token", err, ErrRefused, "")
}
