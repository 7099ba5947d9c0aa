package provider

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuer"
)

func TestPsagateSignsInWhoWasPicked(t *testing.T) {
	p, i := start(t)
	_, page := ask(t, p, signInPath(t, i, func(url.Values) {}), "")
	if !strings.Contains(page, `">Ann</a> &lt;b&gt;bold`) || !strings.Contains(page, "person=eve") {
		t.Errorf("the page is\n%s", page)
	}
	person, err := i.Exchange(t.Context(), theFlow, picks(t, p, i, "ann"))
	if err != nil || person.Subject != "ann" || person.Name != "Ann" || !slices.Equal(person.Groups, []string{"staff", "admins"}) {
		t.Errorf("%+v, %v", person, err)
	}
	if person, err = i.Exchange(t.Context(), theFlow, picks(t, p, i, "eve")); err != nil || person.Subject != "eve" || len(person.Groups) > 0 {
		t.Errorf("%+v, %v", person, err)
	}
}

func TestACodeIsGoodOnceInItsTimeForItsOwnSignIn(t *testing.T) {
	p, i := start(t)
	now := time.Now()
	p.now = func() time.Time { return now }
	for _, c := range []struct {
		name   string
		flow   func(*issuer.Flow)
		before func(code string)
	}{
		{"of another verifier", func(f *issuer.Flow) { f.Verifier += "x" }, func(string) {}},
		{"of another place", func(f *issuer.Flow) { f.Redirect += "x" }, func(string) {}},
		{"of another nonce", func(f *issuer.Flow) { f.Nonce += "x" }, func(string) {}},
		{"used before", func(*issuer.Flow) {}, func(code string) { _, _ = i.Exchange(t.Context(), theFlow, code) }},
		{"too old", func(*issuer.Flow) {}, func(string) { now = now.Add(codeLasts) }},
	} {
		flow, code := theFlow, picks(t, p, i, "ann")
		c.flow(&flow)
		c.before(code)
		if person, err := i.Exchange(t.Context(), flow, code); !errors.Is(err, issuer.ErrRefused) {
			t.Errorf("a code %s: %+v, %v", c.name, person, err)
		}
	}
	picks(t, p, i, "ann")
	now = now.Add(codeLasts)
	picks(t, p, i, "ann")
	if len(p.codes) != 1 {
		t.Errorf("%d codes are kept", len(p.codes))
	}
}

func TestWhatIsWrongWithASignInIsSaidToTheProgramThatIsKnown(t *testing.T) {
	p, i := start(t)
	for _, c := range []struct{ key, value, wrong string }{
		{"response_type", "token", "unsupported_response_type"},
		{"scope", "profile", "invalid_scope"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"code_challenge", "", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"prompt", "none", "login_required"},
	} {
		res, _ := ask(t, p, signInPath(t, i, func(q url.Values) { q.Set(c.key, c.value); q.Set("person", "ann") }), "")
		if answer := answerOf(t, res); answer.Get("error") != c.wrong || answer.Has("code") {
			t.Errorf("%s %q: %v", c.key, c.value, answer)
		}
	}
	for _, c := range []struct{ key, value string }{
		{"redirect_uri", "https://thief.example"},
		{"redirect_uri", callback + "/../x"},
		{"client_id", "another"},
		{"person", "mallory"},
	} {
		res, _ := ask(t, p, signInPath(t, i, func(q url.Values) { q.Set(c.key, c.value) }), "")
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%s %q: %d to %q", c.key, c.value, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

func TestATokenIsForWhoProvesToBeTheClient(t *testing.T) {
	p, i := start(t)
	good := url.Values{"grant_type": {"authorization_code"}, "code": {picks(t, p, i, "ann")}, "redirect_uri": {callback}, "code_verifier": {theFlow.Verifier}}
	proof := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	escaped := url.QueryEscape(p.client.Secret)
	for _, c := range []struct{ name, id, secret string }{
		{"no secret", "psagate", ""},
		{"another secret", "psagate", escaped + "x"},
		{"another client", "other", escaped},
		{"a secret that is not written as in forms", "psagate", p.client.Secret},
	} {
		if res, text := ask(t, p, pathToken, good.Encode(), proof(c.id, c.secret)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, text)
		}
	}
	if res, _ := ask(t, p, pathToken, "grant_type=client_credentials", proof("psagate", escaped)); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another grant: %d", res.StatusCode)
	}
	if res, text := ask(t, p, pathToken, good.Encode(), proof("psagate", escaped)); res.StatusCode != http.StatusOK || !strings.Contains(text, `"id_token"`) {
		t.Errorf("the client: %d", res.StatusCode)
	}
}

func TestTheKeySetHasNoPrivateHalf(t *testing.T) {
	p, _ := start(t)
	_, text := ask(t, p, pathKeys, "")
	if !strings.Contains(text, `"alg":"RS256"`) || strings.Contains(text, `"d":`) || strings.Contains(text, `"p":`) {
		t.Error("the key set has not the public key alone")
	}
}

func TestWhoSignsOutGoesBackToTheClientAlone(t *testing.T) {
	p, _ := start(t)
	for query, want := range map[string]string{
		"post_logout_redirect_uri=" + url.QueryEscape(out):                     out,
		"state=a%26b&post_logout_redirect_uri=" + url.QueryEscape(out):         out + "?state=a%26b",
		"post_logout_redirect_uri=" + url.QueryEscape("https://thief.example"): "",
		"": "",
	} {
		if res, _ := ask(t, p, pathEnd+"?"+query, ""); res.Header.Get("Location") != want {
			t.Errorf("%q: to %q, want %q", query, res.Header.Get("Location"), want)
		}
	}
}

func TestItAnswersUnderItsOwnNameAndItsOwnPagesAlone(t *testing.T) {
	p, _ := start(t)
	if res, _ := ask(t, p, pathPhone, "", func(r *http.Request) { r.Host = "thief.example" }); res.StatusCode != http.StatusForbidden {
		t.Errorf("another name: %d", res.StatusCode)
	}
	from := func(r *http.Request) { r.Header.Set("Origin", "https://thief.example") }
	if res, _ := ask(t, p, pathPhone, "secret=GEZDGNBVGY3TQOJQ", from); res.StatusCode != http.StatusForbidden || len(p.apps) > 0 {
		t.Errorf("another site's form: %d", res.StatusCode)
	}
	for path, text := range map[string]string{"/": "People of psagate sign in here", pathStyle: ".code"} {
		if res, page := ask(t, p, path, ""); res.StatusCode != http.StatusOK || !strings.Contains(page, text) || strings.Contains(page, p.client.Secret) {
			t.Errorf("%s: %d %s", path, res.StatusCode, page)
		}
	}
}

func TestAProviderThatCannotWorkIsNotMade(t *testing.T) {
	client := Client{"psagate", "secret", callback, out}
	for _, c := range []struct {
		url    string
		client Client
	}{{"", client}, {at + "/", client}, {"127.0.0.1", client}, {at, Client{ID: "psagate"}}, {at, Client{Secret: "secret"}}} {
		if _, err := New(c.url, c.client, nil); err == nil {
			t.Errorf("%q, %q: it was made", c.url, c.client.ID)
		}
	}
}
