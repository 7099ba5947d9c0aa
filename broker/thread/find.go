package thread

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/message"
)

// MessageID is the id of a mail about a ticket, without brackets: the token, and something that makes it the only one.
func (k Keys) MessageID(tenant string, ticket int64, unique, domain string) string {
	return k.Token(tenant, ticket) + "." + unique + "@" + domain
}

// ReplyTo is the sub-address that answers to a mail about a ticket go to (RFC 5233).
func (k Keys) ReplyTo(tenant string, ticket int64, mailbox message.Address) message.Address {
	mailbox = mailbox.Base()
	mailbox.Local += "+" + k.Token(tenant, ticket)
	return mailbox
}

// Find is the ticket whose token a mail carries: in an address that it was sent to, or in the id of a mail that it
// answers or reports about, the newest first.
func (k Keys) Find(tenant string, m *message.Message) (ticket int64, where string, found bool) {
	for _, list := range [][]message.Address{m.Delivered, m.To, m.Cc} {
		for _, a := range list {
			if ticket, err := k.Open(tenant, a.Tag()); err == nil {
				return ticket, "the address that it was sent to", true
			}
		}
	}
	ids := m.References
	if m.Bounce != nil {
		ids = append(slices.Clone(ids), m.Bounce.MessageID)
	}
	for _, id := range slices.Backward(ids) {
		token, _, _ := strings.Cut(id, ".")
		if ticket, err := k.Open(tenant, token); err == nil {
			return ticket, "the mail that it answers", true
		}
	}
	return 0, "", false
}

// number is Autotask's of a ticket: TYYYYMMDD.NNNN, and .NNN after it for those that recur.
var number = regexp.MustCompile(`(?i)(?:^|[^\pL\pN.])(T(\d{8})\.\d{4,6}(?:\.\d{1,4})?)(?:$|[^\pL\pN])`)

// numbersMost is how many numbers of a subject are looked at.
const numbersMost = 5

// Numbers are the ticket numbers in a subject, in their order. They prove nothing.
func Numbers(subject string) (numbers []string) {
	for at := 0; at < len(subject) && len(numbers) < numbersMost; {
		m := number.FindStringSubmatchIndex(subject[at:])
		if m == nil {
			break
		}
		n := strings.ToUpper(subject[at+m[2] : at+m[3]])
		if _, err := time.Parse("20060102", subject[at+m[4]:at+m[5]]); err == nil && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
		at += m[3] // what ends one number may begin the next
	}
	return numbers
}

// Tokens are what looks like tokens in the addresses that a mail was sent to. They are not opened, and prove nothing: two mails
// with the same one may be about one ticket.
func Tokens(m *message.Message) (tokens []string) {
	for _, a := range slices.Concat(m.Delivered, m.To, m.Cc) {
		if tag := strings.ToLower(a.Tag()); strings.HasPrefix(tag, prefix) && !slices.Contains(tokens, tag) {
			tokens = append(tokens, tag)
		}
	}
	return tokens
}

// NamesTicket tells whether what stands where the id of a mail should names a ticket: a number, or what looks like a token. Rows are
// known by those too, for the order of mails, so that a mail which writes one into its References must not be taken for an answer to
// theirs: nobody would have asked who sent it.
func NamesTicket(id string) bool {
	return !strings.Contains(id, "@") && (strings.HasPrefix(strings.ToLower(id), prefix) || len(Numbers(id)) > 0)
}
