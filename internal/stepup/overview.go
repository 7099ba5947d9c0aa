package stepup

import (
	"net/http"
	"time"

	"github.com/psagate/psagate/internal/signin"
)

// moment is how a moment is written for people.
const moment = "2 January 2006, 15:04 UTC"

// overview shows what a person has, or begins with who has nothing.
func (g *Gate) overview(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	status, err := g.cfg.Engine.Status(r.Context(), personOf(v))
	if err != nil {
		v.Unavailable(w, r, err)
		return
	}
	back := askedReturn(r, v)
	if !status.Enrolled {
		g.introduce(w, v, http.StatusOK, back, mayEnrol(v, status), "")
		return
	}
	p := page{
		Text: []string{"You are signed in as " + v.Session.Person.Label() + "."},
		Facts: []fact{
			{"Authenticator app", "since " + at(status.Since)},
			{"Last used", at(status.LastUsed)},
			{"Recovery codes left", counted(status.RecoveryLeft, "code")},
		},
		Links: []link{toFront, {Text: "Sign out", To: signin.PageLogout}},
	}
	if !mayEnrol(v, status) {
		p.Text = append(p.Text, "To change any of this, enter a code first.")
		p.Links = append([]link{{"Enter a code", stepUpAt(signin.PageTOTP), true}}, p.Links...)
	} else {
		p.Forms = []form{
			{To: signin.PageTOTP, Do: doRecovery, Button: "Make new recovery codes"},
			{To: signin.PageTOTP, Do: doBegin, Button: "Replace the app"},
		}
	}
	g.show(w, v, http.StatusOK, "Your second factor", p)
}

// introduce begins with a person who has no app.
func (g *Gate) introduce(w http.ResponseWriter, v *signin.Visit, status int, back string, may bool, wrong string) {
	p := page{Wrong: wrong, Text: []string{
		"You are signed in as " + v.Session.Person.Label() + ". Parts of this site ask for a second factor, and you have none yet: an authenticator app on your phone, which shows a code that is another one every half a minute.",
	}, Links: []link{toFront, {Text: "Sign out", To: signin.PageLogout}}}
	if g.cfg.Invited {
		p.Text = append(p.Text, "To add one you need an invitation: ask an administrator of this site for one. It is good for an hour.")
	}
	if may {
		p.Forms = []form{{To: signin.PageTOTP, Do: doBegin, Return: back, Button: "Add an app"}}
		if g.cfg.Invited {
			p.Forms[0].Field = &field{Label: "Invitation", Hint: "16 letters and digits, from an administrator.", Recovery: true}
		}
	} else {
		p.Text = append(p.Text, "To add one, sign in once more: it has to be sure that it is you.")
		p.Links = append([]link{{"Sign in once more", v.SignInAgain(enrolAt(back)), true}}, p.Links...)
	}
	g.show(w, v, status, "Add a second factor", p)
}

func at(t time.Time) string { return t.UTC().Format(moment) }
