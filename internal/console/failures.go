package console

import (
	"net/http"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// backs are how far back failures may be shown, by what they are called in the address.
var backs = []struct {
	name, text string
	back       time.Duration
}{{"1h", "the last hour", time.Hour}, {"24h", "the last day", usual}, {"168h", "the last week", 7 * usual}}

// failuresData is what the page of failures shows.
type failuresData struct {
	Spans  []link
	Unread bool
	Since  string
	// KeptSince is from when on failures are known, where that is later.
	KeptSince string
	Logins    []failedLogin
	Calm      []string
	Callers   []callerLine
	// People are those whose sign-ins on the PSA's web pages failed.
	People     []misstepLine
	MorePeople int
	// Next is what to do about whom psagate did not let in last.
	Next string
	More int
}

type failedLogin struct {
	Name, To, State, Next string
	Facts                 []report.Fact
	Heads                 []string
	Attempts              []attemptLine
	More                  int // of the attempts that are not shown
	Forgotten             string
}

type attemptLine struct {
	Cells []cell
	Words string // where it went and what came back, where that is not as in the line before
}

type cell struct{ Head, Text string }

type callerLine struct {
	Last, Reason, Integration, Key, From string
	Calls                                int
}

type misstepLine struct{ At, Who, From, As, Sign string }

// failuresPage tells who failed, and what to do.
func (c *Console) failuresPage(r *http.Request) (content, error) {
	chosen := backs[1]
	for _, b := range backs {
		if r.URL.Query().Get("since") == b.name {
			chosen = b
		}
	}
	f := c.failures.get(chosen.back)
	if f.err != nil {
		return content{}, f.err
	}
	data := failuresData{Unread: f.Unread, Since: printer.Clock(f.Since, f.now)}
	for _, b := range backs {
		data.Spans = append(data.Spans, link{Text: b.text, To: pageFailures + "?since=" + b.name, Here: b == chosen})
	}
	if f.KeptSince.After(f.Since) {
		data.KeptSince = printer.Clock(f.KeptSince, f.now)
	}
	for _, l := range f.Logins {
		if l.Calm() {
			data.Calm = append(data.Calm, l.Login)
			continue
		}
		data.Logins = append(data.Logins, loginOf(l, f))
	}
	data.callers(f)
	data.people(f)
	what, err := made("failures.html", "Failures", data)
	what.Headline, what.Danger = failuresHeadline(f, chosen.text), report.DangerNone
	if f.Any() {
		what.Danger = report.DangerCounted
	}
	return what, err
}

func failuresHeadline(f failed, span string) string {
	switch {
	case f.Unread:
		return "What failed is not known: the store of the guard cannot be read. This is what this process remembers."
	case !f.Any():
		return "Nothing failed in " + span + "."
	}
	n, failing := 0, 0
	for _, l := range f.Logins {
		if n += len(l.Attempts); len(l.Attempts) > 0 {
			failing++
		}
	}
	if n == 0 {
		return "No sign-in is known to have failed in " + span + "; something else did."
	}
	return counted(n, "sign-in") + " of " + counted(failing, "login") + " failed in " + span + ", or may have."
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// loginOf is what failed of a login.
func loginOf(l report.LoginFailures, f failed) failedLogin {
	out := failedLogin{Name: l.Login, To: loginAt(l.Login), State: l.Headline(), Next: l.Next, Heads: report.AttemptHeads}
	report := f.Failures
	report.Time = f.now
	out.Facts = printer.FailureFacts(l, report)
	shown := l.Attempts
	if more := len(shown) - maxRows; more > 0 {
		out.More, shown = more, shown[more:]
	}
	if l.ForgottenBefore != nil {
		out.Forgotten = printer.Clock(*l.ForgottenBefore, f.now)
	}
	said := ""
	for _, a := range shown {
		line := attemptLine{}
		for i, text := range printer.AttemptCells(a, f.now) {
			line.Cells = append(line.Cells, cell{out.Heads[i], text})
		}
		if words := a.Words(); words != said {
			line.Words, said = words, words
		}
		out.Attempts = append(out.Attempts, line)
	}
	return out
}

const maxRows = report.MaxRows

func (d *failuresData) callers(f failed) {
	shown := f.Callers
	if more := len(shown) - maxRows; more > 0 {
		d.More, shown = more, shown[more:]
	}
	for _, of := range shown {
		d.Callers = append(d.Callers, callerLine{printer.Clock(of.LastAt, f.now), of.Reason, of.Integration, of.Key, of.Client, of.Count})
		d.Next = of.Advise()
	}
}

func (d *failuresData) people(f failed) {
	shown := f.People
	if more := len(shown) - maxRows; more > 0 {
		d.MorePeople, shown = more, shown[more:]
	}
	for _, of := range shown {
		d.People = append(d.People, misstepLine{printer.Clock(of.At, f.now), of.Who(), of.Client, of.As(), of.Sign})
	}
}
