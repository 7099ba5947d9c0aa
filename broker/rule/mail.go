package rule

import (
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/message"
)

// Mail is what conditions look at.
type Mail struct {
	Message *message.Message
	// Mailbox is a name, Alias an address, empty for none.
	Mailbox, Alias string
	// From is whom the mail is taken to be from, which may be another than its author.
	From message.Address
	// Sender is resource, contact, company or unknown.
	Sender string
	// Company is the id of the company that the mail is about, -1 where none is known. (0 is the PSA's owner.)
	Company int64
	// Ticket says that the mail belongs to a ticket that is there.
	Ticket bool
}

// textMost is how much of a text conditions look at, in bytes.
const textMost = 64 << 10

func (m Mail) variables() map[string]any {
	to, files, headers := []string{}, []string{}, map[string][]string{}
	for _, list := range [][]message.Address{m.Message.To, m.Message.Cc, m.Message.Delivered} {
		for _, a := range list {
			to = append(to, a.Key())
		}
	}
	for _, f := range m.Message.Files {
		files = append(files, strings.ToLower(f.Name))
	}
	for _, f := range m.Message.Header {
		name := strings.ToLower(f.Name)
		headers[name] = append(headers[name], f.Value())
	}
	text := strings.ToValidUTF8(m.Message.Text[:min(len(m.Message.Text), textMost)], "")
	return map[string]any{
		"mailbox": m.Mailbox, "alias": m.Alias, "from": m.From.Key(), "from_name": m.From.Name, "from_domain": m.From.Domain,
		"to": to, "subject": m.Message.Subject, "text": text, "kind": string(m.Message.Kind), "sender": m.Sender, "company": m.Company,
		"ticket": m.Ticket, "headers": headers, "files": files, "size": int64(m.Message.Size),
	}
}

// Match are the rules whose condition holds for a mail, by their place, up to the last that is to run. A rule whose
// condition cannot be evaluated does not hold; it is in troubles, with the reason.
func (r Rules) Match(m Mail) (matched []int, troubles []string) {
	if len(r.rules) == 0 {
		return nil, nil
	}
	variables := m.variables()
	for i, rule := range r.rules {
		value, _, err := rule.program.Eval(variables)
		if err != nil {
			troubles = append(troubles, fmt.Sprintf("rule %q could not be evaluated: %v", rule.Name, err))
			continue
		}
		if holds, _ := value.Value().(bool); !holds {
			continue
		}
		if matched = append(matched, i); rule.Last {
			break
		}
	}
	return matched, troubles
}

// Name is what the rule at a place is called.
func (r Rules) Name(place int) string { return r.rules[place].Name }

// Len is how many rules there are.
func (r Rules) Len() int { return len(r.rules) }
