package report

import (
	"fmt"
	"strings"
	"time"
)

// PolicyStatus is how the policies stand.
type PolicyStatus struct {
	// Source says where they come from: [PolicyDefault] or [PolicyFiles].
	Source string `json:"source"`
	// Files are the files and folders that the config names; absent where it names none.
	Files []string `json:"files,omitempty"`
	// Policies is how many are in force.
	Policies int `json:"policies"`
	// Since is when those in force were read; absent for the built-in ones.
	Since *time.Time `json:"since,omitempty"`
	// Observe: what they deny passes all the same, and is only told of.
	Observe bool `json:"observe,omitempty"`
	// Problem is why what the files say now is not in force, with file and line; empty where it is.
	Problem string `json:"problem,omitempty"`
}

// The sources of policies.
const (
	// PolicyDefault: there are no files, and integrations may read and query.
	PolicyDefault = "default"
	// PolicyFiles: they are in files.
	PolicyFiles = "files"
)

// policy writes how the policies stand.
func (p Printer) policy(s PolicyStatus, now time.Time) {
	p.line("policy: %s", p.policySource(s, now))
	if s.Problem != "" {
		p.line("  ! the files cannot be read anew, so what was read before holds on: %s", strings.ReplaceAll(s.Problem, "\n", "\n    "))
	}
}

// policySource says where the policies come from.
func (p Printer) policySource(s PolicyStatus, now time.Time) string {
	text := "built in: integrations may read and query, and nothing else"
	if s.Source == PolicyFiles {
		text = fmt.Sprintf("%d in %s", s.Policies, strings.Join(s.Files, ", "))
		if s.Since != nil {
			text += fmt.Sprintf(", read %s ago", age(now.Sub(*s.Since)))
		}
	}
	if s.Observe {
		text += " (observe: told, not enforced)"
	}
	return text
}
