package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Outcome is what is to be done with a request.
type Outcome string

// The outcomes.
const (
	// Allow: the request may pass.
	Allow Outcome = "allow"
	// Deny: it may not.
	Deny Outcome = "deny"
	// StepUp: it may pass once the person has shown a second factor that is fresh enough.
	StepUp Outcome = "step-up"
)

// Why is the reason of an outcome in a word.
type Why string

// The reasons.
const (
	// Permitted: at least one permit applies, and no forbid.
	Permitted Why = "permitted"
	// Forbidden: a forbid applies. No permit helps against it.
	Forbidden Why = "forbidden"
	// NotPermitted: nothing applies.
	NotPermitted Why = "not-permitted"
	// Failed: a policy could not be evaluated, so what it says is not known.
	Failed Why = "policy-error"
	// FactorTooOld: the permits that apply want a fresher second factor.
	FactorTooOld Why = "step-up"
	// NotUnderstood: the request has no action, entity or principal that a policy could speak of.
	NotUnderstood Why = "not-understood"
)

// Reason is a policy that decided, and where it stands.
type Reason struct {
	// Policy is the policy's id: its @id, else its place.
	Policy string `json:"policy"`
	// File and Line say where it begins. The line starts at 1.
	File string `json:"file"`
	Line int    `json:"line"`
	// Text is its @reason; empty for none.
	Text string `json:"text,omitempty"`
	// Error is why it could not be evaluated; empty where it could.
	Error   string `json:"error,omitempty"`
	forbids bool   // it is a forbid
}

// String returns the policy's place, its id where that is another, and its text.
func (r Reason) String() string {
	s := fmt.Sprintf("%s:%d", r.File, r.Line)
	if r.Policy != s {
		s = fmt.Sprintf("%s (%s)", r.Policy, s)
	}
	switch {
	case r.Error != "":
		return s + ": " + r.Error
	case r.Text != "":
		return s + ": " + r.Text
	}
	return s
}

// Decision is what the policies say to a request. Its slices are shared with other decisions and are not to be changed.
type Decision struct {
	// Outcome says what is to be done.
	Outcome Outcome `json:"outcome"`
	// Why says why, in a word.
	Why Why `json:"why"`
	// Reasons are the policies that decided, in the order of the files: all forbids that apply, else all permits that
	// apply. Empty where nothing applies, or where Errors decided.
	Reasons []Reason `json:"reasons,omitempty"`
	// Errors are the policies that could not be evaluated. One is enough for a denial.
	Errors []Reason `json:"errors,omitempty"`
	// Forbids: a forbid applies, or could not be evaluated.
	Forbids bool `json:"-"`
	// MaxAge is how old a second factor may be at the most, where only permits that want one apply: the strictest of
	// them. 0 where none is wanted.
	MaxAge time.Duration `json:"-"`
	// Permit is the one line of Cedar that would permit a request that is not permitted. Empty where it is allowed, and
	// where no line helps: against a forbid, an error, an old factor, or for a request that is not understood.
	Permit string `json:"permit,omitempty"`
}

// MarshalJSON writes MaxAge as policies do, "15m0s".
func (d Decision) MarshalJSON() ([]byte, error) {
	type plain Decision
	j := struct {
		plain
		MaxAge string `json:"max_age,omitempty"`
	}{plain: plain(d)}
	if d.MaxAge > 0 {
		j.MaxAge = d.MaxAge.String()
	}
	return json.Marshal(j)
}

// Allowed says whether the request may pass.
func (d Decision) Allowed() bool { return d.Outcome == Allow }

// String returns the decision in a sentence, for logs and people.
func (d Decision) String() string {
	switch d.Why {
	case Permitted:
		return "allowed by " + list(d.Reasons)
	case Forbidden:
		return "forbidden by " + list(d.Reasons)
	case Failed:
		return "denied, since a policy could not be evaluated: " + list(d.Errors)
	case FactorTooOld:
		return fmt.Sprintf("a second factor not older than %s is wanted by %s", d.MaxAge, list(d.Reasons))
	case NotUnderstood:
		return "denied, since the request is not understood"
	}
	return "no policy permits it; this one would: " + d.Permit
}

func list(reasons []Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.String()
	}
	return strings.Join(texts, "; ")
}
