package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// printer is what texts are made with. A page may be read anywhere, and says that its times are UTC.
var printer = report.Printer{Location: time.UTC}

// step is how exactly ages are told: so long a live page stays as it is while nothing happens.
const step = 10 * time.Second

// seen is a status, and the moment from which its ages are told.
type seen struct {
	report.Status
	now time.Time
}

func (c *Console) lookAtStatus(struct{}) seen {
	s := c.cfg.Source.Status()
	s.Advise()
	return seen{s, s.Time.Truncate(step)}
}

// failed are failures, or why they are not known.
type failed struct {
	report.Failures
	err error
	now time.Time
}

func (c *Console) lookAtFailures(back time.Duration) failed {
	f, err := c.cfg.Source.Failures(c.cfg.Now().Add(-back))
	return failed{f, err, f.Time.Truncate(step)}
}

// usual is how far back failures are shown where nobody asks for another time.
const usual = 24 * time.Hour

// loginLine is one login on the overview.
type loginLine struct {
	Name, To, State, Lockout, Credential, LastUse, Advice string
	Danger                                                report.Danger
}

// overviewData is what the overview shows.
type overviewData struct {
	Lines    []loginLine
	ToDo     []loginLine // those with advice
	Disabled []disabledLine
	Problems []string
	Pools    []poolLine
	Stores   []storeLine
	Issuers  []issuerLine
}

type disabledLine struct{ Name, Since, Reason, Note string }

type poolLine struct {
	Name, Serving string
	Problems      []string
}

type issuerLine struct {
	Name, URL, State, Problem string
	Facts                     []report.Fact
}

type storeLine struct {
	Name, Kind, Session string
	Records             int
	Problems            []string
}

// overview answers first whether anything is about to be locked, and has then a line for each login.
func (c *Console) overview(*http.Request) (content, error) {
	s, f := c.status.get(struct{}{}), c.failures.get(usual)
	var data overviewData
	for _, l := range s.Logins {
		line := lineOf(l, s.now, f)
		data.Lines = append(data.Lines, line)
		if line.Advice != "" {
			data.ToDo = append(data.ToDo, line)
		}
	}
	data.Problems = s.Problems
	if p := s.Policy.Problem; p != "" {
		data.Problems = append(slices.Clone(data.Problems), "The policies' files cannot be read anew, so what was read before holds on: "+p)
	}
	for _, d := range s.Disabled {
		line := disabledLine{Name: d.Integration, Since: report.Age(s.now.Sub(d.Since)) + " ago", Reason: d.Reason}
		if d.HereAlone {
			line.Note = "at this replica alone, until the store is back"
		}
		data.Disabled = append(data.Disabled, line)
	}
	for _, p := range s.Pools {
		data.Pools = append(data.Pools, poolLine{p.Name, p.Servings(), p.Problems})
	}
	for _, store := range s.Stores {
		data.Stores = append(data.Stores, storeOf(store, s.now))
	}
	for _, i := range s.Issuers {
		data.Issuers = append(data.Issuers, issuerLine{i.Name, i.URL, i.Headline(), i.Problem, printer.IssuerFacts(i, s.now)})
	}
	what, err := made("overview.html", "Overview", data)
	what.Danger, what.Headline = s.AboutToLock()
	return what, err
}

func lineOf(l report.LoginStatus, now time.Time, f failed) loginLine {
	line := loginLine{
		Name: l.Name, To: loginAt(l.Name), State: l.Headline(), Lockout: l.Lockout.String(), Credential: printer.Credentials(l, now), Advice: l.Advice,
		LastUse: "not known",
	}
	line.Danger, _ = report.Status{Logins: []report.LoginStatus{l}}.AboutToLock()
	if l.State == report.LoginNoStore {
		line.Lockout, line.Credential = "not known", "not known"
	}
	for _, of := range f.Logins {
		if !of.Names(l.Name) {
			continue
		}
		if last, version, ok := of.LastUse(); ok {
			line.LastUse = last.Integration + ", " + report.Age(now.Sub(last.LastAt)) + " ago, with " + version.Called()
		} else if f.err == nil && !f.Unread {
			line.LastUse = "nobody yet"
		}
	}
	return line
}

// loginAt is the address of a login's page.
func loginAt(name string) string { return pageLogin + "?" + url.Values{"name": {name}}.Encode() }

// storeOf is how a secret store stands.
func storeOf(s report.StoreStatus, now time.Time) storeLine {
	line := storeLine{Name: s.Name, Kind: s.Kind, Records: len(s.Records)}
	if s.Session != nil {
		line.Session = printer.StoreSession(*s.Session, now)
	}
	for _, r := range s.Records {
		if r.Stale || r.Error != "" {
			line.Problems = append(line.Problems, r.Path+": "+r.String())
		}
	}
	return line
}
