package thread

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/psagate/psagate/broker/message"
)

// Handed is a mail that was handed to the PSA's mail service, as a tag names it.
type Handed struct {
	// Mail is its number in the ledger.
	Mail  int64
	check string
}

// Is tells whether the mail with this number and reference is meant. Numbers begin anew where a ledger is lost, references do
// not.
func (h Handed) Is(mail int64, reference string) bool {
	return h.Mail == mail && h.check == checkOf(reference)
}

func checkOf(reference string) string {
	sum := sha256.Sum256([]byte(reference))
	return letters.EncodeToString(sum[:])[:6]
}

// handedPrefix is what a tag begins with; its digit is the version of what is signed.
const handedPrefix = "a1-"

// HandedTag names a mail that is handed to the PSA's mail service: in the address that the service's notices come back to, and
// in the id of the mail that it gets. It has letters, digits and dashes alone, in lower case. Empty without keys.
func (k Keys) HandedTag(mail int64, reference string) string {
	if len(k.keys) == 0 {
		return ""
	}
	id, check := strconv.FormatInt(mail, 36), checkOf(reference)
	return handedPrefix + id + "-" + check + "-" + mac(k.keys[0], "mail handed over", id, check)
}

func (k Keys) openHanded(tag string) (h Handed, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(tag), handedPrefix)
	parts := strings.Split(rest, "-")
	if !ok || len(parts) != 3 || !k.valid(parts[2], "mail handed over", parts[0], parts[1]) {
		return Handed{}, false
	}
	id, err := strconv.ParseInt(parts[0], 36, 64)
	return Handed{id, parts[1]}, err == nil
}

// FindHanded is the mail whose tag another carries, which the mail service, or a server on the way there, has written about it:
// in an address that it was sent to, or, where no person wrote it, in the id of a mail that it answers or reports about.
func (k Keys) FindHanded(m *message.Message) (Handed, bool) {
	for _, a := range slices.Concat(m.Delivered, m.To, m.Cc) {
		if h, ok := k.openHanded(a.Tag()); ok {
			return h, true
		}
	}
	if m.Kind == message.Human || m.Kind == message.List {
		return Handed{}, false
	}
	ids := m.References
	if m.Bounce != nil {
		ids = append(slices.Clone(ids), m.Bounce.MessageID)
	}
	for _, id := range slices.Backward(ids) {
		local, _, _ := strings.Cut(id, "@")
		if h, ok := k.openHanded(local); ok {
			return h, true
		}
	}
	return Handed{}, false
}
