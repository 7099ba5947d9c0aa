package smtp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// objects begin with this.
const objects = "smtp:"

// trace are the fields that a mail's last server writes. The envelope is in them: who reads the mail later has nothing else.
type trace struct {
	mail         Mail
	helo, domain string
	secured      bool
}

func (t trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", t.mail.From)
	for _, to := range t.mail.To {
		fmt.Fprintf(&b, "Delivered-To: %s\r\n", to)
	}
	with := "ESMTP"
	if t.secured {
		with = "ESMTPS" // RFC 3848
	}
	fmt.Fprintf(&b, "Received: from %s ([%s])\r\n\tby %s with %s id %s;\r\n\t%s\r\n",
		atom(t.helo), t.mail.Peer, t.domain, with, strings.TrimPrefix(t.mail.Object, objects), t.mail.Arrived.Format(time.RFC1123Z))
	return b.String()
}

// atom is what a client calls itself, as far as it can stand in a header.
func atom(name string) string {
	name = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`()<>;,"\`, r) {
			return r
		}
		return -1
	}, name)
	if name == "" {
		return "unknown"
	}
	return name[:min(len(name), 255)]
}

// line tells whether a text can stand in a line of a header.
func line(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// hopsMost is how many servers a mail may have passed before it is taken for one that runs in a circle.
const hopsMost = 25

// fields are the lines of a mail's header that begin fields of a name, which ends with its colon.
func fields(raw []byte, name string) (n int) {
	for len(raw) > 0 {
		var field []byte
		field, raw, _ = bytes.Cut(raw, []byte("\n"))
		if len(bytes.TrimRight(field, "\r")) == 0 {
			return n
		}
		if len(field) >= len(name) && strings.EqualFold(string(field[:len(name)]), name) {
			n++
		}
	}
	return n
}

// named is a mail with an id of its own where it has neither that nor a date (RFC 6409 section 8.3 has servers write one). Devices send
// the same few words each time, and nothing else would tell the second alarm from the first come again.
func named(raw []byte, traced int, id, domain string) []byte {
	if fields(raw[traced:], "date:") > 0 || fields(raw[traced:], "message-id:") > 0 {
		return raw
	}
	return slices.Concat(raw[:traced], []byte("Message-ID: <"+id+"@"+domain+">\r\n"), raw[traced:])
}
