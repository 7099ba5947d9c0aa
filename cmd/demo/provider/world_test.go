package provider

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/secret"
)

const (
	at       = "http://127.0.0.1:9"
	callback = "http://127.0.0.1:8/psagate/callback/demo"
	out      = "http://127.0.0.1:8/psagate/signed-out"
)

var theFlow = issuer.Flow{Redirect: callback, State: "the state", Nonce: "the nonce", Verifier: "a-verifier-that-has-at-least-43-characters-in-it"}

// start makes a provider, and psagate's own side of it, without a network.
func start(t *testing.T) (*Provider, *issuer.Issuer) {
	t.Helper()
	// The secret has what forms write otherwise.
	p, err := New(at, Client{"psagate", "a secret+of %the tests", callback, out}, []Person{
		{Subject: "ann", Name: "Ann", About: "<b>bold</b>", Groups: []string{"staff", "admins"}}, {Subject: "eve", Name: "Eve"},
	})
	if err != nil {
		t.Fatal(err)
	}
	i, err := issuer.New(issuer.Config{
		Name: "demo", URL: at, ClientID: "psagate", Transport: inMemory{p},
		ClientSecret: func(context.Context) (secret.Value, error) { return secret.NewValue(p.client.Secret), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return p, i
}

// inMemory is a way to a handler without a network.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	m.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// ask sends a request as a browser would; a body makes it a form.
func ask(t *testing.T, p *Provider, path, body string, change ...func(*http.Request)) (res *http.Response, text string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(t.Context(), method, at+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	res = w.Result()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(all)
}

// signInPath is where psagate sends a browser, with what a test changes of it.
func signInPath(t *testing.T, i *issuer.Issuer, change func(url.Values)) string {
	t.Helper()
	to, err := i.SignInURL(t.Context(), theFlow)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(q)
	return u.Path + "?" + q.Encode()
}

// answerOf is what a browser is sent back to psagate with.
func answerOf(t *testing.T, res *http.Response) url.Values {
	t.Helper()
	to, err := res.Location()
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		t.Fatalf("%d to %v: %v", res.StatusCode, to, err)
	}
	return to.Query()
}

// picks is a code of a person who was picked.
func picks(t *testing.T, p *Provider, i *issuer.Issuer, person string) string {
	t.Helper()
	res, _ := ask(t, p, signInPath(t, i, func(q url.Values) { q.Set("person", person) }), "")
	answer := answerOf(t, res)
	if answer.Get("state") != theFlow.State || answer.Get("iss") != at {
		t.Errorf("the answer is %v", answer)
	}
	return answer.Get("code")
}
