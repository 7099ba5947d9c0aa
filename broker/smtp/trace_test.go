package smtp

import (
	"net/mail"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/message"
)

// FuzzTrace writes the fields of a mail from whatever a client says of itself. They stay these four, and the mail's own are
// found after them.
func FuzzTrace(f *testing.F) {
	f.Add("client.example.test", "a@example.test", "support@example.test", "Received: x\r\nSubject: one\r\n\r\nOne.\r\n")
	f.Add("", "", "", "Alarm\r\n")
	f.Add("[1.2.3.4]\r\nBcc: evil", "\"a>\r\n\"@example.test", "s\x00@example.test", "received:\n\nReceived: no field\n")
	f.Fuzz(func(t *testing.T, helo, from, to, raw string) {
		if !line(from) || !line(to) {
			return // which are refused
		}
		m := Mail{Object: objects + "ID", From: from, To: []string{to}, Peer: netip.MustParseAddr("192.0.2.1"), Arrived: time.Unix(1, 0)}
		written := trace{mail: m, helo: helo, domain: "mx.example.test"}.String()
		hops := func(text string) int { return fields([]byte(text), "received:") }
		if n := hops(written + raw); n != 1+hops(raw) {
			t.Errorf("%d hops of %q", n, written)
		}
		read, err := mail.ReadMessage(strings.NewReader(written + "Subject: own\r\n\r\n"))
		if err != nil || len(read.Header) != 4 || read.Header.Get("Subject") != "own" {
			t.Errorf("%v: %q", err, written)
		}
	})
}

// TestTwoAlarmsAreTwo: what is alike in all that tells mails apart would be taken for the same mail come again, and be lost.
func TestTwoAlarmsAreTwo(t *testing.T) {
	written := trace{mail: Mail{}, domain: "mx.example.test"}.String()
	for raw, same := range map[string]bool{
		"From: ups@acme.example\r\nSubject: Alarm\r\n\r\nOn battery.\r\n": false, "Alarm\r\n": false, "": false,
		"Date: Fri, 27 Nov 2026 12:00:00 +0000\r\n\r\nOn battery.\r\n": true, "message-id: <1@acme.example>\r\n\r\nOn battery.\r\n": true,
	} {
		one, other := named([]byte(written+raw), len(written), "ONE", "mx.example.test"), named([]byte(written+raw), len(written), "OTHER", "mx.example.test")
		if is := message.ContentKeyOf(one) == message.ContentKeyOf(other); is != same {
			t.Errorf("%q: taken for the same mail: %t", raw, is)
		}
		if read := message.Read(one, message.Options{}); !same && (read.MessageID != "ONE@mx.example.test" || strings.Contains(read.Text, "ONE")) {
			t.Errorf("%q: %+v", raw, read)
		}
	}
}
