package signin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/issuer"
)

// ServeHTTP answers for the pages.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o, ok := s.origin(r)
	path := s.cfg.URL(r).Path
	name, isBack := strings.CutPrefix(path, pageBackChannel)
	switch {
	case isBack: // a provider calls, not a browser
		s.allow(w, r, func() { s.backChannel(w, r, name) }, http.MethodPost)
	case !ok:
		s.notHere(w, r)
	case path == pageSignIn:
		s.allow(w, r, func() { s.signIn(w, r, o) }, http.MethodGet, http.MethodHead)
	case path == pageStart:
		s.allow(w, r, func() { s.start(w, r, o, s.asked(r, "issuer"), s.asked(r, "return")) }, http.MethodGet, http.MethodPost)
	case strings.HasPrefix(path, pageCallback):
		s.allow(w, r, func() { s.callback(w, r, o, strings.TrimPrefix(path, pageCallback)) }, http.MethodGet)
	case path == PageLogout && r.Method == http.MethodPost:
		s.logout(w, r, o)
	case path == PageLogout:
		s.allow(w, r, func() { s.askLogout(w, r, o) }, http.MethodGet, http.MethodHead)
	case path == pageSignedOut:
		s.allow(w, r, func() { s.signedOut(w, r, o) }, http.MethodGet, http.MethodHead)
	default:
		s.show(w, http.StatusNotFound, page{Title: "No such page", Text: []string{"There is nothing here."}, Links: []link{toFront}})
	}
}

// asked is a value of a form, or of the address.
func (s *Site) asked(r *http.Request, name string) string {
	if r.Method == http.MethodPost {
		return r.PostFormValue(name)
	}
	return s.cfg.URL(r).Query().Get(name)
}

// maxForm is how much of a form is read, in bytes.
const maxForm = 64 << 10

// allow goes on where the method is one of those that a page has.
func (s *Site) allow(w http.ResponseWriter, r *http.Request, f func(), methods ...string) {
	for _, m := range methods {
		if r.Method == m {
			if r.Body != nil {
				r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			}
			f()
			return
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	s.show(w, http.StatusMethodNotAllowed, page{Title: "Not like this", Text: []string{"This page is not used in that way."}, Links: []link{toFront}})
}

// notHere answers who came over an open line.
func (s *Site) notHere(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusForbidden, page{Title: "HTTPS is needed", Text: []string{
		"Nobody can sign in here over plain HTTP: others could read along. Open this site's address with https:// at its beginning.",
		"Whoever runs it: psagate takes plain HTTP on a loopback host alone.",
	}})
}

// signIn shows whom to sign in with, or goes on where there is one provider.
func (s *Site) signIn(w http.ResponseWriter, r *http.Request, o origin) {
	back := returnPath(s.asked(r, "return"))
	if len(s.cfg.Issuers) == 1 {
		s.start(w, r, o, s.cfg.Issuers[0].Name(), back)
		return
	}
	p := page{Title: "Sign in", Text: []string{"With whom do you have your account?"}}
	for _, i := range s.cfg.Issuers {
		p.Links = append(p.Links, link{Text: i.Name(), To: startURL(i.Name(), back), Button: true})
	}
	s.show(w, http.StatusOK, p)
}

func startURL(name, back string) string {
	return pageStart + "?" + url.Values{"issuer": {name}, "return": {back}}.Encode()
}

// start sends the browser to a provider.
func (s *Site) start(w http.ResponseWriter, r *http.Request, o origin, name, back string) {
	i := s.byName[name]
	if i == nil {
		s.show(w, http.StatusNotFound, page{Title: "No such provider", Text: []string{"This site does not know the provider that you were to sign in with."}, Links: []link{{Text: "Sign in", To: pageSignIn}}})
		return
	}
	f := flow{
		Issuer: name, URL: i.URL(), State: random(), Nonce: random(), Verifier: random(), // 43 characters, as RFC 7636, section 4.1 wants
		Return: returnPath(back), Ends: s.cfg.Now().Add(flowLasts),
	}
	to, err := i.SignInURL(r.Context(), f.at(o))
	if err == nil {
		err = s.keepFlow(w, r, o, f)
	}
	if err != nil {
		s.failed(w, r, i, f.Return, err)
		return
	}
	leave(w, to)
}

// leave sends the browser on. Where it came from may have a code in its address, which is nobody's.
func leave(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// again is the way to one more try with a provider.
func again(i *issuer.Issuer, back string) link {
	return link{Text: "Try again", To: startURL(i.Name(), back), Button: true}
}
