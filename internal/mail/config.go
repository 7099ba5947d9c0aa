package mail

import (
	"context"
	"net"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/broker/smtp"
)

// Config is all that an Engine runs. No two mailboxes have the same name, no two of their aliases the same address, and no two
// doors the same place.
type Config struct {
	Mailboxes []*Mailbox
	Doors     []*Door
}

// Mailbox is one of a config. Nothing of it may be changed once it is used.
type Mailbox struct {
	// Route is how its mails are routed, its name included.
	Route route.Mailbox
	// IMAP is where its mails are fetched; nil for nowhere.
	IMAP *imap.Mailbox
	// Key tells IMAP from others: a reload that has the same goes on with the connection that is there. Empty: never.
	Key string
	// Door is the place of the Door through which mails for its aliases come; empty for none.
	Door string

	PSA PSA
	// Fallback is used after Rules.FallbackAfter; nil for none.
	Fallback drive.Fallback
	Rules    ledger.Rules
	Loops    loop.Limits
	// Reading is how its mails are read.
	Reading message.Options
	// FileMost is Driver's.
	FileMost int
	// Keep is how long a mail's bytes are kept when it is done with; 0 is DefaultKeep.
	Keep time.Duration
	// CloseIMAP gives back what IMAP holds, once nothing uses it any more, which may be long after another config has come into
	// force. Close gives back all else. Either may be nil.
	CloseIMAP, Close func()
}

// DefaultKeep is how long bytes are kept where nothing is said.
const DefaultKeep = 30 * 24 * time.Hour

// PSA is where tickets are made.
type PSA struct {
	Ticketer  drive.Ticketer
	Directory route.Directory
	// Participates, Down and Lockout are drive.Driver's, and may be nil.
	Participates func(ctx context.Context, ticket int64, address string) (bool, error)
	Down         func() time.Time
	Lockout      func(ctx context.Context, l *route.Lockout) error
	// MayMake says why a ticket may not be made, where an operator or policy stands in its way. It is asked before a ticket is handed
	// to Fallback, which does not come by there. It may be nil.
	MayMake func(ctx context.Context, t drive.Ticket) error
	// Run runs beside the work on the mailbox, if it is there.
	Run func(ctx context.Context)
}

// Door is where mails come in by SMTP, for all mailboxes that name its place.
type Door struct {
	// Place names it.
	Place string
	// Listen opens it: when it is first used, and anew where it broke.
	Listen func() (net.Listener, error)
	// Intake is how mails are taken; its Takes and Spool are the Engine's to set.
	Intake smtp.Intake
}

// permitted is a Fallback that is used for what may be made.
type permitted struct {
	drive.Fallback
	may func(ctx context.Context, t drive.Ticket) error
}

// HandOver implements drive.Fallback.
func (p permitted) HandOver(ctx context.Context, t drive.Ticket, again bool) error {
	if err := p.may(ctx, t); err != nil {
		return err
	}
	return p.Fallback.HandOver(ctx, t, again)
}

// fallback is the mailbox's, as its mails are handed to it.
func (m *Mailbox) fallback() drive.Fallback {
	if m.Fallback == nil || m.PSA.MayMake == nil {
		return m.Fallback
	}
	return permitted{m.Fallback, m.PSA.MayMake}
}

// name is the mailbox's.
func (m *Mailbox) name() string { return m.Route.Name }

// keep is how long bytes are kept.
func (m *Mailbox) keep() time.Duration {
	if m.Keep == 0 {
		return DefaultKeep
	}
	return m.Keep
}

// call calls what may be nil.
func call(f func()) {
	if f != nil {
		f()
	}
}
