package stepup

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/totp"
)

// askCode shows the form for a code; who has no app is sent to enrol one.
func (g *Gate) askCode(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	back := askedReturn(r, v)
	status, err := g.cfg.Engine.Status(r.Context(), personOf(v))
	switch {
	case err != nil:
		v.Unavailable(w, r, err)
	case !status.Enrolled:
		v.Leave(w, enrolAt(back))
	default:
		g.showCode(w, v, http.StatusOK, back, v.URL().Query().Get("with") == "recovery", "")
	}
}

func (g *Gate) showCode(w http.ResponseWriter, v *signin.Visit, status int, back string, recovery bool, wrong string) {
	text := "You are signed in as " + v.Session.Person.Label() + ". What comes next asks for a second factor, to be sure that it is you."
	if recovery {
		g.show(w, v, status, "Enter a recovery code", page{Wrong: wrong, Text: []string{text}, Forms: []form{{
			To: signin.PageStepUp, Do: doRecover, Return: back, Button: "Go on",
			Field: &field{Label: "Recovery code", Hint: "16 letters and digits, from those that you have kept. Each is good once.", Recovery: true},
		}}, Links: []link{{Text: "Use a code of the app", To: stepUpAt(back)}, {Text: "Sign out", To: signin.PageLogout}}})
		return
	}
	g.show(w, v, status, "Enter a code", page{Wrong: wrong, Text: []string{text}, Forms: []form{{
		To: signin.PageStepUp, Do: doCode, Return: back, Button: "Go on",
		Field: &field{Label: "Code of your authenticator app", Hint: "The one that it shows now."},
	}}, Links: []link{{Text: "Use a recovery code", To: recoverAt(back)}, {Text: "Sign out", To: signin.PageLogout}}})
}

func recoverAt(back string) string {
	return signin.PageStepUp + "?" + url.Values{"with": {"recovery"}, "return": {back}}.Encode()
}

// takeCode takes a code that was typed.
func (g *Gate) takeCode(w http.ResponseWriter, r *http.Request, v *signin.Visit, recovery bool) {
	back, code := askedReturn(r, v), r.PostFormValue("code")
	attempt := totp.Attempt{Person: personOf(v), Session: v.Session.ID, Address: v.Address(), Browser: v.Mark()}
	verify := g.cfg.Engine.Verify
	if recovery {
		verify = g.cfg.Engine.Recover
	}
	passed, err := verify(r.Context(), attempt, code)
	if err != nil {
		g.notTaken(w, r, v, back, recovery, err)
		return
	}
	if !g.steppedUp(r.Context(), w, r, v) {
		return
	}
	g.tell(r, v, Event{What: SteppedUp, Recovery: recovery, KnownBrowser: passed.Known})
	v.KeepMark(w, passed.Browser)
	if recovery {
		g.recovered(w, v, back, passed.RecoveryLeft)
		return
	}
	v.Leave(w, back)
}

// recovered says how many recovery codes are left, to who has used one.
func (g *Gate) recovered(w http.ResponseWriter, v *signin.Visit, back string, left int) {
	g.show(w, v, http.StatusOK, "The recovery code was right", page{Text: []string{
		"It is used up now. You have " + counted(left, "recovery code") + " left.",
		"If you have lost the app, replace it now, while this code counts.",
	}, Links: []link{{"Go on", back, true}, {"Replace the app, or make new recovery codes", signin.PageTOTP, false}}})
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// justNow is how long after a code was taken it may come once more by itself: from another tab, or a second press of the button.
const justNow = time.Minute

// notTaken answers a code that was not taken.
func (g *Gate) notTaken(w http.ResponseWriter, r *http.Request, v *signin.Visit, back string, recovery bool, err error) {
	var form totp.FormError
	var limit totp.LimitError
	status, reason := http.StatusForbidden, WrongCode
	switch {
	case errors.As(err, &form):
		g.showCode(w, v, http.StatusBadRequest, back, recovery, sentence(err.Error()))
		return
	case errors.Is(err, totp.ErrNotEnrolled): // it was reset meanwhile
		v.Leave(w, enrolAt(back))
		return
	case errors.Is(err, totp.ErrUsed) && fresh(v, justNow): // by this very session
		v.Leave(w, back)
		return
	case errors.As(err, &limit):
		status, reason = http.StatusTooManyRequests, TooManyFailures
		w.Header().Set("Retry-After", strconv.FormatInt(int64((limit.After+time.Second-1)/time.Second), 10))
	case errors.Is(err, totp.ErrUsed):
		status, reason = http.StatusConflict, CodeUsed
	case !errors.Is(err, totp.ErrWrong):
		v.Unavailable(w, r, err)
		return
	}
	g.tell(r, v, Event{What: Refused, Recovery: recovery, Reason: reason, Limit: limit.Of})
	wrong := sentence(err.Error())
	switch {
	case errors.Is(err, totp.ErrWrong) && recovery:
		wrong = "The recovery code is not right: type it as it is written, and take the newest ones that you were given."
	case errors.Is(err, totp.ErrUsed) && recovery:
		wrong = "The recovery code was used before: take another one."
	case status == http.StatusTooManyRequests:
		wrong += " The code that you have just sent was not looked at."
	}
	g.showCode(w, v, status, back, recovery, wrong)
}

// sentence makes a sentence of an error.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:] + "."
}
