package route

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/psagate/psagate/broker/message"
)

// machine are senders that nobody reads mail of: who is meant is in Reply-To, if anywhere.
var machine = regexp.MustCompile(`(?i)^(no-?_?reply|do-?not-?reply|forms?|webforms?|wordpress|www-data|scanner|copier|printer)([-+._].*)?$`)

// author is whom a mail is taken to be from: its author, unless that is a machine that names somebody to answer to.
func author(m *message.Message) (from message.Address, why string) {
	from = m.Author()
	if machine.MatchString(from.Local) && len(m.ReplyTo) == 1 && !machine.MatchString(m.ReplyTo[0].Local) && m.ReplyTo[0].Key() != from.Key() {
		return m.ReplyTo[0], fmt.Sprintf("%s is a machine: the mail is taken to be from %s, whom it names for answers", from, m.ReplyTo[0])
	}
	return from, ""
}

// identify finds out who an address is.
func (b Mailbox) identify(ctx context.Context, from message.Address, dir Directory) (s Sender, why string, err error) {
	s = Sender{Kind: UnknownSender, Address: from}
	if from.Domain == "" {
		return s, "the mail does not say who wrote it", nil
	}
	if !askable(from.Key()) {
		why = "its sender's address is one that nobody can be known by, and is looked for by its domain alone"
		s, domain, err := b.ofDomain(ctx, s, dir)
		return s, why + ": " + domain, err
	}
	resources, err := dir.Resources(ctx, from.Key())
	if err != nil {
		return s, "", fmt.Errorf("looking up resources by the sender's address: %w", err)
	}
	if len(resources) > 0 {
		s.Kind, s.Person = Resource, resources[0]
		return s, fmt.Sprintf("%s is a resource, %s", from, s.Person.Name), nil
	}
	for field := 1; field <= 3; field++ {
		contacts, err := dir.Contacts(ctx, from.Key(), field)
		if err != nil {
			return s, "", fmt.Errorf("looking up contacts by the sender's address: %w", err)
		}
		if len(contacts) > 0 {
			return ofContacts(s, contacts, field), contactsWhy(from, contacts, field), nil
		}
	}
	return b.ofDomain(ctx, s, dir)
}

// addressMost is the longest address that mail is sent to, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const addressMost = 254

// askable tells whether the PSA is asked about an address. Whoever wrote the mail has chosen it: one that the PSA takes for no value, and
// refuses to be asked about, would keep the mail waiting without end.
func askable(address string) bool {
	return len(address) <= addressMost && !strings.ContainsFunc(address, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}

// ofContacts takes the contact, if it is one; of several in one company that company alone.
func ofContacts(s Sender, contacts []Person, field int) Sender {
	if len(contacts) == 1 {
		s.Kind, s.Person, s.Company = Contact, contacts[0], contacts[0].Company
	} else if oneCompany(contacts) {
		s.Kind, s.Company = Company, contacts[0].Company
	}
	return s
}

func oneCompany(contacts []Person) bool {
	return !slices.ContainsFunc(contacts, func(p Person) bool { return p.Company != contacts[0].Company })
}

func contactsWhy(from message.Address, contacts []Person, field int) string {
	switch {
	case len(contacts) == 1:
		return fmt.Sprintf("%s is the %s of the contact %s of company %d", from, [...]string{"", "address", "second address", "third address"}[field], contacts[0].Name, contacts[0].Company)
	case oneCompany(contacts):
		return fmt.Sprintf("%s is the address of %d contacts of company %d, so that no contact is set", from, len(contacts), contacts[0].Company)
	}
	return fmt.Sprintf("%s is the address of contacts of several companies, so that nobody is taken for the sender", from)
}

// ofDomain looks for the one company with the address's domain, or the nearest one above it.
func (b Mailbox) ofDomain(ctx context.Context, s Sender, dir Directory) (Sender, string, error) {
	domains := candidates(s.Address.Domain, b.FreeMail)
	if len(domains) == 0 {
		return s, fmt.Sprintf("nobody is known with the address %s, and %s is no company's domain", s.Address, s.Address.Domain), nil
	}
	for _, domain := range domains {
		companies, err := dir.Companies(ctx, domain)
		if err != nil {
			return s, "", fmt.Errorf("looking up companies by the sender's domain: %w", err)
		}
		switch len(companies) {
		case 0:
			continue
		case 1:
			s.Kind, s.Company = Company, companies[0]
			return s, fmt.Sprintf("nobody is known with the address %s; company %d has the domain %s", s.Address, s.Company, domain), nil
		}
		return s, fmt.Sprintf("nobody is known with the address %s, and %d companies have the domain %s", s.Address, len(companies), domain), nil
	}
	return s, fmt.Sprintf("nobody is known with the address %s, and no company with its domain", s.Address), nil
}
