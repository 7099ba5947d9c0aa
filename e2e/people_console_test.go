package e2e

import (
	"net/http"
	"strings"

	"github.com/chromedp/chromedp/kb"
)

// consolePolicy is what people of the group desk may do by the console. Nobody may release a login.
const consolePolicy = `
permit (principal in PersonGroup::"partner/desk", action in [Action::"disable", Action::"enable"], resource is Integration);

permit (principal in PersonGroup::"partner/desk", action in [Action::"check", Action::"new_secret", Action::"show_code"], resource is Login);

permit (principal in PersonGroup::"partner/desk", action in [Action::"end_session", Action::"reset_factor"], resource is Person);

permit (principal in PersonGroup::"partner/desk", action in [Action::"read_mail", Action::"retry_mail", Action::"drop_mail"], resource is Mailbox);
`

// console has somebody look at all of the console, and do something: on a screen and on a phone, with scripts and without.
func (s *people) console(p *tab) {
	knows(s.partner, "Kim", "ops", "desk")
	p.open("/psagate/signin/start?issuer=partner&return=/console/")
	p.at("/console/", "Overview", "Nothing is about to be locked.", "main", "not used yet", "You are signed in as Kim.", "This page is live.")
	s.served("b")
	p.at("/console/", "serving", "version 1 serves", "b, ", "7 failures of 7 away") // by itself
	s.call("b", http.MethodDelete, "/Contacts/1", "")
	p.inspect("console overview")
	for _, page := range []struct{ name, title, text string }{
		{"Failures", "Failures", "Nothing failed in the last day."},
		{"Integrations", "Integrations", "2 integrations may call."},
		{"Decisions", "Decisions", "b: 1 denied"},
		{"People", "People", "which is yours here"},
		{"Settings", "Settings", "lockout.threshold"},
	} {
		p.use(page.name)
		p.at("/console/", page.title, page.text)
		if page.name != "Failures" { // it is looked at when there are some
			p.inspect("console " + page.name)
		}
	}
	s.consoleDeeds(p)
	s.consoleMail(p)
	s.consoleCredential(p)
	p.open("/console/nothing")
	p.at("/console/nothing", "No such page")
}

// consoleDeeds has somebody switch a program off and on, who has no second factor yet.
func (s *people) consoleDeeds(p *tab) {
	p.open("/console/integrations")
	p.at("/console/integrations", "Switch off")
	p.use("Switch off")
	p.at("/psagate/totp", "Add a second factor")
	p.use("Add an app")
	p.at("/psagate/totp", "Or type this secret")
	app := s.newApp(strings.ReplaceAll(must[string](p, `document.querySelector(".secret").innerText`), " ", ""))
	p.types("#code", app.code(p, 0)+kb.Enter)
	p.at("/psagate/totp", "The app counts from now on")
	s.hide("a recovery code", must[string](p, `document.querySelector("li.secret").innerText`))
	p.use("I have kept them: go on")
	p.at("/console/act", "Switch a off", "Reason")
	p.types("#reason", `<b>it loops</b>`+kb.Enter)
	p.at("/console/done", "a is switched off", "integration a is disabled, at all replicas")
	p.inspect("console done")
	if got := s.call("a", http.MethodGet, "/Tickets/1", ""); got.reason() != "disabled" || !strings.Contains(got.body, "it loops") {
		p.Errorf("the program's call is answered %d %s %s", got.status, got.reason(), got.body)
	}

	p.screen(1)
	p.scripts(false)
	p.open("/console/integrations")
	p.at("/console/integrations", "1 integration may call, 1 is disabled.", "<b>it loops</b>")
	p.use("Switch on")
	p.at("/console/act", "Switch a on")
	p.use("Switch it on")
	p.at("/console/done", "a is switched on")
	s.served("a")
	p.use("Go on")
	p.at("/console/integrations", "2 integrations may call.")
	p.open("/console/login?name=main")
	p.at("/console/login", "Login main", "serving")
	p.use("Release")
	p.at("/console/act", "Not permitted", "You may not do this", `Action::"release"`)
	p.inspect("console not permitted")
	p.open("/console/login?name=main")
	p.use("Check")
	p.at("/console/act", "Check main")
	p.use("Check it")
	p.at("/console/done", "main works")
	p.scripts(true)
	p.screen(0)
}

// consoleCredential has somebody find out that the password was changed in the PSA, and write the new one: wrong first.
func (s *people) consoleCredential(p *tab) {
	p.open("/console/")
	p.at("/console/", "This page is live.", "serving")
	_ = must[bool](p, `(document.querySelector("#live a").focus(), true)`)
	s.user.SetSecret(newPassword)
	s.call("b", http.MethodGet, "/Tickets/1", "")
	p.at("/console/", "Calls of main are not served.", "REFUSED", "psagate secret put main") // by itself
	if at := must[string](p, `document.activeElement.innerText`); at != "main" {
		p.Errorf("the keyboard was at main, and is at %q", at)
	}
	p.use("Failures")
	p.at("/console/failures", " of 1 login failed in the last day", "refused")
	p.inspect("console failures that are there")
	p.use("main")
	p.at("/console/login", "What failed in the last day")
	p.inspect("console login with failures")
	p.use("New credential")
	p.at("/console/act", "New credential of main", "shown to the PSA once")
	p.types("#secret", newPassword)
	p.types("#again", newPassword+"x"+kb.Enter)
	p.at("/console/act", "Error: New credential of main", "The two passwords differ")
	p.inspect("console two that differ")
	p.types("#secret", newPassword)
	p.types("#again", newPassword+kb.Enter)
	p.at("/console/done", "The credential is written", "version 2 is written, and serves")
	s.served("b")
	p.use("Overview")
	p.at("/console/", "version 2 serves")
}
