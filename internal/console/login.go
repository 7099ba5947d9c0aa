package console

import (
	"net/http"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// loginData is what the page of a login shows.
type loginData struct {
	Name, State string
	Facts       []report.Fact
	Problems    []string
	Advice      string
	Known       bool
	Acts        []link
	// Failed and Next are of the failures of the last day.
	Failed *failedLogin
}

// login tells all of one login.
func (c *Console) login(r *http.Request) (content, error) {
	name := r.URL.Query().Get("name")
	s, f := c.status.get(struct{}{}), c.failures.get(usual)
	data, danger := loginData{Name: name}, report.DangerNone
	for _, l := range s.Logins {
		if l.Name != name {
			continue
		}
		data.Acts = c.actsOn(policy.Target{Kind: policy.Login, Name: name}, policy.Check, policy.Release, policy.NewSecret, policy.ShowCode)
		danger, _ = report.Status{Logins: []report.LoginStatus{l}}.AboutToLock()
		data.Known, data.State, data.Facts, data.Problems, data.Advice = true, l.Headline(), printer.LoginFacts(l, s.now), l.Problems, l.Advice
	}
	for _, of := range f.Logins {
		if of.Names(name) && !of.Calm() {
			failed := loginOf(of, f)
			if failed.Next == data.Advice {
				failed.Next = "" // it is said above
			}
			data.Failed = &failed
		}
	}
	what, err := made("login.html", "Login "+name, data)
	what.Headline, what.Danger = data.State, danger
	if !data.Known {
		what.Status = http.StatusNotFound
	}
	return what, err
}

// actsOn are the ways to what may be done on something. They are there whoever looks: who may not do it is told so, and what would permit it.
func (c *Console) actsOn(on policy.Target, what ...policy.Action) (all []link) {
	if c.cfg.Deeds == nil {
		return nil
	}
	for _, w := range what {
		all = append(all, link{Text: c.acts[w].button, To: actAt(w, on)})
	}
	return all
}
