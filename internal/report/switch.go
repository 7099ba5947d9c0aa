package report

import "time"

// SwitchedOff is an integration that an operator has switched off.
type SwitchedOff struct {
	// Integration is its name.
	Integration string `json:"integration"`
	// Reason is what its callers are told; absent for none.
	Reason string `json:"reason,omitempty"`
	// Since is when it was switched off.
	Since time.Time `json:"since"`
	// HereAlone: the store cannot be used, so other replicas do not know it yet; absent where it is not so.
	HereAlone bool `json:"here_alone,omitempty"`
}

// Switch is the answer of POST /psa/integrations/<name>/disable and enable.
type Switch struct {
	// Integration is whom it is about.
	Integration string `json:"integration"`
	// Disabled: its calls are answered 403 now; after enable too, where the config disables it.
	Disabled bool `json:"disabled"`
	// Changed: it was not so before.
	Changed bool `json:"changed"`
	// HereAlone: the store cannot be used, so it holds at this replica, and at the others once the store is back; absent where it is
	// not so.
	HereAlone bool `json:"here_alone,omitempty"`
}

// Switch writes what was done.
func (p Printer) Switch(s Switch, enable bool) {
	switch {
	case s.HereAlone:
		p.line("integration %s is disabled at this replica, from now on; the store cannot be used, and what that is says psagate status", s.Integration)
		p.line("the other replicas follow once the store is back; if this one ends before, say it again then")
	case !enable:
		p.line("integration %s is disabled, at all replicas within a second: its calls are answered 403 until psagate enable %s", s.Integration, s.Integration)
	case s.Disabled:
		p.line("integration %s: the config disables it, so it stays disabled", s.Integration)
	case s.Changed:
		p.line("integration %s is enabled, at all replicas within a second", s.Integration)
	default:
		p.line("integration %s was not disabled", s.Integration)
	}
}

// switchedOff writes who is switched off.
func (p Printer) switchedOff(all []SwitchedOff, now time.Time) {
	for _, s := range all {
		text := "integration " + s.Integration + ": DISABLED " + age(now.Sub(s.Since)) + " ago"
		if s.Reason != "" {
			text += ": " + s.Reason
		}
		if s.HereAlone {
			text += " (at this replica alone, until the store is back)"
		}
		p.line("%s", text)
		p.line("  → psagate enable %s", s.Integration)
	}
}
