package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// letter is a probe mail.
type letter struct {
	token string
	raw   []byte
}

// letter writes one. Auto-Submitted keeps programs from answering it (RFC 3834).
func (r *run) letter(from, to string) letter {
	l := letter{token: rand.Text()}
	var b bytes.Buffer
	domain := from[strings.LastIndexByte(from, '@')+1:]
	for _, field := range [][2]string{
		{"From", "<" + from + ">"},
		{"To", "<" + to + ">"},
		{"Subject", "psagate tests this mailbox"},
		{"Date", time.Now().Format(time.RFC1123Z)},
		{"Message-ID", "<probe-" + l.token + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{thread.ProbeField, r.Keys.Probe(l.token)},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=us-ascii"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", field[0], field[1])
	}
	b.WriteString("\r\nThis mail was made by psagate mail test, to see whether mails come. It is\r\n" +
		"taken out again by itself, and never becomes a ticket. It may be deleted.\r\n")
	l.raw = b.Bytes()
	return l
}

// marks tells whether there are keys to mark mails with.
func (r *run) marks() bool { return r.Keys.Probe("any") != "" }

// is tells whether a header is this mail's.
func (l letter) is(header []byte) bool {
	fields, _ := message.ReadHeader(header)
	token, _, _ := strings.Cut(strings.TrimSpace(fields.Get(thread.ProbeField)), " ")
	return token == l.token
}

// from is whom probes are from.
func (r *run) from() string {
	for _, address := range append([]string{r.From, r.userAddress()}, r.Aliases...) {
		if strings.Contains(address, "@") {
			return address
		}
	}
	return "psagate@localhost"
}

func (r *run) userAddress() string {
	if r.Mailbox == nil {
		return ""
	}
	return r.Mailbox.User
}

// marked are how far the folders are in which a mail may come to lie.
type marked map[string]uint32

// mark notes how far they are now: what is there already need not be looked at. A broker that reads the mailbox moves
// probes to its folder, as its own mail.
func (r *run) mark(ctx context.Context, folders ...string) (marked, error) {
	m := marked{}
	for _, folder := range folders {
		if folder == "" {
			continue
		}
		next, err := r.trial.Mark(ctx, folder)
		if err != nil {
			return nil, err
		}
		m[folder] = next
	}
	return m, nil
}

// seek looks for a mail in these folders, once.
func (r *run) seek(ctx context.Context, l letter, m marked, folders ...string) (*imap.Place, error) {
	for _, folder := range folders {
		from, known := m[folder]
		if !known {
			continue
		}
		if place, err := r.trial.Seek(ctx, folder, from, false, l.is); place != nil || err != nil {
			return place, err
		}
	}
	return nil, nil
}

// rest waits until the next look; false when the test is over.
func (r *run) rest(ctx context.Context) bool {
	timer := time.NewTimer(r.Look)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
