package drive

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// Spooled is the row with which a mail is to be spooled: what can be told of it without a parser of parts. object is its place at
// the source, arrived when it came there. It never breaks down: a mail that cannot be spooled would be fetched for ever.
func Spooled(mailbox, object string, raw []byte, arrived time.Time) (row ledger.Mail) {
	row = ledger.Mail{Mailbox: mailbox, Object: object, Arrived: arrived}
	defer func() { _ = recover() }()
	m := message.ReadLeast(raw, message.Options{})
	row.Content, row.MessageID = keyOf(m, arrived), m.MessageID
	row.Subject = m.Subject
	if len(m.From) > 0 {
		row.From = m.From[0].String()
	}
	row.References = slices.Concat(m.References, thread.Numbers(m.Subject), thread.Tokens(m))
	return row
}

// CutShort says of a row that is to be spooled that its bytes are the beginning of a longer mail. said is a sentence for people: how long
// the mail is, and where. It stands at the top of what the mail becomes.
func CutShort(row ledger.Mail, said string) ledger.Mail {
	row.Plan, _ = json.Marshal(plan{Cut: ledger.Line(said, 500)}) // of strings: it cannot fail
	return row
}
