package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/session"
)

// FormField is the name of the field that holds a form's proof.
const FormField = "proof"

// Proof is what a form of this site must bring that changes something: it is of the session, and no other site knows it. Empty where
// there is no session.
func (s *Site) Proof(r *http.Request) string {
	o, ok := s.origin(r)
	token, there := tokenOf(r, o)
	if !ok || !there {
		return ""
	}
	return s.proofOf(token)
}

func (s *Site) proofOf(t session.Token) string {
	mac := hmac.New(sha256.New, s.csrf)
	hash := t.Hash()
	mac.Write(hash[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Genuine reports whether a request that changes something was sent by this site's own form: the browser says that it is no other
// site's, and it brings the session's proof. It reads the request's form.
func (s *Site) Genuine(r *http.Request) bool {
	want := s.Proof(r)
	return want != "" && s.crossed.Check(r) == nil && hmac.Equal([]byte(want), []byte(r.PostFormValue(FormField)))
}

// askLogout shows the button that signs out: a link, or a picture on another site, must not.
func (s *Site) askLogout(w http.ResponseWriter, r *http.Request, o origin) {
	found, err := s.find(r, o)
	switch {
	case unknown(err) && !errors.Is(err, errForeign): // whoever is signed in elsewhere on this host is signed out here too
		s.show(w, http.StatusOK, page{Title: "Not signed in", Text: []string{"You are not signed in to this site."}, Links: []link{{Text: "Sign in", To: pageSignIn}}})
	case err != nil && !errors.Is(err, errForeign):
		s.unavailable(w, r, err)
	default:
		s.showLogout(w, r, o, http.StatusOK, found, "You are signed in as "+found.Person.Label()+".")
	}
}

func (s *Site) showLogout(w http.ResponseWriter, r *http.Request, o origin, status int, found session.Session, text string) {
	p := page{Title: "Sign out", Text: []string{text}, Form: &form{To: PageLogout, Proof: s.Proof(r)}}
	if i := s.issuerOf(found); i != nil {
		if out := i.SignOutURL(o.String() + pageSignedOut); out != "" {
			p.Form.Everywhere, p.formTo = i.Name(), out
		}
	}
	s.show(w, status, p)
}

// logout ends the session and, where that is wanted, goes on to the provider to have it end its own.
func (s *Site) logout(w http.ResponseWriter, r *http.Request, o origin) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	found, err := s.find(r, o)
	switch {
	case unknown(err) && !errors.Is(err, errForeign):
		// Not where the request brings none: a form of another site comes without the cookie that the browser has. What is over by
		// this site's limits may go on by those of another.
		if token, held := tokenOf(r, o); held && s.crossed.Check(r) == nil {
			if !s.signOut(w, r, o, token) {
				return
			}
		}
		leave(w, pageSignedOut)
		return
	case err != nil && !errors.Is(err, errForeign):
		s.unavailable(w, r, err)
		return
	case !s.Genuine(r):
		s.showLogout(w, r, o, http.StatusForbidden, found, "Another site may have sent you here, so nothing was done. Do you want to sign out?")
		return
	}
	token, _ := tokenOf(r, o)
	if !s.signOut(w, r, o, token) {
		return
	}
	to := pageSignedOut
	if i := s.issuerOf(found); i != nil && r.PostFormValue("everywhere") != "" {
		if out := i.SignOutURL(o.String() + pageSignedOut); out != "" {
			to = out
		}
	}
	leave(w, to)
}

// forget has the browser forget a session, and the pages that it saw in it: its back button would show them again.
func (o origin) forget(w http.ResponseWriter) {
	o.setCookie(w, sessionCookie, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache"`)
}

// signedOut is where a sign-out ends, here or at the provider. Who is signed in still must not be told otherwise: the form of another
// site, which comes without the cookie, leads here too.
func (s *Site) signedOut(w http.ResponseWriter, r *http.Request, o origin) {
	found, err := s.find(r, o)
	switch {
	case unknown(err) && !errors.Is(err, errForeign):
		s.show(w, http.StatusOK, page{Title: "Signed out", Text: []string{"You are signed out of this site."}, Links: []link{{Text: "Sign in again", To: pageSignIn}}})
	case err != nil && !errors.Is(err, errForeign):
		s.unavailable(w, r, err)
	default:
		s.showLogout(w, r, o, http.StatusOK, found, "You are still signed in as "+found.Person.Label()+".")
	}
}

// signOut ends a token's session, and has the browser forget it; where it cannot it has answered.
func (s *Site) signOut(w http.ResponseWriter, r *http.Request, o origin, token session.Token) bool {
	gone, err := s.cfg.Sessions.End(r.Context(), session.Which{Hash: token.Hash()})
	if err != nil {
		s.unavailable(w, r, err)
		return false
	}
	for _, g := range gone {
		s.tell(r, Event{What: SignedOut, Person: g.Person, Issuer: g.Person.Issuer, Session: g.ID})
	}
	o.forget(w)
	return true
}

// issuerOf is the provider of a session's person, if it still is one of the site's.
func (s *Site) issuerOf(found session.Session) *issuer.Issuer {
	if i := s.byName[found.Person.Issuer]; i != nil && i.URL() == found.Person.IssuerURL {
		return i
	}
	return nil
}

// originOf is an address's scheme and host, for a page's policy; empty where it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// errForeign: the session is of a provider that this site does not have.
var errForeign = errors.New("the session is of another site's provider")

// unknown reports whether an error says that nobody is signed in, rather than that it is not known who is.
func unknown(err error) bool {
	return errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrOver) || errors.Is(err, errForeign)
}
