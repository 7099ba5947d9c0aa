package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/session"
)

type personKey struct{}

// Signed returns the session of the person whose request it is; ok is false where the request did not come through a gate of ours.
func Signed(ctx context.Context) (s session.Session, ok bool) {
	s, ok = ctx.Value(personKey{}).(session.Session)
	return s, ok
}

// Require lets through to next whoever is signed in and may come in, and answers all others, and for the pages. What next sees has
// the person in its context (see Signed) and none of our cookies.
func (s *Site) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Serves(r) {
			s.ServeHTTP(w, r)
			return
		}
		if out, ok := s.Admit(w, r); ok {
			next.ServeHTTP(w, out)
		}
	})
}

// Serves reports whether a request is for one of the pages.
func (s *Site) Serves(r *http.Request) bool { return Handles(s.cfg.URL(r).Path) }

// Admit returns a request as it may go on, or false where it was answered.
func (s *Site) Admit(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	o, ok := s.origin(r)
	if !ok {
		s.answer(w, r, http.StatusForbidden, "HTTPS is needed to sign in here", func() { s.notHere(w, r) })
		return nil, false
	}
	found, err := s.find(r, o)
	switch {
	case errors.Is(err, errForeign):
		s.answer(w, r, http.StatusUnauthorized, "sign in first", func() { s.elsewhere(w, r, found) })
		return nil, false
	case unknown(err):
		w.Header().Add("Vary", "Cookie")
		s.answer(w, r, http.StatusUnauthorized, "sign in first", func() {
			leave(w, pageSignIn+"?"+url.Values{"return": {returnPath(s.cfg.URL(r).RequestURI())}}.Encode())
		})
		return nil, false
	case err != nil:
		s.answer(w, r, http.StatusServiceUnavailable, "who is signed in cannot be looked up for now", func() { s.unavailable(w, r, err) })
		return nil, false
	case !s.mayComeIn(found.Person):
		s.answer(w, r, http.StatusForbidden, "this account is in none of the groups that may come in", func() {
			p := s.notInGroup(found.Person)
			p.Links = []link{{Text: "Sign out", To: PageLogout}}
			s.show(w, http.StatusForbidden, p)
		})
		return nil, false
	}
	ctx := context.WithValue(r.Context(), personKey{}, found)
	out := r.WithContext(context.WithValue(ctx, visitKey{}, s.visit(r, o, found)))
	out.Header = r.Header.Clone()
	strip(out.Header)
	return out, true
}

// find returns the session that a request carries, if it is of one of the site's providers.
func (s *Site) find(r *http.Request, o origin) (session.Session, error) {
	token, ok := tokenOf(r, o)
	if !ok {
		return session.Session{}, session.ErrNone
	}
	find := func() (session.Session, error) {
		return s.cfg.Sessions.Find(r.Context(), token, session.Use{Address: s.cfg.ClientIP(r)})
	}
	if streams(r) {
		find = func() (session.Session, error) { return s.cfg.Sessions.Peek(r.Context(), token) }
	}
	found, err := find()
	if err == nil && s.issuerOf(found) == nil {
		return found, errForeign
	}
	return found, err
}

// elsewhere answers who is signed in with a provider that this part of the site does not take. He is not sent on by himself: a
// provider that knows him would send him back at once, and again.
func (s *Site) elsewhere(w http.ResponseWriter, r *http.Request, found session.Session) {
	p := page{Title: "Sign in with another provider", Text: []string{
		"You are " + found.Person.Label() + " at " + found.Person.Issuer + ", and this part of the site takes the accounts of others.",
	}}
	back := returnPath(s.cfg.URL(r).RequestURI())
	for _, i := range s.cfg.Issuers {
		p.Links = append(p.Links, link{Text: i.Name(), To: startURL(i.Name(), back), Button: true})
	}
	s.show(w, http.StatusForbidden, p)
}

// answer answers a person who opens a page as people are answered, and a program, or a page's own script, in JSON: a redirect to
// another site would be of no use to it.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, status int, text string, person func()) {
	switch {
	case navigates(r):
		person()
		return
	case r.Method == http.MethodPost && forPerson(r): // the form of a page that was open for long
		s.show(w, status, page{
			Title: "Nothing was done", Text: []string{"Nothing was done with what you sent: " + text + "."},
			Links: []link{{Text: "Go on", To: "./"}}, // not to where the form went: that page may be none
		})
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{text}, "signin": pageSignIn})
}

// streams reports whether a page's script asks for what happens from now on. It does so by itself, again and again, for as long as the page
// is open: by that a session of somebody who has gone would never lie unused.
func streams(r *http.Request) bool { return r.Header.Get("Accept") == "text/event-stream" }

// navigates reports whether a person opens a page.
func navigates(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && forPerson(r)
}

// forPerson reports whether a browser shows a person the answer.
func forPerson(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
