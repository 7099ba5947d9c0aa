package signin

import (
	"bytes"
	"crypto/tls"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
	"github.com/psagate/psagate/internal/session"
)

// real is a world whose provider was written by others. The provider has to reach the site without knowing who vouches for it, so
// the site is on a loopback host without TLS.
type real struct {
	*world
	provider *issuertest.Provider
}

func newReal(t *testing.T, groups ...string) *real {
	w := &world{T: t, table: &breaking{Table: session.NewMemory()}}
	w.server = httptest.NewUnstartedServer(nil)
	at := "http://" + w.server.Listener.Addr().String()
	p := issuertest.StartProvider(t, issuertest.Client{
		Callbacks: []string{at + "/psagate/callback/corp"}, SignedOut: []string{at + "/psagate/signed-out"}, BackChannel: at + "/psagate/backchannel/corp",
	})
	keeper, err := session.NewKeeper(w.table, session.Limits{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.site, err = New(Config{
		Issuers: []*issuer.Issuer{issuerOf(t, "corp", p.URL)}, Sessions: keeper, Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, Groups: groups,
		Tell: func(_ *http.Request, e Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server.Config.Handler = w.site.Require(http.HandlerFunc(w.serve))
	w.server.Start()
	t.Cleanup(w.server.Close)
	return &real{w, p}
}

// person is a browser that fills in the provider's forms.
func (r *real) person() *browser {
	b := r.browser()
	b.Transport = &http.Transport{TLSClientConfig: &tls.Config{}, DisableKeepAlives: true}
	return b
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]+)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// send sends the form that a page shows, with more fields.
func (b *browser) send(page seen, more url.Values) seen {
	b.w.Helper()
	action := formAction.FindStringSubmatch(page.body)
	if action == nil {
		b.w.Fatalf("status %d at %s, and no form: %s", page.StatusCode, page.Request.URL, page.body)
	}
	to, err := page.Request.URL.Parse(html.UnescapeString(action[1]))
	if err != nil {
		b.w.Fatal(err)
	}
	for _, field := range hidden.FindAllStringSubmatch(page.body, -1) {
		more.Set(field[1], html.UnescapeString(field[2]))
	}
	return b.do(http.MethodPost, to.String(), more)
}

// loginAs opens a page and signs in at the provider, by its login form and its consent form.
func (b *browser) loginAs(who, path string) seen {
	b.w.Helper()
	login := b.open(path)
	consent := b.send(login, url.Values{"login": {who}, "password": {"any"}})
	return b.send(consent, url.Values{})
}

func TestWithARealProviderAPersonSignsInAndOut(t *testing.T) {
	r := newReal(t, "ops")
	b := r.person()
	if got := b.loginAs("ann", "/deep?x=1"); got.body != "behind the gate: ann true at /deep?x=1" {
		t.Fatalf("status %d at %s: %s", got.StatusCode, got.Request.URL, got.body)
	}
	in := r.told(SignedIn)
	if len(in) != 1 || in[0].Person.Email != "ann@example.com" || in[0].Person.Name != "Ann Example" || !slices.Equal(in[0].Person.Groups, []string{"ops", "sales"}) {
		t.Errorf("told %+v", in)
	}
	rows, err := r.table.Rows(t.Context())
	if err != nil || len(rows) != 1 || rows[0].IssuerSession == "" {
		t.Fatalf("sessions %+v, %v", rows, err)
	}
	proof := b.proof()
	ask := b.do(http.MethodPost, "/psagate/logout", url.Values{"proof": {proof}, "everywhere": {"1"}})
	if !strings.HasPrefix(ask.Request.URL.String(), r.provider.URL) {
		t.Fatalf("it did not go to the provider: %s", ask.Request.URL)
	}
	r.at("out", b.send(ask, url.Values{"logout": {"yes"}}), http.StatusOK, "You are signed out of this site")
	again := b.open("/x") // the provider has forgotten too, so it asks
	if !strings.HasPrefix(again.Request.URL.String(), r.provider.URL+"/interaction/") {
		t.Errorf("status %d at %s", again.StatusCode, again.Request.URL)
	}
}

func TestARealProvidersBackChannelEndsTheSessionOfAnotherBrowserOfItsSession(t *testing.T) {
	r := newReal(t)
	b := r.person()
	b.loginAs("ann", "/")
	if rows, _ := r.table.Rows(t.Context()); len(rows) != 1 {
		t.Fatalf("%d sessions", len(rows))
	}
	// Signed out at the provider itself: no word of it comes through the browser to this site, but by the back channel.
	ask := b.open(r.provider.URL + "/session/end")
	b.send(ask, url.Values{"logout": {"yes"}})
	if rows, err := r.table.Rows(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("%d sessions are left, error %v", len(rows), err)
	}
	if ended := r.told(Ended); len(ended) != 1 || ended[0].Person.Subject != "ann" {
		t.Errorf("told %+v", ended)
	}
	r.at("after it", b.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
}

func TestWithARealProviderWhoIsInNoGroupStaysOut(t *testing.T) {
	r := newReal(t, "ops")
	b := r.person()
	r.at("bob", b.loginAs("bob", "/x"), http.StatusForbidden, "You are Bob &lt;b&gt;Example&lt;/b&gt; at corp", "the group ops")
	if rows, _ := r.table.Rows(t.Context()); len(rows) != 0 {
		t.Errorf("%d sessions", len(rows))
	}
}

func TestWithARealProviderACodeIsGoodOnce(t *testing.T) {
	r := newReal(t)
	b := r.person()
	b.loginAs("ann", "/")
	b.CheckRedirect = func(q *http.Request, _ []*http.Request) error {
		if strings.Contains(q.URL.Path, "/psagate/callback/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	answer := b.open("/psagate/signin").Header.Get("Location") // the provider knows ann
	u, err := url.Parse(answer)
	if err != nil || u.Query().Get("code") == "" {
		t.Fatalf("%q: %v", answer, err)
	}
	thief := r.person()
	r.at("a stolen answer", thief.open(answer), http.StatusBadRequest, "has lapsed")
	mine := b.answerAgain(u.Query().Get("code"))
	r.at("a code in another sign-in", b.open(mine), http.StatusForbidden, "does not prove")
	if got := len(r.told(SignedIn)); got != 1 {
		t.Errorf("%d sessions began", got)
	}
}

// answerAgain begins one more sign-in and puts another's code into its answer.
func (b *browser) answerAgain(code string) string {
	b.w.Helper()
	u, err := url.Parse(b.open("/psagate/signin").Header.Get("Location"))
	if err != nil {
		b.w.Fatal(err)
	}
	q := u.Query()
	q.Set("code", code)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestWithARealProviderASignInThatIsCancelledSaysSo(t *testing.T) {
	r := newReal(t)
	b := r.person()
	login := b.open("/x")
	abort := strings.TrimSuffix(login.Request.URL.String(), "/") + "/abort"
	r.at("cancelled", b.open(abort), http.StatusForbidden, "corp has not signed you in", "access_denied")
}
