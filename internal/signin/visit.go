package signin

import (
	"context"
	"crypto/hmac"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
)

// Visit is a request of somebody who is signed in, as the gate let it through: what pages of ours behind the gate need of it, which
// the request itself does not show any more.
type Visit struct {
	// Session is the person's, as it was when the request came.
	Session session.Session

	site        *Site
	origin      origin
	url         *url.URL
	address     string
	proof, mark string
	token       session.Token
}

type visitKey struct{}

// VisitOf returns the visit that a request belongs to; ok is false where it did not come through a gate of ours.
func VisitOf(ctx context.Context) (v *Visit, ok bool) {
	v, ok = ctx.Value(visitKey{}).(*Visit)
	return v, ok
}

// visit notes what a request shows before our cookies are taken out of it, or showed a gate before this one.
func (s *Site) visit(r *http.Request, o origin, found session.Session) *Visit {
	v := &Visit{Session: found, site: s, origin: o, url: s.cfg.URL(r), address: s.cfg.ClientIP(r), proof: s.Proof(r)}
	v.token, _ = tokenOf(r, o)
	if before, through := VisitOf(r.Context()); through {
		v.mark = before.mark
		return v
	}
	if cookies := r.CookiesNamed(o.cookieName(markCookie)); len(cookies) == 1 { // of two one is not ours
		v.mark = cookies[0].Value
	}
	return v
}

// URL is what the browser asked for, whatever the site rewrites.
func (v *Visit) URL() *url.URL { return v.url }

// Address is where the request came from; the zero address where that is not known.
func (v *Visit) Address() netip.Addr {
	address, _ := netip.ParseAddr(v.address)
	return address
}

// Now is the time by the site's clock, which sessions go by.
func (v *Visit) Now() time.Time { return v.site.cfg.Now() }

// Proof is what a form of ours must bring that changes something, in the field [FormField].
func (v *Visit) Proof() string { return v.proof }

// Genuine reports whether a request that changes something was sent by a form of ours: see [Site.Genuine]. It reads the request's form.
func (v *Visit) Genuine(r *http.Request) bool {
	return v.proof != "" && v.site.crossed.Check(r) == nil && hmac.Equal([]byte(v.proof), []byte(r.PostFormValue(FormField)))
}

// Alive looks whether the person is signed in still, for an answer that goes on for long; that is no use of the session. Its errors are
// [session.ErrNone] and [session.ErrOver] where the session has ended, and those of the store.
func (v *Visit) Alive(ctx context.Context) error {
	_, err := v.site.cfg.Sessions.Peek(ctx, v.token)
	return err
}

// StepUp notes that the person has just proven a second factor in this session. Its errors are [session.ErrNone], where the session
// has ended meanwhile, and those of the store.
func (v *Visit) StepUp(ctx context.Context) error {
	return v.site.cfg.Sessions.StepUp(ctx, v.Session.ID)
}

// EndOthers ends the other sessions of the person, in whatever browsers, and tells of each.
func (v *Visit) EndOthers(r *http.Request) error {
	gone, err := v.site.cfg.Sessions.EndOthers(r.Context(), v.Session)
	for _, g := range gone {
		v.site.tell(r, Event{What: EndedElsewhere, Person: g.Person, Issuer: g.Person.Issuer, Session: g.ID})
	}
	return err
}

// Return is where a person goes on to: a path of this site with its query, or the front page where the text is anything else.
func (v *Visit) Return(text string) string { return returnPath(text) }

// SignInAgain is the address of a new sign-in with the person's provider, from which the person comes back to a path.
func (v *Visit) SignInAgain(back string) string { return startURL(v.Session.Person.Issuer, back) }

// markLasts is for how long a browser keeps its mark, as internal/totp wants it.
const markLasts = 180 * 24 * time.Hour

// Mark is what the browser keeps from the last second factor that was proven with it; empty: it has none.
func (v *Visit) Mark() string { return v.mark }

// KeepMark has the browser keep a mark. No other site's form brings it along: it is for our own forms alone.
func (v *Visit) KeepMark(w http.ResponseWriter, mark secret.Value) {
	http.SetCookie(w, &http.Cookie{
		Name: v.origin.cookieName(markCookie), Value: mark.Reveal(), Path: "/", MaxAge: int(markLasts / time.Second), // __Host- wants this path
		Secure: v.origin.secure(), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// Show answers with a page in the style of all, below its title a body that html/template has made. It loads nothing, but where it
// has pictures those that stand in it as data.
func (v *Visit) Show(w http.ResponseWriter, status int, title string, body template.HTML, pictures bool) {
	v.site.show(w, status, page{Title: title, Body: body, pictures: pictures})
}

// Unavailable answers where the store cannot be read or written.
func (v *Visit) Unavailable(w http.ResponseWriter, r *http.Request, err error) {
	v.site.unavailable(w, r, err)
}

// Leave sends the browser on to a path of this site.
func (v *Visit) Leave(w http.ResponseWriter, to string) { leave(w, to) }

// Navigates reports whether a person opens a page with a request, rather than a program, or a page's script, that asks for something.
func Navigates(r *http.Request) bool { return navigates(r) }
