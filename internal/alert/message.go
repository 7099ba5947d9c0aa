package alert

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// message is an alert as a mail. That it was not written by a person is said as RFC 3834 asks, so that no machine answers it.
// The same alert has the same Message-ID each time it is sent.
func (m *Mail) message(a report.Alert) []byte {
	var out bytes.Buffer
	for _, line := range [...][2]string{
		{"From", "<" + m.From + ">"},
		{"To", "<" + strings.Join(m.To, ">,\r\n <") + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(a.Subject))},
		{"Date", a.Time.Format(time.RFC1123Z)},
		{"Message-ID", "<" + a.ID + "@" + domain(m.From) + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&out, "%s: %s\r\n", line[0], line[1])
	}
	out.WriteString("\r\n")
	body := quotedprintable.NewWriter(&out)
	_, _ = body.Write([]byte(a.Text)) // to memory
	_ = body.Close()
	return out.Bytes()
}

// oneLine keeps a text from being more than one header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
