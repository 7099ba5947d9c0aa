package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/policy"
)

// integrationLine is one integration.
type integrationLine struct {
	Name, Owner, Login, State, Reason, LastSeen, Denied string
	Proves, Limits                                      []string
	Off                                                 bool // it is switched off, and not by the config
	Disabled                                            bool
	Acts                                                []link
}

// integrations tells who may call, and when who last did.
func (c *Console) integrations(*http.Request) (content, error) {
	s, f, denied := c.status.get(struct{}{}), c.failures.get(longUse), c.cfg.Source.Denials()
	var lines []integrationLine
	on := 0
	for _, i := range c.cfg.Source.Integrations() {
		line := integrationLine{
			Name: i.Name, Owner: i.Owner, Login: i.Login, Proves: i.Proves, Limits: i.Limits, State: "on", LastSeen: "not within a week, as far as is known",
		}
		if i.Disabled {
			line.State, line.Reason, line.Disabled = "disabled by the config", i.Reason, true
		}
		for _, off := range s.Disabled {
			if off.Integration == i.Name {
				line.State, line.Reason, line.Off, line.Disabled = "switched off "+report.Age(s.now.Sub(off.Since))+" ago", off.Reason, true, true
			}
		}
		if f.err != nil || f.Unread {
			line.LastSeen = "not known"
		}
		if _, version, at, ok := f.UseOf(i.Name); ok {
			line.LastSeen = report.Age(s.now.Sub(at)) + " ago, with " + version.Called()
		}
		if n := denied.Total[i.Name]; n > 0 {
			line.Denied = counted(n, "call")
		}
		what := policy.Disable
		if line.Off {
			what = policy.Enable
		}
		line.Acts = c.actsOn(policy.Target{Kind: policy.Integration, Name: i.Name}, what)
		if !line.Disabled {
			on++
		}
		lines = append(lines, line)
	}
	what, err := made("integrations.html", "Integrations", lines)
	what.Danger = report.DangerNone
	what.Headline = counted(on, "integration") + " may call."
	if off := len(lines) - on; off > 0 {
		what.Danger, what.Headline = report.DangerCounted, counted(on, "integration")+" may call, "+areOrIs(off)+" disabled."
	}
	return what, err
}

// longUse is how far back it is told when an integration was last served.
const longUse = 7 * usual

// denialLine is one kind of denial.
type denialLine struct{ Last, Who, What, Decision, Said, Count string }

// decisionsData is what the page of decisions shows.
type decisionsData struct {
	Since, Policy string
	Lines         []denialLine
	Totals        []totalLine
}

type totalLine struct {
	Name  string
	Count int
}

// decisions tells what was denied.
func (c *Console) decisions(*http.Request) (content, error) {
	s, d := c.status.get(struct{}{}), c.cfg.Source.Denials()
	data := decisionsData{Since: printer.Clock(d.Since, s.now), Policy: printer.PolicySource(s.Policy, s.now)}
	n := 0
	for name, count := range d.Total {
		data.Totals = append(data.Totals, totalLine{name, count})
		n += count
	}
	slices.SortFunc(data.Totals, func(a, b totalLine) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	for _, k := range d.Kinds {
		line := denialLine{
			Last: printer.Clock(k.Last, s.now), Who: k.Integration, What: k.Action + " " + k.Entity, Decision: cmp.Or(k.Decision, k.Why), Said: cmp.Or(k.Said, k.Why), Count: counted(k.Count, "time"),
		}
		if k.Count > 1 {
			line.Count += " since " + printer.Clock(k.First, s.now)
		}
		data.Lines = append(data.Lines, line)
	}
	what, err := made("decisions.html", "Decisions", data)
	what.Danger, what.Headline = report.DangerNone, "This process has denied no call since "+data.Since+"."
	if n > 0 {
		what.Danger, what.Headline = report.DangerCounted, "This process has denied "+counted(n, "call")+" of "+counted(len(d.Total), "integration")+" since "+data.Since+"."
	}
	return what, err
}

// personLine is a person, with the sessions.
type personLine struct {
	Label, Issuer, Subject string
	Factor                 string
	Enrolled               bool
	Sessions               []sessionLine
	Acts                   []link

	signedIn []session.Session
}

// peopleData is what the page of people shows: maxPeople of them, so that a live page of a large company stays cheap.
type peopleData struct {
	People     []*personLine
	Back, More string // where those before and after these are; empty: there are none
	Span       string
}

const maxPeople = 100

type sessionLine struct {
	ID    string
	Facts []report.Fact
	Yours bool
	End   string // where it is ended
}

// crowd is who is signed in, and who has a second factor, or why that is not known.
type crowd struct {
	sessions []session.Session
	factors  []report.TOTPPerson
	err      error
}

// crowdWithin is how long both may take to be read, for all who wait.
const crowdWithin = 15 * time.Second

func (c *Console) lookAtCrowd(struct{}) (of crowd) {
	ctx, cancel := context.WithTimeout(context.Background(), crowdWithin) // of no request: others wait for it too
	defer cancel()
	if of.sessions, of.err = c.cfg.Source.Sessions(ctx); of.err != nil {
		return of
	}
	factors, err := c.cfg.Source.Factors(ctx)
	of.factors, of.err = factors.People, err
	return of
}

// people tells who is signed in, and who has a second factor.
func (c *Console) people(r *http.Request) (content, error) {
	there := c.crowd.get(struct{}{})
	if there.err != nil {
		return content{}, there.err
	}
	now := c.cfg.Now().Truncate(step)
	mine := ""
	if v, ok := signin.VisitOf(r.Context()); ok {
		mine = v.Session.ID
	}
	var all []*personLine
	known := map[Person]*personLine{}
	of := func(who Person) *personLine {
		p := known[who]
		if p == nil {
			p = &personLine{Label: who.Subject, Issuer: who.Issuer, Subject: who.Subject, Factor: "none"}
			known[who], all = p, append(all, p)
		}
		return p
	}
	for _, s := range there.sessions {
		p := of(Person{s.Person.Issuer, s.Person.Subject})
		if len(p.signedIn) == 0 {
			p.Label = s.Person.Label() // what the newest says
		}
		p.signedIn = append(p.signedIn, s)
	}
	in := len(all)
	for _, f := range there.factors {
		p := of(Person{f.Issuer, f.Subject})
		p.Factor, p.Enrolled = printer.SecondFactor(f, now), f.Enrolled || f.BegunUntil != nil
	}
	data := pageOfPeople(all, r.URL.Query().Get("from"))
	for _, p := range data.People {
		for _, s := range p.signedIn {
			p.Sessions = append(p.Sessions, sessionLine{s.ID, printer.SessionFacts(reportedSession(s), now), s.ID == mine, ""})
		}
		c.actsOnPerson(p)
	}
	what, err := made("people.html", "People", data)
	what.Danger, what.Headline = report.DangerNone, "Signed in: "+counted(in, "account")+", in "+counted(len(there.sessions), "browser")+"."
	return what, err
}

// pageOfPeople are those from a number on, in whose place there is the beginning where it is none.
func pageOfPeople(all []*personLine, from string) (d peopleData) {
	first, err := strconv.Atoi(from)
	if err != nil || first < 0 || first >= len(all) {
		first = 0
	}
	last := min(first+maxPeople, len(all))
	d.People = all[first:last]
	if first > 0 {
		d.Back = peopleFrom(max(0, first-maxPeople))
	}
	if last < len(all) {
		d.More = peopleFrom(last)
	}
	if len(d.People) < len(all) {
		d.Span = strconv.Itoa(first+1) + " to " + strconv.Itoa(last) + " of " + strconv.Itoa(len(all))
	}
	return d
}

func peopleFrom(n int) string { return pagePeople + "?from=" + strconv.Itoa(n) }

func areOrIs(n int) string {
	if n == 1 {
		return "1 is"
	}
	return strconv.Itoa(n) + " are"
}

func reportedSession(s session.Session) report.PersonSession {
	return report.PersonSession{ID: s.ID, Issuer: s.Person.Issuer, Subject: s.Person.Subject, Since: s.Created, Seen: s.Seen, Ends: s.Ends, Address: s.Address, Agent: s.Agent}
}

// settings shows what is in force.
func (c *Console) settings(*http.Request) (content, error) {
	return made("settings.html", "Settings", c.cfg.Source.Settings())
}

// actsOnPerson puts the ways to what may be done about a person.
func (c *Console) actsOnPerson(p *personLine) {
	if c.cfg.Deeds == nil {
		return
	}
	on := policy.Target{Kind: policy.Person, Issuer: p.Issuer, Name: p.Subject}
	for i := range p.Sessions {
		p.Sessions[i].End = actAt(policy.EndSession, on, "session", p.Sessions[i].ID)
	}
	if len(p.Sessions) > 0 {
		p.Acts = append(p.Acts, link{Text: "End all sessions of " + p.Subject, To: actAt(policy.EndSession, on)})
	}
	if p.Enrolled {
		p.Acts = append(p.Acts, link{Text: "Take the second factor of " + p.Subject + " away", To: actAt(policy.ResetFactor, on)})
	}
}
