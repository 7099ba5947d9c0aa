package report

import (
	"strconv"
	"time"
)

// ByWebUI stands where an integration's name does, of sign-ins that people made on the PSA's web pages. No integration can be called so.
const ByWebUI = "a person, by the web UI"

// ByLockoutMail stands where an integration's name does, of what a mail of the PSA's says of a lock. No integration can be called so.
const ByLockoutMail = "the PSA, by mail"

// Whose user name was typed in a person's sign-in.
const (
	// UserLogin: a login's of the config.
	UserLogin = "login"
	// UserAnother: one that psagate does not use.
	UserAnother = "another"
	// UserUnknown: it could not be read.
	UserUnknown = "unknown"
)

// PersonFailure is a sign-in of a person's on the PSA's web pages, through `psa_web` with `proxy`, that was seen to fail. The user name
// that was typed is not in it.
type PersonFailure struct {
	// At is when it was seen.
	At time.Time `json:"at"`
	// Web is the login of the `psa_web` that it came through.
	Web string `json:"web"`
	// User is whose user name was typed: login for one of the config's, which the PSA counts with psagate's own failures, another for
	// one that psagate does not use, unknown where it could not be read.
	User string `json:"user"`
	// Login is the login whose user name it was; absent for another.
	Login string `json:"login,omitempty"`
	// Person is what the person is called who was signed in to psagate; absent where nobody was.
	Person string `json:"person,omitempty"`
	// Client is the address that it came from.
	Client string `json:"client,omitempty"`
	// Locked: the PSA said that the user is locked.
	Locked bool `json:"locked,omitempty"`
	// Sign is by what it was seen: one of the texts of `failed_sign` and `locked_sign`, or what else the answer was.
	Sign string `json:"sign"`
}

// people writes the sign-ins of people that failed.
func (p Printer) people(f Failures) {
	if len(f.People) == 0 {
		return
	}
	p.line("sign-ins of people that failed on the PSA's web pages")
	rows, shown := [][]string{{"time", "who", "from", "as", "seen by"}}, f.People
	if len(shown) > MaxRows {
		shown = shown[len(shown)-MaxRows:]
	}
	for _, one := range shown {
		rows = append(rows, []string{p.clock(one.At, f.Time), one.Who(), or(one.Client, "-"), one.As(), strconv.Quote(one.Sign)})
	}
	for i, line := range table(rows, []int{19, 30, 39, 24, 70}) {
		p.line("  %s", line)
		if more := len(f.People) - len(shown); i == 0 && more > 0 {
			p.line("  … %d more before these: see --json", more)
		}
	}
}

// Who is the person, or a person.
func (f PersonFailure) Who() string { return or(f.Person, "a person") }

// As says whose user name was typed, for people.
func (f PersonFailure) As() string {
	switch f.User {
	case UserLogin:
		return "login " + f.Login
	case UserAnother:
		return "a user of their own"
	}
	return "not known"
}
