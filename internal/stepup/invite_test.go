package stepup

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/totp"
)

// invited is a world in which a first app is for whom an administrator has invited.
func invited(t *testing.T) *world {
	return newWorld(t, func(c *Config) { c.Invited, c.App = true, "Acme PSA" })
}

// invite invites ann, and gives the code.
func (w *world) invite() string {
	w.Helper()
	code := totp.NewInvitation().Reveal()
	if _, err := w.engine.Invite(w.Context(), totp.Person{Issuer: w.liar.URL, Subject: "ann"}, code); err != nil {
		w.Fatal(err)
	}
	w.known = append(w.known, code)
	return code
}

func TestAFirstAppTakesAnInvitation(t *testing.T) {
	w := invited(t)
	b := w.browser()
	page := b.open("/deep")
	w.says("who has no app", page, http.StatusOK, "Add a second factor", "ask an administrator of this site", `<label for="code">Invitation`)
	w.says("nothing", b.submit(page, doBegin, ""), http.StatusBadRequest, "The code is empty")
	w.says("no invitation", b.submit(page, doBegin, "x"), http.StatusBadRequest, `role="alert">The code has 1 characters: an invitation has 16`)
	wrong := b.submit(page, doBegin, totp.NewInvitation().Reveal())
	w.says("another invitation", wrong, http.StatusForbidden, "The invitation is not right", "Error: Add a second factor", `value="/deep"`)
	if e := w.told(Refused); len(e) != 1 || e[0].Reason != NotInvited || e[0].Person.Subject != "ann" {
		t.Errorf("told %+v", e)
	}
	code := w.invite()
	got := b.submit(wrong, doBegin, strings.ToLower(code))
	w.says("the invitation", got, http.StatusOK, "Add the app", `href="otpauth://totp/Acme%20PSA:ann@example.com?`)
	w.secret = strings.ReplaceAll(secrets.FindStringSubmatch(got.body)[1], " ", "")
	w.says("a wrong code", b.submit(got, doConfirm, w.wrong()), http.StatusForbidden, `href="otpauth://totp/Acme%20PSA:ann@example.com?`)
	w.says("the app's code", b.submit(got, doConfirm, w.code()), http.StatusOK, "The app counts from now on")
	w.through("after that", b.open("/deep"), "/deep")
	w.later(time.Minute)
	again := b.begin(b.open("/psagate/totp"))
	w.says("another app needs none", b.submit(again, doConfirm, w.code()), http.StatusOK, "The app counts from now on")
}

func TestAnInvitationIsNoSignIn(t *testing.T) {
	w := invited(t)
	b := w.browser()
	page := b.open("/x")
	code := w.invite()
	w.later(enrolWithin)
	got := b.submit(page, doBegin, code)
	if got.StatusCode == http.StatusOK && secrets.MatchString(got.body) {
		t.Error("a session of before enrols with an invitation alone")
	}
	w.later(time.Hour)
	late := w.browser()
	w.says("an hour later", late.submit(late.open("/x"), doBegin, code), http.StatusForbidden, "The invitation is not right")
}

func TestAResetLeadsBackToAnInvitation(t *testing.T) {
	w := invited(t)
	b := w.browser()
	code := w.invite()
	got := b.submit(b.open("/x"), doBegin, code)
	w.secret = strings.ReplaceAll(secrets.FindStringSubmatch(got.body)[1], " ", "")
	b.submit(got, doConfirm, w.code())
	if was, err := w.engine.Reset(t.Context(), totp.Person{Issuer: w.liar.URL, Subject: "ann"}); err != nil || !was {
		t.Fatal(was, err)
	}
	page := b.open("/psagate/totp")
	w.says("the page", page, http.StatusOK, "ask an administrator of this site")
	w.says("the invitation of before", b.submit(page, doBegin, code), http.StatusForbidden, "The invitation is not right")
	w.says("a new one", b.submit(page, doBegin, w.invite()), http.StatusOK, "Add the app")
}
