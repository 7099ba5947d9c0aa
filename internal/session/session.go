package session

import (
	"strings"
	"time"
	"unicode"
)

// Person is who is signed in.
type Person struct {
	// Issuer is the provider's name in the config, IssuerURL what it calls itself: another provider under the same name is another.
	Issuer, IssuerURL string
	// Subject is the provider's name for the person, which never changes.
	Subject string
	// Email and Name are for people to read; either may be empty. Neither tells one person from another.
	Email, Name string
	// Groups are the person's, as the provider said at sign-in.
	Groups []string
}

// Label is what to call the person, to people.
func (p Person) Label() string {
	switch {
	case p.Email != "":
		return p.Email
	case p.Name != "":
		return p.Name
	}
	return p.Subject
}

// Session is one sign-in of one person in one browser.
type Session struct {
	// ID names the session, and is no secret: nobody becomes anybody by it.
	ID string
	// Person is who signed in.
	Person Person
	// IssuerSession is the provider's name for its own session; may be empty.
	IssuerSession string
	// Created is when the person signed in, Seen when the session was last used, to a minute, and Ends when it is over whatever is done.
	Created, Seen, Ends time.Time
	// SteppedUp is when the person last proved a second factor in this session; zero: never. It is of the session alone: a new one
	// begins without it.
	SteppedUp time.Time
	// Address is where it was last used from, Agent what the browser called itself at sign-in, shortened.
	Address, Agent string
}

// Row is a session as it is stored.
type Row struct {
	Session
	// Hash is its token's.
	Hash Hash
	// Idle is for how long it may lie unused.
	Idle time.Duration
}

// over reports whether a session has ended by itself.
func (r Row) over(now time.Time) bool {
	return !now.Before(r.Ends) || !now.Before(r.Seen.Add(r.Idle))
}

// maxAgent and maxText are how much is kept of what a browser calls itself, and of one text of a provider's, in bytes.
const maxAgent, maxText = 120, 256

// turning are the characters that have a text beside them read in another order (Unicode, UAX 9) or end its line: with them a name shows
// as somebody else's. The joiners that some scripts need are none.
func turning(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
}

// cleaned is a text that others chose as it is kept: of one line, and short.
func cleaned(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || turning(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
}
