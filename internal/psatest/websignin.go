package psatest

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// The paths that are known.
const (
	signInPath  = "/Mvc/Framework/Authentication.mvc/Authenticate"
	landingPath = "/Mvc/Framework/Navigation.mvc/Landing"
)

// Paths of the sign-in that are made up.
const (
	codePath    = "/Mvc/Framework/Authentication.mvc/VerifyCode"
	ssoPath     = "/Mvc/Framework/Authentication.mvc/SsoCallback"
	signOutPath = "/Mvc/Framework/Authentication.mvc/SignOut"
	addInPath   = "/Mvc/Framework/Authentication.mvc/AddIn"
)

// WebTexts are what the sign-in's pages say of a failure. Only InvalidCode is the PSA's own word, from its help pages.
type WebTexts struct{ Failed, Locked, InvalidCode string }

// texts fills in what nobody set.
func (b Behaviour) texts() WebTexts {
	t := b.WebTexts
	for text, otherwise := range map[*string]string{
		&t.Failed:      "The user name or password is not valid.",
		&t.Locked:      "Your user account has been locked. See your Autotask administrator.",
		&t.InvalidCode: "The OTP token is invalid.",
	} {
		if *text == "" {
			*text = otherwise
		}
	}
	return t
}

// pending is a sign-in between two of its steps, bound to the host whose pages it began on.
type pending struct{ user, password, back string }

// antiforgery is the name of the cookie and of the field that must agree.
const antiforgery = "__RequestVerificationToken"

// form is what the sign-in's pages are made of.
type form struct {
	Zone, Action, Error, User, Back, Token, Kaseya, Pending string
	Step                                                    string // user, password, code
}

var signInPage = template.Must(template.New("sign-in").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>Autotask sign-in</title><link rel="stylesheet" href="{{.Zone}}/Content/site.css"></head><body>
{{with .Error}}<p id="error">{{.}}</p>{{end}}
<form method="post" action="{{.Action}}">
<input type="hidden" name="__RequestVerificationToken" value="{{.Token}}"><input type="hidden" name="ReturnUrl" value="{{.Back}}">
{{if eq .Step "user"}}<input id="UserName" name="UserName" autofocus><button id="continue">Continue</button>
{{else if eq .Step "password"}}<input type="hidden" name="UserName" value="{{.User}}"><input id="Password" type="password" name="Password" autofocus><button id="continue">Sign in</button>
{{else}}<input type="hidden" name="Pending" value="{{.Pending}}"><input id="Code" name="Code" autocomplete="one-time-code" autofocus><button id="continue">Verify</button>{{end}}
</form>
{{with .Kaseya}}<a id="kaseya" href="{{.}}">Log in with KaseyaOne</a>{{end}}
</body></html>
`))

// ask shows a step of the sign-in.
func (v *visit) ask(f form) {
	f.Zone, f.Token = v.URL(), rand.Text()
	if f.Action == "" {
		f.Action = f.Zone + signInPath
	}
	v.sim.mu.Lock()
	f.Kaseya = v.kaseya
	v.sim.mu.Unlock()
	_, secure := v.cookieHost()
	http.SetCookie(v.w, &http.Cookie{Name: antiforgery, Value: f.Token, Path: "/Mvc", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
	v.html(signInPage, f)
}

// signInForm is the first step, or the second for those whom the universal host sent here.
func signInForm(v *visit) {
	q := foldKeys(v.r.URL.Query())
	f := form{Step: "user", Back: q.Get("returnurl"), User: q.Get("username")}
	if f.User != "" {
		f.Step = "password"
	}
	v.ask(f)
}

// fromItself says whether a form came from the host's own page: its token is its cookie's, and the browser names no other origin. The
// real one's way to tell is not known.
func (v *visit) fromItself() bool {
	origin := v.r.Header.Get("Origin")
	if origin != "" && !strings.EqualFold(origin, v.URL()) {
		return false
	}
	c, err := v.r.Cookie(antiforgery)
	return err == nil && c.Value != "" && c.Value == v.r.PostFormValue(antiforgery)
}

// signInStep takes what a form of the sign-in said.
func signInStep(v *visit) {
	if !v.fromItself() {
		http.Error(v.w, "A required anti-forgery token was not supplied or was invalid.", http.StatusBadRequest)
		return
	}
	p := pending{user: v.r.PostFormValue("UserName"), password: v.r.PostFormValue("Password"), back: v.r.PostFormValue("ReturnUrl")}
	if !v.r.PostForm.Has("Password") {
		v.named(p)
		return
	}
	u, needsCode := v.sim.passwordRight(v.Web, p)
	if u && needsCode {
		v.ask(form{Step: "code", Action: v.URL() + codePath, Pending: v.keep(p), Back: p.back})
		return
	}
	v.judged(v.judgeWeb(try{user: p.user, password: p.password}), p)
}

// named is after the first step: on to the password, to the zone of the user, or to the provider.
func (v *visit) named(p pending) {
	v.sim.mu.Lock()
	u := v.sim.users[canonical(p.user)]
	var there *Web
	sso := false
	if u != nil {
		there, sso = u.tenant.zone.web, u.web != nil && u.web.SSO
	}
	provider := v.sso.URL
	led := v.zone == nil || v.sim.behave.WebRedirects
	v.sim.mu.Unlock()
	switch {
	case there != nil && there != v.Web && led:
		v.redirect(there.URL() + signInPath + "?" + url.Values{"UserName": {p.user}}.Encode())
	case sso && provider != "":
		v.redirect(provider + "?" + url.Values{"redirect_uri": {v.URL() + ssoPath}, "state": {v.keep(p)}, "response_type": {"code"}}.Encode())
	default:
		v.ask(form{Step: "password", User: p.user, Back: p.back})
	}
}

// passwordRight tells whether the second step was right, which is judged and counted only where no code follows.
func (s *Sim) passwordRight(w *Web, p pending) (right, needsCode bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[canonical(p.user)]
	if u == nil || u.locked || u.web == nil || u.tenant.zone != w.zone {
		return false, false
	}
	return u.present(p.password).Standing == SecretCurrent, u.web.Seed != ""
}

// keep has a sign-in wait for its next step.
func (v *visit) keep(p pending) string {
	v.sim.mu.Lock()
	defer v.sim.mu.Unlock()
	key := rand.Text()
	v.pending[key] = p
	return key
}

// take is the sign-in that waits under a key at this host, once.
func (v *visit) take(key string) (pending, bool) {
	v.sim.mu.Lock()
	defer v.sim.mu.Unlock()
	p, ok := v.pending[key]
	delete(v.pending, key)
	return p, ok
}

// codeStep is the third.
func codeStep(v *visit) {
	p, ok := v.take(v.r.PostFormValue("Pending"))
	if !ok || !v.fromItself() {
		v.ask(form{Step: "user", Error: v.sim.behaviour().texts().InvalidCode})
		return
	}
	v.judged(v.judgeWeb(try{user: p.user, password: p.password, code: v.r.PostFormValue("Code"), coded: true}), p)
}

// ssoBack is where the provider sends people back to.
func ssoBack(v *visit) {
	q := v.r.URL.Query()
	v.sim.mu.Lock()
	who := v.sso.Who
	v.sim.mu.Unlock()
	p, ok := v.take(q.Get("state"))
	if ok && who != nil {
		if user, known := who(q.Get("code")); known {
			v.judged(v.judgeWeb(try{user: user, sso: true}), pending{user: user, back: p.back})
			return
		}
	}
	v.ask(form{Step: "user", Error: v.sim.behaviour().texts().Failed})
}

// judged goes on after a judgement: to what was asked for first, or to the form once more.
func (v *visit) judged(e SignIn, p pending) {
	if e.OK() {
		v.begin(e.User, v.onPhone())
		v.redirect(v.back(p.back))
		return
	}
	texts := v.sim.behaviour().texts()
	f := form{Step: "password", User: p.user, Back: p.back, Error: texts.Failed}
	switch {
	case e.Cause == CauseLocked || e.Locked:
		f.Error = texts.Locked
	case e.Cause == CauseWrongOTP:
		f = form{Step: "code", Action: v.URL() + codePath, Pending: v.keep(p), Back: p.back, Error: texts.InvalidCode}
	}
	v.ask(f)
}

// back is a return address, if it is on this host: others are not followed.
func (v *visit) back(to string) string {
	if strings.HasPrefix(to, v.URL()+"/") {
		return to
	}
	return v.URL() + landingPath
}

// addIn is the Outlook extension's sign-in: all at once, and a code in it is for the zone's host alone. Its words are the PSA's.
func addIn(v *visit) {
	e := v.judgeWeb(try{user: v.r.PostFormValue("UserName"), password: v.r.PostFormValue("Password"), code: v.r.PostFormValue("Code"), coded: true})
	texts := v.sim.behaviour().texts()
	switch {
	case e.OK():
		v.begin(e.User, true)
		v.json(http.StatusOK, map[string]any{"success": true, "home": v.URL() + landingPath})
	case e.Cause == CauseWrongOTP:
		v.json(http.StatusOK, map[string]any{"success": false, "message": texts.InvalidCode})
	case e.Cause == CauseLocked || e.Locked:
		v.json(http.StatusOK, map[string]any{"success": false, "message": texts.Locked})
	default:
		v.json(http.StatusOK, map[string]any{"success": false, "message": texts.Failed})
	}
}

// signOut ends the session. It leads on by a Refresh, as older pages do.
func signOut(v *visit) {
	v.end()
	host, secure := v.cookieHost()
	http.SetCookie(v.w, &http.Cookie{Name: sessionCookie, Domain: host, Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure})
	v.w.Header().Set("Refresh", "0; url="+v.URL()+signInPath)
	v.html(plainPage, plain{Title: "Signed out", Zone: v.URL()})
}
