package route

import (
	"regexp"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// Notice is what the PSA's mail service, or a server on the way there, says of a mail that was handed to it.
type Notice struct {
	Of thread.Handed
	// Failed says that nothing became of the mail, and will not. Only where that is sure: what is not understood as a failure may
	// well be a success.
	Failed bool
	// Made says that something became of it. Only where the notice has no word of a failure in it: the mail's own are in there, too.
	Made bool
}

// How the service words its notices is not documented. A success may quote the words of a failure (of the mail that it is
// about), and a failure those of a success.
var (
	saysFailed    = regexp.MustCompile(`(?i)\b(unsuccessful|fail(ed|ure)|(was|were|could|can) ?(not|n.t) (be )?(created|processed|added|accepted|found|delivered)|unable to|rejected)`)
	saysSucceeded = regexp.MustCompile(`(?i)\b(success|(was|has been|were) (created|added))`)
)

// noticeMost is how much of a notice is looked at, in bytes: what it says of itself comes first, and the mail after it.
const noticeMost = 2 << 10

func read(m *message.Message) (failed, made bool) {
	if m.Bounce != nil {
		return m.Bounce.Failed(), false
	}
	text := m.Subject + "\n" + m.Text[:min(len(m.Text), noticeMost)]
	failed, made = saysFailed.MatchString(text), saysSucceeded.MatchString(text)
	return failed && !made, made && !failed
}

// notice ends a draft whose mail is such a notice: a ticket made of it would be about a ticket, and with the service's
// answer to that one it would go round.
func (d *Draft) notice(b Mailbox) bool {
	of, is := b.Keys.FindHanded(d.Message)
	if !is {
		return false
	}
	d.Notice = &Notice{Of: of}
	d.Notice.Failed, d.Notice.Made = read(d.Message)
	text := "it is a notice about a mail that was handed to the PSA's mail service"
	if d.Notice.Failed {
		text += ", which has made nothing of it"
	}
	d.end(Suppressed, "ates-notice", text)
	return true
}
