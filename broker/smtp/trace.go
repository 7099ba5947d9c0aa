package smtp

import (
	"bytes"
	"fmt"
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

// hops counts the Received fields of a mail's header.
func hops(raw []byte) (n int) {
	const name = "received:"
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
