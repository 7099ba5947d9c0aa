package drive

import (
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
