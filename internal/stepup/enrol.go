package stepup

import (
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/totp"
)

// mayEnrol reports whether a person may begin an enrolment: with an app, who has just proven it; without one, who has just signed in.
func mayEnrol(v *signin.Visit, status totp.Status) bool {
	if status.Enrolled {
		return fresh(v, manageWithin)
	}
	return lately(v, v.Session.Created, enrolWithin)
}

// begin begins an enrolment.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	back := askedReturn(r, v)
	status, err := g.cfg.Engine.Status(r.Context(), personOf(v))
	if err != nil {
		v.Unavailable(w, r, err)
		return
	}
	if !mayEnrol(v, status) {
		g.tooLate(w, v, back, status.Enrolled)
		return
	}
	beginning := g.beginning(v)
	beginning.SteppedUp, beginning.Invited, beginning.Invitation = fresh(v, manageWithin), g.cfg.Invited, r.PostFormValue("code")
	begun, err := g.cfg.Engine.Begin(r.Context(), beginning)
	switch {
	case errors.Is(err, totp.ErrNotInvited):
		g.notInvited(w, r, v, back)
	case errors.Is(err, totp.ErrEnrolled): // in another tab, meanwhile
		v.Leave(w, signin.PageTOTP)
	case err != nil:
		v.Unavailable(w, r, err)
	default:
		g.showBegun(w, r, v, http.StatusOK, begun, back, "")
	}
}

// beginning is whose enrolment it is, and what the app shows.
func (g *Gate) beginning(v *signin.Visit) totp.Beginning {
	return totp.Beginning{Person: personOf(v), App: g.cfg.App, Account: v.Session.Person.Label()}
}

// notInvited answers an invitation that was not taken. What is none by its form is not told of.
func (g *Gate) notInvited(w http.ResponseWriter, r *http.Request, v *signin.Visit, back string) {
	if _, err := totp.ParseInvitation(r.PostFormValue("code")); err != nil {
		g.introduce(w, v, http.StatusBadRequest, back, true, sentence(err.Error()))
		return
	}
	g.tell(r, v, Event{What: Refused, Reason: NotInvited})
	g.introduce(w, v, http.StatusForbidden, back, true, sentence(totp.ErrNotInvited.Error()))
}

// tooLate sends a person to prove anew who it is.
func (g *Gate) tooLate(w http.ResponseWriter, v *signin.Visit, back string, enrolled bool) {
	if enrolled {
		v.Leave(w, stepUpAt(signin.PageTOTP))
		return
	}
	v.Leave(w, v.SignInAgain(enrolAt(back)))
}

// qrPixels is how large the QR code is made; it is shown smaller, so that screens of any kind show it sharply.
const qrPixels = 480

func (g *Gate) showBegun(w http.ResponseWriter, r *http.Request, v *signin.Visit, status int, begun totp.Enrolling, back, wrong string) {
	png, err := begun.PNG(qrPixels)
	if err != nil {
		v.Unavailable(w, r, err)
		return
	}
	g.show(w, v, status, "Add the app", page{
		Wrong: wrong,
		Text: []string{
			"Open an authenticator app on your phone, such as the one that you use elsewhere, and have it read this picture. Nobody else may see it.",
		},
		QR:     template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)), //nolint:gosec // of our own making
		Secret: begun.Secret.Reveal(),
		App:    template.URL(begun.URI.Reveal()), //nolint:gosec // the engine has made it
		Forms: []form{{
			To: signin.PageTOTP, Do: doConfirm, Return: back, Enrolment: begun.ID, Button: "Confirm",
			Field: &field{Label: "Code that the app shows", Hint: "With this the app counts. There are ten minutes for it."},
		}},
		Links: []link{{Text: "Not now", To: signin.PageTOTP}},
	})
}

// confirm takes the first code of an app.
func (g *Gate) confirm(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	back, p, id := askedReturn(r, v), personOf(v), r.PostFormValue("enrolment")
	before, err := g.cfg.Engine.Status(r.Context(), p)
	if err != nil {
		v.Unavailable(w, r, err)
		return
	}
	confirmed, err := g.cfg.Engine.Confirm(r.Context(), p, id, r.PostFormValue("code"))
	if err != nil {
		g.notConfirmed(w, r, v, back, id, err)
		return
	}
	g.tell(r, v, Event{What: Enrolled})
	v.KeepMark(w, confirmed.Browser)
	if err := v.StepUp(r.Context()); err != nil { // the codes are shown all the same: nobody can find them out again
		g.cfg.Log.Warn("a second factor that was just proven cannot be noted: the person is asked for a code once more", "error", err)
	}
	if before.Enrolled {
		g.endOthers(r, v)
	}
	g.showCodes(w, v, "The app counts from now on", back, confirmed.Recovery)
}

// endOthers ends the person's other sessions: an app is replaced where the one of before may be in other hands, and what was proven
// with that one counts no more.
func (g *Gate) endOthers(r *http.Request, v *signin.Visit) {
	if err := v.EndOthers(r); err != nil {
		g.cfg.Log.Error("the other sessions of a person who has replaced the app go on", "subject", v.Session.Person.Subject, "error", err)
	}
}

// notConfirmed answers a code that does not confirm an enrolment.
func (g *Gate) notConfirmed(w http.ResponseWriter, r *http.Request, v *signin.Visit, back, id string, err error) {
	var form totp.FormError
	if errors.As(err, &form) || errors.Is(err, totp.ErrWrong) {
		begun, again := g.cfg.Engine.Begun(r.Context(), g.beginning(v), id)
		if again == nil {
			status := http.StatusForbidden
			if errors.As(err, &form) {
				status = http.StatusBadRequest
			}
			g.showBegun(w, r, v, status, begun, back, sentence(err.Error()))
			return
		}
		err = again
	}
	if !errors.Is(err, totp.ErrNotBegun) {
		v.Unavailable(w, r, err)
		return
	}
	g.show(w, v, http.StatusConflict, "This enrolment is over", page{Text: []string{
		"It took more than ten minutes, too many codes were wrong, it was finished already, or it was begun once more elsewhere. If you have added the app, take it away there, and begin anew.",
	}, Links: []link{{"Your second factor", enrolAt(back), true}, toFront}})
}

// newRecovery makes new recovery codes.
func (g *Gate) newRecovery(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	if !fresh(v, manageWithin) {
		v.Leave(w, stepUpAt(signin.PageTOTP))
		return
	}
	codes, err := g.cfg.Engine.NewRecovery(r.Context(), personOf(v))
	switch {
	case errors.Is(err, totp.ErrNotEnrolled):
		v.Leave(w, signin.PageTOTP)
	case err != nil:
		v.Unavailable(w, r, err)
	default:
		g.tell(r, v, Event{What: NewRecovery})
		g.showCodes(w, v, "Your new recovery codes", signin.PageTOTP, codes)
	}
}

// showCodes shows recovery codes, once.
func (g *Gate) showCodes(w http.ResponseWriter, v *signin.Visit, title, back string, codes []secret.Value) {
	p := page{Text: []string{
		"These are your recovery codes, for when you have not got the app. Each is good once. Print this page, or write them down, and keep them where your phone is not: they are shown this once.",
		"Those of " + v.Session.Person.Label() + ", " + v.Now().UTC().Format(time.DateOnly) + ". Older ones are worth nothing any more.",
	}, Links: []link{{"I have kept them: go on", back, true}}}
	for _, code := range codes {
		p.Codes = append(p.Codes, code.Reveal())
	}
	g.show(w, v, http.StatusOK, title, p)
}
