package e2e

import (
	"strings"
	"time"

	otp "github.com/pquerna/otp/totp"

	"github.com/chromedp/chromedp/kb"
)

// secret is a page that asks for a second factor too, signInForIt where somebody of the partner's is signed in and sent to it.
const (
	secret      = "/tickets/secret/7?view=all"
	signInForIt = "/psagate/signin/start?issuer=partner&return=/tickets/secret/7%3Fview%3Dall"
)

// secondFactor has somebody add an app, and prove it, and do without it.
func (s *people) secondFactor(p *tab) {
	knows(s.partner, "Tess", "ops")
	p.open(signInForIt)
	p.at("/psagate/totp", "Add a second factor", "You are signed in as Tess")
	p.inspect("second factor, none yet")
	p.use("Add an app")
	p.at("/psagate/totp", "Add the app", "Or type this secret")
	if !must[bool](p, `document.querySelector("img.qr").naturalWidth > 0`) {
		p.Error("the browser does not show the QR code")
	}
	app := s.newApp(strings.ReplaceAll(must[string](p, `document.querySelector(".secret").innerText`), " ", ""))
	p.press(app.wrong(p) + kb.Enter) // the keyboard is where the code goes
	p.at("/psagate/totp", "Add the app", "The code is not right")
	p.inspect("second factor, the app")
	p.types("#code", app.code(p, 0)+kb.Enter)
	p.at("/psagate/totp", "The app counts from now on")
	recovery := must[[]string](p, `[...document.querySelectorAll("li.secret")].map(e => e.innerText)`)
	s.hide("a recovery code", recovery[0])
	p.inspect("second factor, recovery codes")
	if tall := must[int](p, `new Set([...document.querySelectorAll("li.secret")].map(e => Math.round(e.getBoundingClientRect().height))).size`); tall != 1 {
		p.Error("some recovery code takes two lines, and reads like two")
	}
	p.use("I have kept them: go on")
	p.at(secret, "The tickets of Tess")

	p.screen(1)
	p.scripts(false)
	s.anew(p)
	p.at("/psagate/stepup", "Enter a code", "You are signed in as Tess")
	p.press(app.code(p, 30*time.Second) + kb.Enter) // good a step before its time
	p.at(secret, "The tickets of Tess")
	p.open("/psagate/totp")
	p.at("/psagate/totp", "Your second factor", "10 codes")
	p.inspect("second factor, there")

	s.anew(p)
	p.at("/psagate/stepup", "Enter a code")
	p.press(app.wrong(p) + kb.Enter)
	p.at("/psagate/stepup", "Enter a code", "The code is not right")
	p.inspect("second factor, a wrong code")
	p.use("Use a recovery code")
	p.at("/psagate/stepup", "Enter a recovery code")
	p.inspect("second factor, recovery")
	p.types("#code", recovery[0]+kb.Enter)
	p.at("/psagate/stepup", "The recovery code was right", "You have 9 recovery codes left")
	p.inspect("second factor, recovered")
	p.use("Go on")
	p.at(secret, "The tickets of Tess")
}

// anew has a person of the partner's sign out, and in again.
func (s *people) anew(p *tab) {
	p.Helper()
	p.open("/psagate/logout")
	p.clickOn("Sign out here")
	p.at("/psagate/signed-out", "You are signed out")
	p.open(signInForIt)
}

// app is an authenticator's, from the moment at which it read its seed.
type app struct {
	seed string
	at   time.Time
}

func (s *people) newApp(seed string) app {
	s.hide("an app's seed", seed)
	return app{seed, time.Now()}
}

// code is the one that it shows so long after that moment.
func (a app) code(p *tab, after time.Duration) string {
	p.Helper()
	code, err := otp.GenerateCode(a.seed, a.at.Add(after))
	if err != nil {
		p.Fatal("the page's secret is none")
	}
	return code
}

// wrong is one that it does not show for some minutes.
func (a app) wrong(p *tab) string {
	p.Helper()
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777", "888888", "999999", "123456", "654321"} {
		shows := false
		for after := -2 * time.Minute; after <= 2*time.Minute; after += 30 * time.Second {
			shows = shows || a.code(p, after) == code
		}
		if !shows {
			return code
		}
	}
	p.Fatal("the app shows all of them")
	return ""
}
