package e2e

import (
	"strings"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func (s *people) backButton(p *tab) {
	s.begun(p)
	p.clickOn("Sign out")
	p.at("/psagate/logout", "You are signed in")
	p.clickOn("Sign out here")
	p.at("/psagate/signed-out", "You are signed out")
	_ = must[bool](p, `(history.back(), true)`)
	p.at("/psagate/logout", "You are not signed in")
	_ = must[bool](p, `(history.back(), true)`)
	p.at("/psagate/signin", "With whom") // not the page, though nothing said that it must not be kept
}

func (s *people) cookies(p *tab) {
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	p.at(s.provider.URL, "Sign-in")
	s.kept(p, "__Host-psagate-flow-")
	s.signIn(p, "ann")
	p.at(deep, "The tickets of ann@example.com")
	s.hide("a session's token", s.kept(p, "__Host-psagate").Value)
	if seen := must[int](p, `document.cookie.length`); seen > 0 {
		p.Error("scripts see the cookies")
	}
}

// kept demands that the browser keeps one cookie of the site's, as it should be kept, whose name begins like this.
func (s *people) kept(p *tab, name string) *network.Cookie {
	p.Helper()
	got, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{s.base}})
	if err != nil || len(got.Cookies) != 1 {
		p.Fatalf("%d cookies, error %v; want one, %s", len(got.Cookies), err, name)
	}
	c := got.Cookies[0]
	if !strings.HasPrefix(c.Name, name) || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != peopleHost {
		p.Errorf("the browser keeps %s of %s%s, Secure %v, HttpOnly %v, SameSite %s; want %s", c.Name, c.Domain, c.Path, c.Secure, c.HTTPOnly, c.SameSite, name)
	}
	return c
}

func (s *people) programs(p *tab) {
	s.begun(p)
	p.refusesToLogIn()
	before := s.sim.Mark()
	const call = "/ATServicesRest/V1.0/Tickets/1"
	got := must[struct {
		Status int
		Text   string
	}](p, `fetch("`+call+`").then(async r => ({Status: r.status, Text: await r.text()}))`)
	if got.Status != 401 || strings.Contains(got.Text, "ticketNumber") {
		p.Errorf("the page's script is answered %+v", got)
	}
	if after := s.sim.Mark(); after != before {
		p.Errorf("the PSA saw %d sign-ins of a person's", after-before)
	}
}

// smuggled plays somebody who got to write into a page: the page's policy lets nothing of it run or load.
func (s *people) smuggled(p *tab) {
	p.open("/psagate/signin")
	p.at("/psagate/signin", "With whom")
	ran := must[bool](p, `(() => {
		const s = document.createElement("script");
		s.textContent = "window.ran = true";
		document.body.append(s);
		document.body.insertAdjacentHTML("beforeend", '<img src="/x.png"><p style="color: red" onclick="window.ran = true">smuggled</p>');
		document.querySelector("p[style]").click();
		return window.ran === true || getComputedStyle(document.querySelector("p[style]")).color === "rgb(255, 0, 0)";
	})()`)
	if ran {
		p.Error("what is smuggled in runs")
	}
	all := strings.Join(p.complaints(), "\n")
	for _, what := range []string{"script", "image", "style", "event handler"} { // so the complaints of other pages would be heard too
		if !strings.Contains(all, what) {
			p.Errorf("the browser does not complain of the %s: %s", what, all)
		}
	}
}

func (s *people) foreignForm(p *tab) {
	s.begun(p)
	p.open(s.provider.URL + "/.well-known/openid-configuration") // any page of another site
	_ = must[bool](p, `(() => {
		document.body.innerHTML = '<form method="post" action="`+s.base+`/psagate/logout"></form>';
		document.querySelector("form").submit();
		return true;
	})()`)
	p.at("/psagate/signed-out", "You are still signed in as ann@example.com.")
	p.open(deep)
	p.at(deep, "The tickets of ann@example.com")
}
