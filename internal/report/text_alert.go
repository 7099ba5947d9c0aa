package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxTold is how many changes of one alert are told to people in full; the JSON has more.
const maxTold = 10

// Compose fills what the alert says to people; times of day are those of a place. Nil: the machine's.
func (a *Alert) Compose(location *time.Location) {
	a.Subject = "psagate: " + a.subject()
	var text strings.Builder
	p := Printer{Out: &text, Location: location}
	p.alert(a)
	a.Text = text.String()
}

// subject is the gravest change, whether it is over, and how many more logins something happened to.
func (a *Alert) subject() string {
	if a.Test {
		return "a test of alerts"
	}
	if len(a.Changes) == 0 {
		return "nothing happened"
	}
	gravest := slices.MinFunc(a.Changes, func(x, y AlertChange) int {
		return cmp.Compare(slices.Index(AlertStates, x.State), slices.Index(AlertStates, y.State))
	})
	text, last := gravest.headline(), map[string]AlertState{}
	for _, c := range a.Changes {
		last[c.Login] = c.State
	}
	if last[gravest.Login] == AlertRecovered && gravest.State != AlertRecovered {
		text += ", and serves again"
	}
	switch more := len(last) - 1; {
	case a.More > 0:
		text += fmt.Sprintf(", and more than %s", plural(more, "more login"))
	case more > 0:
		text += fmt.Sprintf(", and %s", plural(more, "more login"))
	}
	return text
}

// headline is a change in one line.
func (c *AlertChange) headline() string {
	if name := c.mailbox(); name != "" {
		return mailHeadline(c.State, name)
	}
	switch c.State {
	case AlertRefused:
		return fmt.Sprintf("login %s: the PSA refused %s", c.Login, c.credential())
	case AlertSpent:
		return fmt.Sprintf("login %s has spent its budget", c.Login)
	case AlertLocked:
		return fmt.Sprintf("login %s is locked", c.Login)
	case AlertGateShut:
		return fmt.Sprintf("login %s: the PSA does not answer", c.Login)
	case AlertNoStore:
		return fmt.Sprintf("login %s: the store of the guard cannot be used", c.Login)
	case AlertNoSecret:
		return fmt.Sprintf("login %s has no credential", c.Login)
	case AlertUnusable:
		return fmt.Sprintf("login %s: version %d of its record cannot be used", c.Login, c.Version)
	case AlertRecovered:
		return fmt.Sprintf("login %s serves again", c.Login)
	case AlertReleased:
		return fmt.Sprintf("login %s was released", c.Login)
	}
	return fmt.Sprintf("login %s: %s", c.Login, c.State)
}

// credential names what was refused. A candidate has no version: the store did not have it.
func (c *AlertChange) credential() string {
	if PassesThrough(c.Login) {
		return "the secret that its callers bring"
	}
	if c.Version == 0 {
		return "a new password"
	}
	return fmt.Sprintf("version %d", c.Version)
}

func (p Printer) alert(a *Alert) {
	if a.Test {
		p.line("This is a test: nothing happened. Alerts of psagate on %s arrive here.", or(a.Host, "an unnamed machine"))
		return
	}
	for i := range firstOf(a.Changes, maxTold) {
		if i > 0 {
			p.line("")
		}
		p.change(&a.Changes[i])
	}
	for _, c := range a.Changes[min(len(a.Changes), maxTold):] {
		p.line("%s", c.headline())
	}
	if a.More > 0 {
		p.line("… and %s", plural(a.More, "more change"))
	}
	p.line("")
	p.line("psagate on %s", or(a.Host, "an unnamed machine"))
}

// change writes one change, and what is known of it.
func (p Printer) change(c *AlertChange) {
	p.line("%s", c.headline())
	p.field("at", "%s", p.moment(c.At))
	for _, more := range [...]struct{ label, text string }{{"after", c.after()}, {"why", c.why()}, {"by", c.culprit()}, {"the PSA", c.said()}} {
		if more.text != "" {
			p.wrapped(more.label, more.text)
		}
	}
	if c.HeldBack > 0 {
		p.field("held back", "%d more times since it was last told", c.HeldBack)
	}
	if c.Failures != nil && c.State != AlertReleased {
		p.explained(c)
	}
	p.wrapped("next:", c.Next)
}

// explained writes what the failures of the login tell.
func (p Printer) explained(c *AlertChange) {
	l := c.Failures
	for i, by := range l.By {
		label := ""
		if i == 0 {
			label = "failed"
		}
		p.wrapped(label, p.failedBy(by, c.At))
	}
	p.field("counted", "%s", p.counted(*l, c.At))
	if l.Outside != "" {
		p.wrapped("outside", l.Outside)
	}
	for _, use := range l.Uses {
		p.use(*l, use, c.At)
	}
}

// after is what the login has recovered from.
func (c *AlertChange) after() string {
	words := make([]string, len(c.After))
	for i, state := range c.After {
		words[i] = string(state)
	}
	return strings.Join(words, ", ")
}

// why says what is wrong with the store's record.
func (c *AlertChange) why() string {
	if c.Problem == "" {
		return ""
	}
	return fmt.Sprintf("what store %s has of it is %s", c.Store, c.Problem)
}

// culprit names whose attempt it was.
func (c *AlertChange) culprit() string {
	a := c.Attempt
	switch {
	case a == nil && c.State != AlertRecovered && c.Integration != "":
		return c.Integration
	case a == nil:
		return ""
	case a.Integration == "":
		return fmt.Sprintf("psagate itself (%s)", a.Own)
	}
	text := fmt.Sprintf("%s: %s", a.Integration, a.operation())
	if a.Key != "" {
		text += "; key " + a.Key
	}
	if a.Client != "" {
		text += " from " + a.Client
	}
	if a.Fingerprint != "" {
		return text + "; its own secret " + a.Fingerprint
	}
	return text + fmt.Sprintf("; version %d", a.Version)
}

// said is what the PSA said.
func (c *AlertChange) said() string {
	if c.Attempt == nil {
		return ""
	}
	return c.Attempt.words()
}

// moment shows a time with its date and zone: an alert is read later, and elsewhere.
func (p Printer) moment(at time.Time) string {
	location := p.Location
	if location == nil {
		location = time.Local
	}
	return at.In(location).Format(time.DateTime + " MST")
}

// AlertsTest writes what came of test alerts for people.
func (p Printer) AlertsTest(t AlertsTest) {
	for _, target := range t.Targets {
		p.line("%s %s to %s: %s", mark(target.OK), target.Kind, target.To, target.Detail)
	}
	if len(t.Targets) == 0 {
		_, _ = io.WriteString(p.Out, "the running config has no alerts: nobody was told\n")
	}
}
