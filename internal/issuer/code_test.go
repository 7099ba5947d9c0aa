package issuer

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/secret"
)

func TestACodeTellsWhoSignedIn(t *testing.T) {
	for name, lies := range map[string]issuertest.Lies{"in the ID token": {}, "at userinfo": {InUserInfo: true}} {
		l := newLiar()
		i := of(t, l)
		l.Lie(lies)
		p, err := exchange(t, i, l)
		if err != nil || p.Subject != "ann" || p.Issuer != l.URL || p.SessionID != "s1" || p.Email != "ann@example.com" || p.Name != "Ann Example" || !slices.Equal(p.Groups, []string{"ops", "sales"}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if asked := l.Count("/userinfo") > 0; asked != lies.InUserInfo {
			t.Errorf("%s: userinfo asked: %t", name, asked)
		}
	}
}

func TestSignInURL(t *testing.T) {
	l := newLiar()
	text, err := of(t, l).SignInURL(t.Context(), theFlow)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"client_id": issuertest.ClientID, "response_type": "code", "scope": "openid profile email", "redirect_uri": back,
		"state": "state", "nonce": theFlow.Nonce, "code_challenge_method": "S256", "code_challenge": oauth2.S256ChallengeFromVerifier(theFlow.Verifier),
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if strings.Contains(text, theFlow.Verifier) {
		t.Error("the verifier goes through the browser")
	}
	l.Lie(issuertest.Lies{Metadata: set("authorization_endpoint", nil)})
	_, err = of(t, l).SignInURL(t.Context(), theFlow)
	wrong(t, "machines alone", err, ErrRefused, "machines alone")
}

func TestASignInThatIsNotRightIsRefused(t *testing.T) {
	l := newLiar()
	lies := tokenLies(l)
	for name, c := range map[string]func(map[string]any){
		"without a nonce": set("nonce", nil), "with another's nonce": set("nonce", "nonce-of-another-sign-in"), "with an empty nonce": set("nonce", ""),
		"for others too, without azp": set("aud", []string{issuertest.ClientID, "other"}), "for another program": set("azp", "other"),
		"with another access token": set("at_hash", "bm90IGl0cyBoYXNoISE"), "of nobody": set("sub", ""), "of a number": set("sub", 7), "of a very long name": set("sub", strings.Repeat("x", 300)),
		"with a thousand groups": set("groups", slices.Repeat([]string{"g"}, 1000)),
	} {
		lies[name] = struct {
			lies issuertest.Lies
			says string
		}{issuertest.Lies{Claims: c}, ""}
	}
	lies["about one person, with another's address"] = struct {
		lies issuertest.Lies
		says string
	}{issuertest.Lies{InUserInfo: true, UserInfo: set("sub", "bob")}, "about another one"}
	for name, test := range lies {
		i := of(t, l)
		l.Lie(test.lies)
		p, err := exchange(t, i, l)
		if !errors.Is(err, ErrRefused) || p.Subject != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestACodeIsGoodOnceAndForItsBrowserAlone(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	code := l.Code(theFlow.Nonce, theFlow.Verifier, back)
	if _, err := i.Exchange(t.Context(), theFlow, code); err != nil {
		t.Fatal(err)
	}
	_, err := i.Exchange(t.Context(), theFlow, code)
	wrong(t, "once more", err, ErrRefused, "invalid_grant")
	if strings.Contains(err.Error(), code) {
		t.Error("the error shows the code")
	}
	other := theFlow
	other.Verifier = strings.Repeat("another-verifier", 3)
	_, err = i.Exchange(t.Context(), other, l.Code(theFlow.Nonce, theFlow.Verifier, back))
	wrong(t, "another browser's", err, ErrRefused, "invalid_grant")
	_, err = i.Exchange(t.Context(), Flow{Redirect: back, Verifier: theFlow.Verifier}, l.Code("", theFlow.Verifier, back))
	wrong(t, "a flow without a nonce", err, ErrRefused, "nonce")
}

func TestAProviderInTroubleIsNotThePersonsFault(t *testing.T) {
	for name, lies := range map[string]issuertest.Lies{
		"down": {Status: 500}, "no JSON": {Status: 200}, "huge": {Huge: true},
	} {
		l := newLiar()
		i := of(t, l)
		if _, err := i.SignInURL(t.Context(), theFlow); err != nil { // what it says of itself is known
			t.Fatal(err)
		}
		l.Lie(lies)
		_, err := exchange(t, i, l)
		wrong(t, name, err, ErrDown, "")
		if err != nil && (strings.Contains(err.Error(), "Basic ") || strings.Contains(err.Error(), issuertest.ClientSecret)) {
			t.Errorf("%s: the error shows the client's secret: %v", name, err)
		}
	}
}

func TestTheClientsSecretIsReadEachTimeAndNeverShown(t *testing.T) {
	l := newLiar()
	text := "wrong-and-secret"
	var failing error
	i := of(t, l, func(c *Config) {
		c.ClientSecret = func(context.Context) (secret.Value, error) { return secret.NewValue(text), failing }
	})
	_, err := exchange(t, i, l)
	wrong(t, "a wrong one", err, ErrRefused, "invalid_client")
	if strings.Contains(err.Error(), text) {
		t.Error("the error shows it")
	}
	text = issuertest.ClientSecret
	if _, err := exchange(t, i, l); err != nil {
		t.Errorf("when it was changed: %v", err)
	}
	failing = errors.New("the store is sealed")
	_, err = exchange(t, i, l)
	wrong(t, "one that cannot be read", err, ErrDown, "sealed")
}

func TestAnAddressThatIsNotVerifiedIsLeftOut(t *testing.T) {
	for verified, want := range map[any]string{true: "a@example.com", "true": "a@example.com", false: "", "false": "", nil: "a@example.com", 7: ""} {
		l := newLiar()
		user := map[string]any{"sub": "ann", "email": "a@example.com", "email_verified": verified, "preferred_username": "ann", "groups": "ops"}
		if verified == nil {
			delete(user, "email_verified")
		}
		l.Lie(issuertest.Lies{User: user})
		if p, err := exchange(t, of(t, l), l); err != nil || p.Email != want || p.Name != "ann" || !slices.Equal(p.Groups, []string{"ops"}) {
			t.Errorf("%v: %+v, %v", verified, p, err)
		}
	}
}

func TestGroupsMayBeNested(t *testing.T) {
	l := newLiar()
	l.Lie(issuertest.Lies{User: map[string]any{"sub": "ann", "name": "A", "email": "a@b.c", "realm_access": map[string]any{"roles": []any{"ops", 7, "x"}}}})
	i := of(t, l, func(c *Config) { c.GroupsClaim = "realm_access.roles" })
	if p, err := exchange(t, i, l); err != nil || !slices.Equal(p.Groups, []string{"ops", "x"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAnAnswerThatIsAnotherProvidersIsRefused(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	if err := i.CheckAnswer(t.Context(), l.URL); err != nil {
		t.Error(err)
	}
	wrong(t, "another's", i.CheckAnswer(t.Context(), "https://evil.example"), ErrRefused, "another provider's")
	wrong(t, "nobody's", i.CheckAnswer(t.Context(), ""), ErrRefused, "does not say")
	l.Lie(issuertest.Lies{Metadata: set("authorization_response_iss_parameter_supported", nil)})
	if err := of(t, l).CheckAnswer(t.Context(), ""); err != nil {
		t.Errorf("of one that never says: %v", err)
	}
}

func TestSignOutURL(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	if got := i.SignOutURL("https://gate.example.com/x"); got != "" {
		t.Errorf("before it is known: %q", got)
	}
	if _, err := i.SignInURL(t.Context(), theFlow); err != nil {
		t.Fatal(err)
	}
	if got, want := i.SignOutURL("https://gate.example.com/x"), l.URL+"/end?client_id=gate&post_logout_redirect_uri=https%3A%2F%2Fgate.example.com%2Fx"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAConfigThatCannotWorkSaysAllThatIsWrong(t *testing.T) {
	for at, says := range map[string]string{
		"": "no URL", "login.example.com": "no URL", "http://login.example.com": "not https", "https://u:p@login.example.com": "a password",
		"https://login.example.com?x=1": "no query", "ftp://login.example.com": "not https", "https://": "no URL", "http://127.0.0.1.evil.example": "not https",
	} {
		_, err := New(Config{URL: at, MaxStale: -time.Second})
		for _, want := range []string{says, "client_id", "needs a name", "less than no time"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v does not say %q", at, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Error("the error shows a password")
		}
	}
	for _, at := range []string{"https://login.example.com/tenant/v2.0", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:9"} {
		i, err := New(Config{Name: "a", URL: at, ClientID: "b"})
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		i.Close()
	}
}
