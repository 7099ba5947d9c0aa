package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/rule"
	"github.com/psagate/psagate/broker/thread"
)

// Mailbox is how the mails of one are routed.
type Mailbox struct {
	Name string
	// Inbox names the place where its mails lie, which stays the same when the mailbox gets another name; empty where there is none.
	Inbox string
	// Tenant is the PSA database's, for tokens and references.
	Tenant  string
	Aliases []Alias
	Default Fields
	// Rules are the mailbox's own, and Given what each says, by its place.
	Rules rule.Rules
	Given []Given
	// Kinds say what becomes of mails by their kind; those that are not in it are treated as in Treatments.
	Kinds map[message.Kind]Treatment
	// FreeMail are further domains where anyone has addresses.
	FreeMail []string
	// Keys verify tokens; without any, none is valid.
	Keys     thread.Keys
	Lockouts LockoutNotices
}

// Alias is an address of a mailbox.
type Alias struct {
	// Address is compared without regard to case; a mail to a sub-address (address+tag) comes by it as well, unless that is
	// an alias of its own.
	Address string
	Fields  Fields
	// LockoutNotice says that the PSA sends its notices about locked users here.
	LockoutNotice bool
}

// Given is what a rule says of the mails that it holds for.
type Given struct {
	Fields Fields
	// Treatment, if it is set, wins over that by kind.
	Treatment Treatment
}

// Treatment is what becomes of a mail, beside whose it is and where it goes.
type Treatment string

// Treatments.
const (
	// Take: a ticket, or a note on the ticket that the mail belongs to.
	Take Treatment = "take"
	// TakeNote: a note on the ticket that it belongs to; without one it is suspended.
	TakeNote Treatment = "note"
	// Suspend: set aside for people.
	Suspend Treatment = "suspend"
)

// Treatments are what becomes of mails by their kind, unless a mailbox says otherwise. Own mail is suppressed whatever
// is said: a loop would be made of it. What comes by a mailing list may well be a person's who writes to a group.
var Treatments = map[message.Kind]Treatment{
	message.Human: Take, message.Alert: Take, message.List: Take, message.AutoReply: TakeNote, message.BounceMail: TakeNote,
}

// Check says what is wrong with the mailbox.
func (b Mailbox) Check() error {
	if b.Rules.Len() != len(b.Given) {
		return fmt.Errorf("mailbox %s: it has %d rules, and says of %d what they give", b.Name, b.Rules.Len(), len(b.Given))
	}
	seen := map[string]bool{}
	for _, a := range b.Aliases {
		list := message.ParseAddresses(a.Address)
		if len(list) != 1 || !strings.EqualFold(list[0].String(), a.Address) {
			return fmt.Errorf("mailbox %s: alias %q is no mail address", b.Name, a.Address)
		}
		if key := list[0].Key(); seen[key] {
			return fmt.Errorf("mailbox %s: alias %s is there twice", b.Name, a.Address)
		}
		seen[strings.ToLower(a.Address)] = true
	}
	for kind, treatment := range b.Kinds {
		if Treatments[kind] == "" {
			return fmt.Errorf("mailbox %s: kind %q cannot be treated; kinds are human, alert, auto-reply, bounce and list", b.Name, kind)
		}
		if treatment != Take && treatment != TakeNote && treatment != Suspend {
			return fmt.Errorf("mailbox %s: treatment %q of %s is none of take, note, suspend", b.Name, treatment, kind)
		}
	}
	if b.Default.Company == "" {
		return fmt.Errorf("mailbox %s: its default names no company: a mail of somebody unknown could not become a ticket", b.Name)
	}
	return nil
}

// Has tells whether an address, or the one that it is a sub-address of, is one of the mailbox's.
func (b Mailbox) Has(address message.Address) bool {
	return slices.ContainsFunc(b.Aliases, func(a Alias) bool {
		key := strings.ToLower(a.Address)
		return key == address.Key() || key == address.Base().Key()
	})
}

// alias finds by which alias a mail came: by where servers delivered it, the nearest first, then by whom it is to.
func (b Mailbox) alias(m *message.Message) (Alias, message.Address, bool) {
	for _, list := range [][]message.Address{m.Delivered, m.To, m.Cc} {
		for _, address := range list {
			for _, as := range []message.Address{address, address.Base()} {
				for _, a := range b.Aliases {
					if strings.ToLower(a.Address) == as.Key() {
						return a, as, true
					}
				}
			}
		}
	}
	return Alias{}, message.Address{}, false
}
