package ates

import (
	"errors"
	"regexp"

	"github.com/emersion/go-smtp"
)

// deniesSender is how servers say that whoever signed in may not use a sender: Exchange Online (554 5.2.252 SendAsDenied, once the
// mail is there), Exchange (550 5.7.60), Postfix (553 5.7.1 Sender address rejected: not owned by user).
var deniesSender = regexp.MustCompile(`(?i)send ?as|sender address rejected|not owned by|invalid sender`)

// denied is an error that is to be tried again where a server takes the mail, but not from a sub-address of ours: from then on the
// sender is plain. nil where it is none.
func (s *Sender) denied(err error, l letter) error {
	said := new(smtp.SMTPError)
	if l.from == s.s.From.String() || !errors.As(err, &said) || said.Code/100 != 5 || !deniesSender.MatchString(said.Message) {
		return nil
	}
	s.plain[s.s.From.Key()] = true
	return notNow(err, "%s does not take mails from the sub-address %s: they are from %s now, and notices of the mail service are known only where they name their mail", s.s.Server.Address, l.from, s.s.From)
}
