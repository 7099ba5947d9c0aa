package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// deep is an address that somebody was sent, below the site's.
const deep = "/tickets/7?view=all&name=a%20b"

// Everything that people see of a sign-in, in a browser, with a provider that others wrote.
func TestPeopleSignInWithABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, peopleHost)
	s := newPeople(t)
	s.serve()
	for name, test := range map[string]func(*people, *tab){
		"by mouse, with scripts":             func(s *people, p *tab) { p.screen(0); s.comeAndGo(p, (*tab).clickOn) },
		"on a phone, without scripts":        func(s *people, p *tab) { p.screen(1); p.scripts(false); s.comeAndGo(p, (*tab).clickOn) },
		"by the keyboard alone":              func(s *people, p *tab) { s.comeAndGo(p, (*tab).use) },
		"the pages of who comes and goes":    (*people).pagesOfComing,
		"the pages of what goes wrong":       (*people).pagesOfTrouble,
		"who is in no group":                 (*people).inNoGroup,
		"a provider that is down":            (*people).whileDown,
		"a second factor":                    (*people).secondFactor,
		"the console":                        (*people).console,
		"two tabs at once":                   (*people).twoTabs,
		"the back button":                    (*people).backButton,
		"what the browser is given":          (*people).cookies,
		"a program's paths":                  (*people).programs,
		"what is smuggled into a page":       (*people).smuggled,
		"another site's form signs out none": (*people).foreignForm,
	} {
		t.Run(name, func(t *testing.T) { test(s, b.person(t, s.base)) })
	}
}

// clickOn clicks on the control with a text.
func (p *tab) clickOn(text string) {
	p.Helper()
	all := must[[]control](p, controlsOf)
	n := slices.IndexFunc(all, func(c control) bool { return c.Text == text })
	if n < 0 {
		p.Fatalf("no control says %q, at %s", text, p.describe())
	}
	p.do("clicking on "+text, chromedp.Click(chromedp.JSPath(fmt.Sprintf("%s[%d]", pageControls, n)), chromedp.NodeVisible))
}

// signIn fills in the forms of the certified provider.
func (s *people) signIn(p *tab, who string) {
	p.Helper()
	p.at(s.provider.URL, "Sign-in")
	p.types("input[name=login]", who)
	p.types("input[name=password]", "any"+kb.Enter)
	p.at(s.provider.URL, "Authorize")
	p.click("button[type=submit]")
}

// begun is a tab of ann's who is signed in.
func (s *people) begun(p *tab) {
	p.Helper()
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	s.signIn(p, "ann")
	p.at(deep, "The tickets of ann@example.com")
}

// comeAndGo is the whole of a visit: who came for a page gets it, may leave and come back, and leave the provider too.
func (s *people) comeAndGo(p *tab, use func(p *tab, text string)) {
	p.open(deep)
	p.at("/psagate/signin", "Sign in", "With whom do you have your account?", "corp", "partner")
	use(p, "corp")
	s.signIn(p, "ann")
	p.at(deep, "The tickets of ann@example.com", deep)
	use(p, "Sign out")
	p.at("/psagate/logout", "You are signed in as ann@example.com.")
	use(p, "Sign out here")
	p.at("/psagate/signed-out", "You are signed out of this site.")
	use(p, "Sign in again")
	p.at("/psagate/signin", "With whom")
	use(p, "corp") // which knows ann still
	p.at("/", "The front page")
	p.open(deep)
	p.at(deep, "The tickets of ann@example.com")
	use(p, "Sign out")
	p.at("/psagate/logout", "You are signed in")
	use(p, "Sign out here and of corp")
	p.at(s.provider.URL, "Do you want to sign-out")
	p.click("button[value=yes]")
	p.at("/psagate/signed-out", "You are signed out of this site.")
	p.open(deep)
	p.at("/psagate/signin", "With whom")
	use(p, "corp") // which has forgotten ann
	p.at(s.provider.URL, "Sign-in")
	if all := p.complaints(); len(all) > 0 {
		p.Errorf("the browser complains: %q", all)
	}
}

func (s *people) twoTabs(p *tab) {
	q, other := p.another(), "/tickets/8"
	p.open(deep)
	q.open(other)
	p.at("/psagate/signin", "With whom")
	q.at("/psagate/signin", "With whom")
	p.clickOn("corp")
	p.at(s.provider.URL, "Sign-in")
	q.clickOn("corp")
	q.at(s.provider.URL, "Sign-in")
	s.signIn(p, "ann")
	p.at(deep, "The tickets of ann@example.com", deep)
	q.types("input[name=login]", "ann")
	q.types("input[name=password]", "any"+kb.Enter) // the consent is given
	q.at(other, "The tickets of ann@example.com", other)
	p.open(other)
	p.at(other, "The tickets of ann@example.com")
	q.open("/psagate/logout")
	q.clickOn("Sign out here")
	q.at("/psagate/signed-out")
	p.open(deep)
	p.at("/psagate/signin", "With whom")
}
