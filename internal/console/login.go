package console

import (
	"net/http"

	"github.com/psagate/psagate/internal/report"
)

// loginData is what the page of a login shows.
type loginData struct {
	Name, State string
	Facts       []report.Fact
	Problems    []string
	Advice      string
	Known       bool
	// Failed and Next are of the failures of the last day.
	Failed *failedLogin
}

// login tells all of one login.
func (c *Console) login(r *http.Request) (content, error) {
	name := r.URL.Query().Get("name")
	s, f := c.status.get(struct{}{}), c.failures.get(usual)
	data := loginData{Name: name}
	for _, l := range s.Logins {
		if l.Name != name {
			continue
		}
		data.Known, data.State, data.Facts, data.Problems, data.Advice = true, l.Headline(), printer.LoginFacts(l, s.now), l.Problems, l.Advice
	}
	for _, of := range f.Logins {
		if of.Names(name) && !of.Calm() {
			failed := loginOf(of, f)
			data.Failed = &failed
		}
	}
	what, err := made("login.html", "Login "+name, data)
	if !data.Known {
		what.Status = http.StatusNotFound
	}
	return what, err
}
