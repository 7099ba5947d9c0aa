package smtp

import (
	"net/mail"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// FuzzTrace writes the fields of a mail from whatever a client says of itself. They stay these four, and the mail's own are
// found after them.
func FuzzTrace(f *testing.F) {
	f.Add("client.example.test", "a@example.test", "support@example.test", "Received: x\r\nSubject: one\r\n\r\nOne.\r\n")
	f.Add("[1.2.3.4]\r\nBcc: evil", "\"a>\r\n\"@example.test", "s\x00@example.test", "received:\n\nReceived: no field\n")
	f.Fuzz(func(t *testing.T, helo, from, to, raw string) {
		if !line(from) || !line(to) {
			return // which are refused
		}
		m := Mail{Object: objects + "ID", From: from, To: []string{to}, Peer: netip.MustParseAddr("192.0.2.1"), Arrived: time.Unix(1, 0)}
		written := trace{mail: m, helo: helo, domain: "mx.example.test"}.String()
		if n := hops([]byte(written + raw)); n != 1+hops([]byte(raw)) {
			t.Errorf("%d hops of %q", n, written)
		}
		read, err := mail.ReadMessage(strings.NewReader(written + "Subject: own\r\n\r\n"))
		if err != nil || len(read.Header) != 4 || read.Header.Get("Subject") != "own" {
			t.Errorf("%v: %q", err, written)
		}
	})
}
