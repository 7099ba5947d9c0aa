package report

import "fmt"

// PolicyTest is what came of the cases of `policy test`.
type PolicyTest struct {
	// OK: there are cases, and all passed.
	OK bool `json:"ok"`
	// Policies is how many policies there are.
	Policies int `json:"policies"`
	// Cases is how many cases were asked.
	Cases int `json:"cases"`
	// Failed are those that did not pass.
	Failed []FailedCase `json:"failed,omitempty"`
	// Warnings are what may not mean what it says, each with file and line.
	Warnings []string `json:"warnings,omitempty"`
}

// FailedCase is a case that did not pass.
type FailedCase struct {
	// File is the file of the case.
	File string `json:"file"`
	// Line is where it begins.
	Line int `json:"line"`
	// Name is the case's.
	Name string `json:"name"`
	// Failure says why it failed.
	Failure string `json:"failure"`
}

// PolicyExplained is what the policies say to a request, and why.
type PolicyExplained struct {
	// Allowed: the request may pass.
	Allowed bool `json:"allowed"`
	// Outcome is what is to be done: allow, deny or step-up.
	Outcome string `json:"outcome"`
	// Why is the reason in a word: permitted, forbidden, not-permitted, policy-error, step-up or not-understood.
	Why string `json:"why"`
	// Text is the same in a sentence.
	Text string `json:"text"`
	// Permit is the line that would permit it; absent where it is allowed and where no line helps.
	Permit string `json:"permit,omitempty"`
	// Observe: what is denied passes all the same.
	Observe bool `json:"observe,omitempty"`
	// Warnings are names in the request that nothing has, so that the answer may mean little.
	Warnings []string `json:"warnings,omitempty"`
	// Policies are what each policy says, in the order of the files.
	Policies []PolicyFinding `json:"policies"`
}

// PolicyFinding is what one policy says to a request.
type PolicyFinding struct {
	// Policy is its id: its @id, or its place.
	Policy string `json:"policy"`
	// File is where it stands.
	File string `json:"file"`
	// Line is where it begins.
	Line int `json:"line"`
	// Effect is permit or forbid.
	Effect string `json:"effect"`
	// Applies: its head takes the request and every condition holds.
	Applies bool `json:"applies"`
	// Because says why it applies, does not, or could not be evaluated.
	Because string `json:"because"`
}

// PolicyReplay is what other policies would have done with calls of the past.
type PolicyReplay struct {
	// Calls is how many calls were decided again.
	Calls int `json:"calls"`
	// Same is how many of them would be answered as they were.
	Same int `json:"same"`
	// Skipped is how many lines are no such calls: of nobody, or refused before policy was asked.
	Skipped int `json:"skipped"`
	// Changes are the others, those with the most calls first.
	Changes []PolicyChange `json:"changes,omitempty"`
}

// PolicyChange is calls of one caller, action and entity that would be answered otherwise.
type PolicyChange struct {
	// Caller is who called, as policies name it.
	Caller string `json:"caller"`
	// Action is what was done.
	Action string `json:"action"`
	// Entity is what it was done to.
	Entity string `json:"entity"`
	// Was is what was done with them: allow or deny.
	Was string `json:"was"`
	// Now is what would be.
	Now string `json:"now"`
	// Count is how many calls there are.
	Count int `json:"count"`
	// Because is the decision on the first of them.
	Because string `json:"because"`
}

// PolicyTest writes what came of the cases.
func (p Printer) PolicyTest(t PolicyTest) {
	for _, w := range t.Warnings {
		p.line("? %s", w)
	}
	for _, f := range t.Failed {
		p.line("! %s:%d: %s: %s", f.File, f.Line, f.Name, f.Failure)
	}
	if t.OK {
		p.line("%s passed, with %d policies", plural(t.Cases, "case"), t.Policies)
		return
	}
	if t.Cases == 0 {
		p.line("nothing was tested: there are no cases; write some into a file that ends with .cases.json, and name it, or its folder")
		return
	}
	p.line("%d of %s failed", len(t.Failed), plural(t.Cases, "case"))
}

// PolicyExplained writes what the policies say to a request: those that apply first.
func (p Printer) PolicyExplained(e PolicyExplained) {
	for _, w := range e.Warnings {
		p.line("? %s", w)
	}
	p.line("%s: %s", e.Outcome, e.Text)
	if e.Observe && !e.Allowed {
		p.line("  (observe: it passes all the same)")
	}
	for _, applies := range []bool{true, false} {
		for _, f := range e.Policies {
			if f.Applies == applies {
				p.line("  %-6s %s: %s", f.Effect, f.place(), f.Because)
			}
		}
	}
}

// place is the policy's place, and its id where that is another.
func (f PolicyFinding) place() string {
	place := fmt.Sprintf("%s:%d", f.File, f.Line)
	if f.Policy == place {
		return place
	}
	return fmt.Sprintf("%s (%s)", place, f.Policy)
}

// PolicyReplay writes what would change.
func (p Printer) PolicyReplay(r PolicyReplay) {
	for _, c := range r.Changes {
		p.line("%6d  %s %s %s: %s, was %s: %s", c.Count, c.Caller, c.Action, c.Entity, c.Now, c.Was, c.Because)
	}
	if r.Calls == 0 {
		p.line("no call is in the log that policies could be asked about: nothing is known of what would change; %s left out", plural(r.Skipped, "other line"))
		return
	}
	p.line("%s: %d as they were, %d otherwise; %s left out", plural(r.Calls, "call"), r.Same, r.Calls-r.Same, plural(r.Skipped, "other line"))
	p.line("the log's chain was not checked: psagate audit verify does that")
}
