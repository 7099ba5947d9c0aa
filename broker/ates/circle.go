package ates

import (
	"strings"

	"github.com/psagate/psagate/broker/message"
	"golang.org/x/net/publicsuffix"
)

// circles tells whether a mail of an address would go round: one of the PSA's own, which may be a notice about a mail that was handed
// over before and does not name it, or one from where we hand mails over. Each would make a ticket, whose notice comes as the next.
func (s *Sender) circles(sender string) bool {
	list := message.ParseAddresses(sender)
	if len(list) != 1 {
		return false
	}
	return list[0].Base().Key() == s.s.From.Base().Key() || owner(list[0].Domain) == owner(s.s.To.Domain)
}

// owner is what is registered of a domain.
func owner(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(domain))
	if err != nil {
		return strings.ToLower(domain)
	}
	return registered
}
