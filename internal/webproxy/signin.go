package webproxy

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// Failure is a sign-in of a person's that was seen to fail.
type Failure struct {
	// User is the user name that was typed, for who compares it with a login's; empty where it could not be read.
	User string
	// Person is what the person is called who is signed in to the gateway; empty: nobody is.
	Person string
	// Subject and Issuer are who that is.
	Subject, Issuer string
	// Address is where it came from.
	Address string
	// Locked: the PSA said that the user is locked.
	Locked bool
	// Sign is by what it was seen: a text of the config's, or what this package says.
	Sign string
}

// attempt is what a request has to do with a sign-in.
type attempt struct {
	on       bool   // it goes to a path of the sign-in
	posted   bool   // and says something
	answered bool   // its answer says how a sign-in went
	user     string // who signs in, as typed now or before in this browser
	sent     string // all that it says, in lower case
	// passwords are the names of the fields that had one, in lower case; an empty one: of a field that the page may call otherwise.
	passwords []string
	mobile    bool
}

// signsIn looks at a request to the sign-in's pages. Where it cannot be looked at, or a session too many is about to end another one, it
// answers instead, and returns true.
func (x *exchange) signsIn(w http.ResponseWriter, r *http.Request) bool {
	x.browser = browserOf(r, x.Secure)
	x.try.on = x.cfg.Signs.at(x.target.Path)
	if !x.try.on {
		return false
	}
	if x.browser == "" {
		x.browser = rand.Text()
		http.SetCookie(w, &http.Cookie{
			Name: cookieName(x.Secure), Value: x.browser, Path: "/", HttpOnly: true, Secure: x.Secure, SameSite: http.SameSiteLaxMode,
		})
	}
	x.try.mobile = onPhone(r)
	said, err := read(r)
	if err != nil {
		http.Error(w, "This is longer than any sign-in.", http.StatusRequestEntityTooLarge)
		return true
	}
	said.add(parsed(x.target.RawQuery))
	x.try.sent = said.all()
	x.try.passwords = said.filled(x.cfg.Signs.PasswordFields)
	if x.try.posted = posts(r) || len(x.try.passwords) > 0; !x.try.posted {
		x.try.answered, x.try.passwords = x.cfg.Book.expected(x.browser, x.target.Path)
		x.try.user = x.cfg.Book.user(x.browser)
		return false
	}
	x.try.answered = true
	if user := said.value(x.cfg.Signs.UserFields); user != "" && len(user) <= longestUser {
		x.cfg.Book.typed(x.browser, user)
	}
	x.try.user = x.cfg.Book.user(x.browser)
	return x.warns(w, r, said.form)
}

// posts says whether a request may change something.
func posts(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// longestUser is the longest user name that is remembered, in bytes: no longer one is a mail address.
const longestUser = 320

// onPhone says whether the PSA is likely to take a browser for a phone or the Outlook extension, whose sessions it counts apart.
func onPhone(r *http.Request) bool {
	agent := r.UserAgent()
	return strings.Contains(agent, "Mobi") || strings.Contains(agent, "Outlook")
}

// maxSeen is how much of a sign-in's answer is looked at, in bytes.
const maxSeen = 256 << 10

// saw learns from an answer how a sign-in or a session stands.
func (x *exchange) saw(resp *http.Response) {
	leadsTo := x.leadsOn(resp)
	if x.try.posted && leadsTo != "" && x.cfg.Signs.at(leadsTo) {
		x.cfg.Book.expect(x.browser, leadsTo, x.try.passwords)
	}
	switch {
	case x.cfg.Signs.leaves(x.target.Path) && resp.StatusCode < http.StatusBadRequest:
		x.cfg.Book.end(x.browser)
	case x.try.on && leadsTo != "" && !x.cfg.Signs.at(leadsTo):
		x.cfg.Book.begin(x.browser, x.Person, x.try.mobile)
	case !x.try.on && leadsTo != "" && x.cfg.Signs.at(leadsTo):
		x.cfg.Book.end(x.browser)
	case !x.try.on:
		x.cfg.Book.touch(x.browser)
	}
}

// leadsOn is the path to which an answer leads on among the PSA's pages; empty where it does not.
func (x *exchange) leadsOn(resp *http.Response) string {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return ""
	}
	to, err := x.target.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return ""
	}
	if strings.EqualFold(to.Host, x.zone.Host) {
		return to.Path
	}
	if autotask.WebHost(to.Host) && x.cfg.Moved != nil {
		x.cfg.Moved()
	}
	return ""
}

// watched looks at the text of a sign-in's answer before any of it goes to the browser: what the PSA has counted is known here whatever
// the browser does.
func (x *exchange) watched(body io.ReadCloser) io.ReadCloser {
	if !x.try.answered {
		return body
	}
	seen, err := io.ReadAll(io.LimitReader(body, maxSeen))
	if sign, locked := x.cfg.Signs.said(strings.ToLower(string(seen)), x.try.sent, x.try.passwords); sign != "" {
		x.failed(sign, locked)
	}
	rest := io.Reader(body)
	if err != nil {
		rest = failing{err: err}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(seen), rest), body}
}

func (x *exchange) failed(sign string, locked bool) {
	if x.cfg.Failed != nil && !x.told { // of a sign-in that failed by two signs the PSA counts one
		x.told = true
		x.cfg.Failed(Failure{User: x.try.user, Person: x.Person, Subject: x.Subject, Issuer: x.Issuer, Address: x.Address, Locked: locked, Sign: sign})
	}
}

// browserCookie tells one browser from another, for the book; it proves nothing.
const browserCookie = "psagate-web"

func cookieName(secure bool) string {
	if secure {
		return "__Host-" + browserCookie
	}
	return browserCookie
}

// browserOf is whose a request is; empty where it does not say.
func browserOf(r *http.Request, secure bool) string {
	for _, c := range r.CookiesNamed(cookieName(secure)) {
		if len(c.Value) == 26 && strings.Trim(c.Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" {
			return c.Value
		}
	}
	return ""
}
