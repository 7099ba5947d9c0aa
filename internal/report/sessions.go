package report

import "time"

// Sessions is the answer of GET /psa/sessions, and of POST /psa/sessions/end. What a browser holds of a session is in none of them.
type Sessions struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Sessions are the sessions of people that are not over, the newest first; in the answer of end, those that it ended.
	Sessions []PersonSession `json:"sessions"`
}

// PersonSession is one sign-in of one person in one browser.
type PersonSession struct {
	// ID names the session, and opens nothing.
	ID string `json:"id"`
	// Issuer is the issuer's name in the config, when the person signed in.
	Issuer string `json:"issuer"`
	// Subject is the issuer's name for the person.
	Subject string `json:"subject"`
	// Since is when the person signed in.
	Since time.Time `json:"since"`
	// Seen is when the session was last used, to a minute.
	Seen time.Time `json:"seen"`
	// Ends is when it is over whatever is done.
	Ends time.Time `json:"ends"`
	// Address is where it was last used from.
	Address string `json:"address,omitempty"`
	// Agent is what the browser called itself at the sign-in, shortened.
	Agent string `json:"agent,omitempty"`
}

// Sessions writes who is signed in.
func (p Printer) Sessions(s Sessions) {
	for _, one := range s.Sessions {
		p.line("session %s: %s of %s", one.ID, one.Subject, one.Issuer)
		p.field("signed in", "%s, %s ago", p.clock(one.Since, s.Time), age(s.Time.Sub(one.Since)))
		p.field("last used", "%s ago, from %s", age(s.Time.Sub(one.Seen)), or(one.Address, "nobody knows where"))
		p.field("ends", "%s", p.clock(one.Ends, s.Time))
		if one.Agent != "" {
			p.field("browser", "%s", one.Agent)
		}
	}
	if len(s.Sessions) == 0 {
		p.line("nobody is signed in")
	}
}

// SessionsEnded writes which sessions were ended.
func (p Printer) SessionsEnded(s Sessions) {
	for _, one := range s.Sessions {
		p.line("session %s of %s of %s is ended, at all replicas", one.ID, one.Subject, one.Issuer)
	}
	if len(s.Sessions) == 0 {
		p.line("there was no such session")
	}
}
