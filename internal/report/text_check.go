package report

import (
	"fmt"
	"strings"
)

// Checks writes the result of checks for people. What is true of several logins is said once, after them.
func (p Printer) Checks(c Checks) {
	p.warnings(c.Config)
	order, holders := loginWarnings(c.Logins)
	for _, login := range c.Logins {
		p.line("login %s: %s", login.Login, verdict(login.OK))
		for _, step := range login.Steps {
			p.line("  %s %-8s %s", mark(step.OK), step.Name, step.Detail)
		}
		for _, warning := range login.Warnings {
			if len(holders[warning]) == 1 {
				p.line("  ! %s", warning)
			}
		}
	}
	for _, warning := range order {
		if len(holders[warning]) > 1 {
			p.line("! %s: %s", places(holders[warning]), warning)
		}
	}
	if len(c.Logins) == 0 {
		p.line("no logins in the config: nothing to check")
	}
}

// loginWarnings returns the warnings of the logins, each once, and which logins each is true of.
func loginWarnings(logins []CheckResult) (order []string, holders map[string][]string) {
	holders = map[string][]string{}
	for _, login := range logins {
		for _, warning := range login.Warnings {
			if holders[warning] == nil {
				order = append(order, warning)
			}
			holders[warning] = append(holders[warning], "login "+login.Login)
		}
	}
	return order, holders
}

// warnings writes what is unwise in the config.
func (p Printer) warnings(all []Warning) {
	if len(all) == 0 {
		p.line("config: no warnings")
		return
	}
	p.line("config: %s", plural(len(all), "warning"))
	for _, w := range all {
		p.line("  ! %s: %s", places(w.Where), w.What)
		p.line("    → %s", w.Do)
	}
}

// maxPlaces is how many places of one warning are named; the JSON has all.
const maxPlaces = 5

// places names where a warning is true: `integrations itglue, rmm and 12 more`.
func places(where []string) string {
	noun, _, _ := strings.Cut(where[0], " ")
	names := make([]string, 0, len(where))
	for _, place := range where {
		name, same := strings.CutPrefix(place, noun+" ")
		if !same {
			return several(where)
		}
		names = append(names, name)
	}
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + several(names)
}

// several joins names, and counts those that are too many.
func several(names []string) string {
	if more := len(names) - maxPlaces; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxPlaces], ", "), more)
	}
	return strings.Join(names, ", ")
}

func verdict(ok bool) string {
	if ok {
		return "works"
	}
	return "DOES NOT WORK"
}

func mark(ok bool) string {
	if ok {
		return "✓"
	}
	return "✗"
}
