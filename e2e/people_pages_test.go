package e2e

import "strings"

func (s *people) pagesOfComing(p *tab) {
	p.open("/psagate/logout")
	p.at("/psagate/logout", "You are not signed in")
	p.inspect("who is not signed in signs out")
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.inspect("chooser")
	p.clickOn("corp")
	s.signIn(p, "ann")
	p.at(deep, "The tickets")
	p.open("/psagate/logout")
	p.at("/psagate/logout", "You are signed in")
	p.inspect("sign out")
	knows(s.partner, "Eve", "ops")
	q := p.another()
	q.open("/psagate/signin/start?issuer=partner&return=/tickets/1")
	q.at("/tickets/1", "The tickets of Eve")
	q.open(s.alone + "/7") // its cookies are the same: they go by the host, not by the port
	q.at(s.alone+"/7", "Sign in with another provider", "You are Eve at partner")
	q.inspect("signed in with another provider")
	q.clickOn("corp") // which knows ann
	q.at(s.alone+"/7", "For ann@example.com of corp alone")
	q.open(deep)
	q.at(deep, "The tickets of ann@example.com")
	q.open("/psagate/logout")
	q.clickOn("Sign out here")
	q.at("/psagate/signed-out", "You are signed out")
	q.inspect("signed out")
}

func (s *people) pagesOfTrouble(p *tab) {
	p.open("/psagate/callback/corp?code=stolen&state=unknown")
	p.at("/psagate/callback/corp", "This sign-in has lapsed")
	p.inspect("lapsed")
	p.open("/psagate/signin/start?issuer=nobody")
	p.at("/psagate/signin/start", "No such provider")
	p.inspect("no such provider")
	p.open(s.open + deep)
	p.at(s.open+deep, "HTTPS is needed")
	p.inspect("no https")
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	p.at(s.provider.URL, "Sign-in")
	p.clickOn("[ Cancel ]")
	p.at("/psagate/callback/corp", "Not signed in", "corp has not signed you in.", "access_denied")
	p.inspect("cancelled")
	p.use("Try again")
	s.signIn(p, "ann")
	p.at(deep, "The tickets of ann@example.com")
}

func (s *people) inNoGroup(p *tab) {
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	s.signIn(p, "bob")
	p.at("/psagate/callback/corp", "Not for this account", "You are Bob <b>Example</b> at corp", "the group ops")
	p.inspect("in no group")
	long := strings.Repeat("W", 100) + `<script>alert("x")</script>`
	knows(s.partner, long)
	p.open("/psagate/signin/start?issuer=partner")
	p.at("/psagate/callback/partner", "Not for this account", "You are "+long)
	p.inspect("in no group with a long name")
	p.open(deep) // no session has begun
	p.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	p.at("/psagate/callback/corp", "Not for this account")
	p.use("Sign out of corp, to come with another account")
	p.at(s.provider.URL, "Do you want to sign-out")
	p.click("button[value=yes]")
	p.at("/psagate/signed-out", "You are signed out")
	s.begun(p)
}

func (s *people) whileDown(p *tab) {
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.clickOn("late")
	p.at("/psagate/signin/start", "late does not answer", "Try again in a moment")
	p.inspect("provider down")
	knows(s.late, "Eve", "ops")
	p.until("a sign-in", func() bool { // it is asked again after a moment
		p.use("Try again")
		p.at(s.base)
		return !strings.Contains(p.describe(), "late does not answer")
	})
	p.at(deep, "The tickets of Eve")
}
