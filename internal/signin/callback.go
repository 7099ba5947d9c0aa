package signin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/session"
)

// callback takes a provider's answer.
func (s *Site) callback(w http.ResponseWriter, r *http.Request, o origin, name string) {
	i, q := s.byName[name], s.cfg.URL(r).Query()
	f, known := s.flowOf(w, r, o, q.Get("state"))
	if i == nil || !known || f.Issuer != name || f.URL != i.URL() {
		s.refuse(r, name, session.Person{}, Lapsed, "no sign-in of this browser is under way that the answer belongs to")
		s.show(w, http.StatusBadRequest, page{Title: "This sign-in has lapsed", Text: []string{
			"It was not begun in this browser, was finished already, or took more than ten minutes. Nothing is lost: sign in again.",
			"Where this comes back each time, the browser may be keeping no cookies for this site.",
		}, Links: []link{{Text: "Sign in", To: pageSignIn, Button: true}}})
		return
	}
	if err := i.CheckAnswer(r.Context(), q.Get("iss")); err != nil {
		s.failed(w, r, i, f.Return, err)
		return
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		s.denied(w, r, i, f, said(q.Get("error")), said(q.Get("error_description")))
		return
	}
	p, err := i.Exchange(r.Context(), f.at(o), q.Get("code"))
	if err != nil {
		s.failed(w, r, i, f.Return, err)
		return
	}
	// Only now, so that nobody whom the provider does not know can have the store written.
	first, err := s.cfg.Sessions.Once(r.Context(), "sign-in "+stateID(f.State), f.Ends)
	switch {
	case err != nil:
		s.unavailable(w, r, err)
	case !first:
		s.refuse(r, name, session.Person{}, TakenBefore, "the answer was taken already")
		s.show(w, http.StatusBadRequest, page{Title: "This sign-in is over", Text: []string{"It was finished already. Sign in again where that was not you."}, Links: []link{{Text: "Sign in", To: pageSignIn, Button: true}, toFront}})
	default:
		s.arrive(w, r, o, i, f, p)
	}
}

// arrive begins the session of who has signed in, if that is somebody who may come in.
func (s *Site) arrive(w http.ResponseWriter, r *http.Request, o origin, i *issuer.Issuer, f flow, p issuer.Person) {
	person := session.Person{Issuer: i.Name(), IssuerURL: p.Issuer, Subject: p.Subject, Email: p.Email, Name: p.Name, Groups: p.Groups}
	if !s.mayComeIn(person) {
		s.refuse(r, i.Name(), person, NotInGroup, "the person is in none of the groups")
		pg := s.notInGroup(person)
		if out := i.SignOutURL(o.String() + pageSignedOut); out != "" {
			pg.Links = append(pg.Links, link{Text: "Sign out of " + i.Name() + ", to come with another account", To: out})
		}
		s.show(w, http.StatusForbidden, pg)
		return
	}
	var before *session.Token
	if held, ok := tokenOf(r, o); ok {
		before = &held
	}
	token, begun, err := s.cfg.Sessions.Begin(r.Context(), person, p.SessionID, session.Use{Address: s.cfg.ClientIP(r), Agent: r.UserAgent()}, before)
	switch {
	case errors.Is(err, session.ErrNoPerson):
		s.failed(w, r, i, f.Return, err)
		return
	case err != nil:
		s.unavailable(w, r, err)
		return
	}
	s.tell(r, Event{What: SignedIn, Person: begun.Person, Issuer: i.Name(), Session: begun.ID})
	s.trim(r, begun)
	o.setCookie(w, sessionCookie, token.Reveal(), 0)
	leave(w, returnPath(f.Return))
}

// trim ends the oldest sessions of a person who has too many. Where that fails the next sign-in does it.
func (s *Site) trim(r *http.Request, begun session.Session) {
	gone, err := s.cfg.Sessions.Trim(r.Context(), begun)
	for _, g := range gone {
		s.tell(r, Event{What: EndedForNew, Person: g.Person, Issuer: g.Person.Issuer, Session: g.ID})
	}
	if err != nil {
		s.cfg.Log.Warn("a person may have more sessions than the limit", "subject", begun.Person.Subject, "error", err)
	}
}

// mayComeIn reports whether a person is in one of the groups, where there are any.
func (s *Site) mayComeIn(p session.Person) bool {
	return len(s.cfg.Groups) == 0 || slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(s.cfg.Groups, g) })
}

func (s *Site) notInGroup(p session.Person) page {
	which := "the group " + s.cfg.Groups[0]
	if len(s.cfg.Groups) > 1 {
		which = "one of the groups " + strings.Join(s.cfg.Groups, ", ")
	}
	return page{Title: "Not for this account", Text: []string{
		"You are " + p.Label() + " at " + p.Issuer + ", and this site is for members of " + which + ".",
		"If you should be one, ask whoever manages accounts at " + p.Issuer + " to add you, and sign in again after that.",
	}}
}

func (s *Site) refuse(r *http.Request, name string, p session.Person, word Why, why string) {
	if s.byName[name] == nil {
		name = "" // it is the caller's own word
	}
	leftOut, ok := 0, true
	if p.Subject == "" { // nobody has proven anything
		leftOut, ok = s.strangers.next(s.cfg.Now())
	}
	if ok {
		s.cfg.Log.Info("a sign-in ended without a session", "issuer", name, "subject", p.Subject, "reason", why, "client_ip", s.cfg.ClientIP(r), "left_out", leftOut)
	}
	s.tell(r, Event{What: Refused, Person: p, Issuer: name, Why: word, Reason: why})
}

// denied answers who comes back with the provider's no.
func (s *Site) denied(w http.ResponseWriter, r *http.Request, i *issuer.Issuer, f flow, word, why string) {
	s.refuse(r, i.Name(), session.Person{}, Denied, "the issuer says "+word)
	text := []string{i.Name() + " has not signed you in."}
	switch {
	case word == "access_denied": // RFC 6749, section 4.1.2.1
		text = append(text, "You, or whoever manages accounts there, said no.")
	case word == "temporarily_unavailable" || word == "server_error":
		text = append(text, "It is in trouble itself. Try again in a while.")
	default:
		text = append(text, "Whoever runs this site may have to look at how it is set up there.")
	}
	p := page{Title: "Not signed in", Text: text, Links: []link{again(i, f.Return)}}
	if word != "" {
		p.Quote = word
	}
	if why != "" {
		p.Quote = strings.TrimPrefix(p.Quote+": "+why, ": ")
	}
	s.show(w, http.StatusForbidden, p)
}

// failed answers a sign-in that a provider, or what is wrong with its answer, has ended. What exactly is for the log.
func (s *Site) failed(w http.ResponseWriter, r *http.Request, i *issuer.Issuer, back string, err error) {
	s.refuse(r, i.Name(), session.Person{}, whyOf(err), err.Error())
	if errors.Is(err, issuer.ErrDown) {
		w.Header().Set("Retry-After", "10")
		s.show(w, http.StatusServiceUnavailable, page{Title: i.Name() + " does not answer", Text: []string{
			"Nobody can be signed in with it for now. Try again in a moment.", "Whoever runs this site finds the reason in its log.",
		}, Links: []link{again(i, back)}})
		return
	}
	s.show(w, http.StatusForbidden, page{Title: "Not signed in", Text: []string{
		"What " + i.Name() + " answered does not prove who you are, so it was not taken.", "Try once more. Whoever runs this site finds the reason in its log.",
	}, Links: []link{again(i, back)}})
}

// unavailable answers where sessions cannot be read or written: nobody is let in by that.
func (s *Site) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	s.cfg.Log.Error("people cannot be signed in: the store cannot be used", "error", err, "client_ip", s.cfg.ClientIP(r))
	w.Header().Set("Retry-After", "5")
	s.show(w, http.StatusServiceUnavailable, page{Title: "In a moment", Text: []string{"This site cannot look up who is signed in for now. Try again in a moment."}})
}

// maxSaid is how much of what a provider says is shown, in bytes.
const maxSaid = 300

// said is what a provider says, on one line. It came through the browser, so anybody may have said it.
func said(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), maxSaid)], ""))
	return strings.TrimSpace(text)
}
