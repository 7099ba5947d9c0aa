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
	// OK: every login's check succeeded. Warnings do not change it.
	OK bool `json:"ok"`
	// Config is what is unwise in the running config: first what is Caddy's, then sites, stores, logins, integrations.
	Config []Warning `json:"config"`
	// Logins are the checks, by name.
	Logins []CheckResult `json:"logins"`
}

// ConfigWarnings is the answer of GET /psa/warnings.
type ConfigWarnings struct {
	// Warnings are what is unwise in the running config: first what is Caddy's, then sites, stores, logins, integrations.
	Warnings []Warning `json:"warnings"`
}

// Warning is something in the config that is legal, that works, and that is unwise.
type Warning struct {
	// Kind is one short word for it, such as no-owner. It stays the same from version to version.
	Kind string `json:"kind"`
	// Where are the places that it is true of, such as `integration itglue`, `site psa.example.com` or `admin`.
	Where []string `json:"where"`
	// What says what is unwise, and why.
	What string `json:"what"`
	// Do says what to do about it.
	Do string `json:"do"`
}
