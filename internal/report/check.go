package report

// CheckResult is the answer of POST /psa/logins/<name>/check: what was tried for one login, in order.
type CheckResult struct {
	// Login is the login that was checked.
	Login string `json:"login"`
	// OK: every step that was taken succeeded.
	OK bool `json:"ok"`
	// Steps are what was tried. A step that fails ends the check.
	Steps []CheckStep `json:"steps"`
	// Warnings are what works and should still be changed.
	Warnings []string `json:"warnings,omitempty"`
}

// CheckStep is one step of a check.
type CheckStep struct {
	// Name is what was tried: secret, zone, sign-in.
	Name string `json:"name"`
	// OK: it succeeded.
	OK bool `json:"ok"`
	// Detail says what was found, and for a failure what to do.
	Detail string `json:"detail"`
}

// Checks is what the command `check --json` prints.
type Checks struct {
	// OK: every login's check succeeded.
	OK bool `json:"ok"`
	// Logins are the checks, by name.
	Logins []CheckResult `json:"logins"`
}
