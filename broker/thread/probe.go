package thread

import (
	"strings"

	"github.com/psagate/psagate/broker/message"
)

// ProbeField is the header field of mails that this broker sends to a mailbox of its own, to see whether they come.
const ProbeField = "X-Psagate-Probe"

// Probe is ProbeField's value in a mail with a token, a random word. It does not hang on the Message-ID, as Mark does: servers
// that a mail is handed to may write another one, and a probe must not become a ticket then. Who has seen a probe can have mails
// of his own taken for one, and no one else's. It is empty without keys.
func (k Keys) Probe(token string) string {
	if len(k.keys) == 0 {
		return ""
	}
	return token + " " + mac(k.keys[0], "mail probe", token)
}

// IsProbe tells whether a mail with this header is a probe of ours.
func (k Keys) IsProbe(header message.Header) bool {
	token, sum, _ := strings.Cut(strings.TrimSpace(header.Get(ProbeField)), " ")
	return token != "" && k.valid(strings.ToLower(strings.TrimSpace(sum)), "mail probe", token)
}
