package report

import (
	"fmt"
	"strings"
)

// PoolStatus is how one pool stands.
type PoolStatus struct {
	// Name is the pool's name in the config.
	Name string `json:"name"`
	// Serving is how many of its logins serve calls now.
	Serving int `json:"serving"`
	// Logins are its logins, in the order of the config. How each stands is under its name in logins.
	Logins []PoolLogin `json:"logins"`
	// Problems are what should be mended: logins that do not carry the same data, or are one PSA user.
	Problems []string `json:"problems,omitempty"`
}

// PoolLogin is one login of a pool.
type PoolLogin struct {
	// Login is its name.
	Login string `json:"login"`
	// Serves: calls that come now are sent through it, or wait for nothing but a free unit.
	Serves bool `json:"serves"`
	// State is the login's.
	State LoginState `json:"state"`
}

// Serves reports whether calls that come now are sent, or wait for nothing but a unit that is in use: a credential is proven, the
// gate is open, and the units that are not given back by themselves leave one to serve with.
func (l LoginStatus) Serves() bool {
	if l.Observe {
		return l.State != LoginNoSecret && (l.Serving != nil || l.Newest != nil)
	}
	return l.State == LoginServing && l.Units.Lost+l.Units.Failed+l.Units.Unknown < l.Units.Budget-1
}

// Pool makes the status of a pool of that of its logins.
func (s *Status) Pool(name string, logins []string) PoolStatus {
	out := PoolStatus{Name: name, Logins: []PoolLogin{}}
	for _, login := range logins {
		for i := range s.Logins {
			if l := &s.Logins[i]; l.Name == login {
				out.add(l)
			}
		}
	}
	return out
}

func (p *PoolStatus) add(l *LoginStatus) {
	serves := l.Serves()
	if serves {
		p.Serving++
	}
	p.Logins = append(p.Logins, PoolLogin{Login: l.Name, Serves: serves, State: l.State})
}

func (p Printer) pool(s PoolStatus) {
	p.line("pool %s: %s", s.Name, s.Servings())
	width := 0
	for _, l := range s.Logins {
		width = max(width, len(l.Login))
	}
	for _, l := range s.Logins {
		word := "serves"
		if !l.Serves {
			word = "does NOT serve: " + stateSentence(l.State)
		}
		p.line("  %-*s  %s", width, l.Login, word)
	}
	for _, problem := range s.Problems {
		p.line("  ! %s", problem)
	}
}

func servesOf(all, serving int) string {
	text := plural(all, "login")
	if all == 1 || serving == 1 {
		return text + " serves"
	}
	return text + " serve"
}

// stateSentence says why a login does not serve, or that it lacks a unit to do so.
func stateSentence(state LoginState) string {
	if state == LoginServing {
		return "too many units are lost or failed"
	}
	return strings.ToLower(fmt.Sprint(headline(LoginStatus{State: state})))
}
