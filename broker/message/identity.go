package message

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
)

var idInBrackets = regexp.MustCompile(`<([^<>\s]{1,900})>`)

// ids are the message ids of a field, without brackets.
func ids(raw string) (found []string) {
	for _, m := range idInBrackets.FindAllStringSubmatch(raw, -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 { // some write it without
		if word := strings.TrimSpace(raw); word != "" && len(word) <= 900 && !strings.ContainsAny(word, " \t<>") {
			found = []string{word}
		}
	}
	return found
}

// referencesMost are how many ids are kept of References, the newest: a mail that names more is bad or no mail.
const referencesMost = 100

// MessageID is the mail's, without brackets; empty where it has none.
func (h Header) MessageID() string {
	if id := ids(h.raw("Message-ID")); len(id) > 0 {
		return id[0]
	}
	return ""
}

func (m *Message) readIDs() {
	m.MessageID = m.Header.MessageID()
	m.InReplyTo = lastOf(ids(m.Header.raw("In-Reply-To")))
	m.References = lastOf(ids(m.Header.raw("References")))
	for _, id := range m.InReplyTo {
		if !slices.Contains(m.References, id) {
			m.References = append(m.References, id)
		}
	}
}

func lastOf(list []string) []string { return list[max(0, len(list)-referencesMost):] }

// ContentKeyOf is what a mail is known by when it comes again: after the mailbox was restored, in a second mailbox, or sent
// once more. It is the SHA-256 of Message-ID, Date, From's address, Subject and body, as they were written, without what
// servers add on the way. Message-ID alone is wrong both ways: some mails have none, devices use one for all, and a forged
// one would suppress another's mail.
//
// It must stay the same over all versions of this program: nothing of it may depend on a parser of parts.
func ContentKeyOf(raw []byte) [sha256.Size]byte {
	header, body := ReadHeader(mended(raw))
	h := sha256.New()
	for _, name := range []string{"Message-ID", "Date", "From", "Subject"} {
		value := strings.Join(strings.Fields(header.raw(name)), " ")
		if name == "From" {
			if list := ParseAddresses(header.raw(name)); len(list) > 0 {
				value = list[0].Key()
			}
		}
		h.Write([]byte(value + "\x00"))
	}
	sum := bodyHash(body)
	h.Write(sum[:])
	return [sha256.Size]byte(h.Sum(nil))
}

// bodyHash leaves out what servers change in a body: white space at the ends of lines and empty lines at its end (as
// RFC 6376 section 3.4.4 does).
func bodyHash(body []byte) [sha256.Size]byte {
	h := sha256.New()
	empty := 0
	for line := range bytes.Lines(body) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) == 0 {
			empty++
			continue
		}
		for ; empty > 0; empty-- {
			h.Write([]byte("\n"))
		}
		h.Write(line)
		h.Write([]byte("\n"))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
