package report

import "time"

// TOTPPeople is the answer of GET /psa/totp. It shows no seed and no code.
type TOTPPeople struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// People are those who have an app, have begun to enrol one, or are invited to, by issuer and subject.
	People []TOTPPerson `json:"people"`
}

// TOTPPerson is how one person's second factor stands.
type TOTPPerson struct {
	// Issuer is the provider's name in the config; its URL where the config has none of that URL any more.
	Issuer string `json:"issuer"`
	// Subject is the provider's name for the person.
	Subject string `json:"subject"`
	// Enrolled: there is an app that counts.
	Enrolled bool `json:"enrolled"`
	// Since is when it was confirmed; absent where there is none.
	Since *time.Time `json:"since,omitempty"`
	// LastUsed is when a code was last taken; absent where there is none.
	LastUsed *time.Time `json:"last_used,omitempty"`
	// RecoveryLeft is how many recovery codes are left.
	RecoveryLeft int `json:"recovery_left"`
	// BegunUntil is until when an enrolment that has begun can be confirmed; absent where none has.
	BegunUntil *time.Time `json:"begun_until,omitempty"`
	// InvitedUntil is until when an administrator's invitation to enrol can be used; absent where there is none.
	InvitedUntil *time.Time `json:"invited_until,omitempty"`
}

// TOTPInvited is the answer of POST /psa/totp/invite. It does not show the invitation's code.
type TOTPInvited struct {
	// Issuer is the provider's name in the config, or its URL, as in `totp list`.
	Issuer string `json:"issuer"`
	// Subject is the provider's name for the person.
	Subject string `json:"subject"`
	// Until is until when the invitation can be used.
	Until time.Time `json:"until"`
}

// TOTPReset is the answer of POST /psa/totp/reset.
type TOTPReset struct {
	// Issuer is the provider's name in the config, or its URL, as in `totp list`.
	Issuer string `json:"issuer"`
	// Subject is the provider's name for the person.
	Subject string `json:"subject"`
	// Reset: there was something, and there is nothing any more: no app, no recovery code, no browser that is known.
	Reset bool `json:"reset"`
	// SessionsEnded is how many of the person's sessions were ended.
	SessionsEnded int `json:"sessions_ended"`
}

// TOTPPeople writes whose apps are known.
func (p Printer) TOTPPeople(all TOTPPeople) {
	for _, one := range all.People {
		p.line("%s at %s: %s", one.Subject, one.Issuer, p.secondFactor(one, all.Time))
	}
	if len(all.People) == 0 {
		p.line("nobody has a second factor")
	}
}

func (p Printer) secondFactor(one TOTPPerson, now time.Time) string {
	text := "no app"
	if one.Enrolled {
		text = "an app since " + p.clock(*one.Since, now) + " (" + age(now.Sub(*one.Since)) + " ago)"
		if one.LastUsed != nil {
			text += ", last used " + age(now.Sub(*one.LastUsed)) + " ago"
		}
		text += ", " + plural(one.RecoveryLeft, "recovery code") + " left"
	}
	if one.BegunUntil != nil {
		text += ", and an enrolment that can be confirmed until " + p.clock(*one.BegunUntil, now)
	}
	if one.InvitedUntil != nil {
		text += ", invited until " + p.clock(*one.InvitedUntil, now)
	}
	return text
}

// TOTPReset writes what was done.
func (p Printer) TOTPReset(r TOTPReset) {
	if r.Reset {
		p.line("%s at %s has no second factor any more; %s ended", r.Subject, r.Issuer, plural(r.SessionsEnded, "session"))
		p.line("whoever signs in as this person next may enrol: see to it that it is the person")
		return
	}
	p.line("%s at %s has no second factor: psagate totp list says who has; %s ended", r.Subject, r.Issuer, plural(r.SessionsEnded, "session"))
}

// TOTPInvited writes an invitation, whose code the server does not have.
func (p Printer) TOTPInvited(i TOTPInvited, code, page string) {
	p.line("%s", code)
	p.line("is the invitation of %s at %s, good until %s: have the person sign in and type it on the page %s", i.Subject, i.Issuer, p.clock(i.Until, time.Now()), page)
}
