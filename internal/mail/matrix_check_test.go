//go:build linux

package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/imaptest"
)

// check looks at what became of the letters, in the PSA and on the server, and then whether the books say the same.
func (w *matrix) check() {
	w.Helper()
	w.start()
	want := ledger.Balance{Suppressed: w.suppressed}
	for _, l := range w.letters {
		w.checkPSA(l, &want)
		w.checkServer(l)
	}
	if w.stays() {
		w.checkOlder()
	}
	if n := w.left(); n != 0 {
		w.Errorf("%d mails are in the inbox still", n)
	}
	want.Seen = want.Tickets + want.Notes + want.Suspended + want.Dead + want.Suppressed
	if got, err := w.p.store.Mail().Balance(context.Background(), "support"); err != nil || got != want {
		w.Errorf("the books say %+v, %v; the PSA and the server %+v", got, err, want)
	}
	w.checkBytes()
	for _, o := range w.orders {
		if o.Hits() != o.Fault().Times {
			w.Errorf("the PSA met a fault %d times, which was to be %d: %+v", o.Hits(), o.Fault().Times, o.Fault())
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for point, left := range w.fates {
		if len(left) > 0 {
			w.Errorf("it never came to %s %d times more", point, len(left))
		}
	}
	if len(w.wires.snips) > 0 {
		w.Errorf("the connection never came to %v", w.wires.snips[0].is)
	}
	if n := w.user.MaxFailedSinceSuccess(); n > 0 {
		w.Errorf("the PSA refused %d sign-ins", n)
	}
}

// says tells whether a record is about a letter: by its text, or where that says of none by its title.
func says(record map[string]any, token string) bool {
	text := fmt.Sprint(record["description"])
	if !strings.Contains(text, "token-") {
		text += fmt.Sprint(record["title"])
	}
	return strings.Contains(text, token)
}

// tickets are the PSA's that say a token, and notes likewise.
func (w *matrix) tickets(token string) (found []map[string]any) {
	for _, r := range w.tenant.Records("Tickets")[w.apart:] {
		if says(r, token) {
			found = append(found, r)
		}
	}
	return found
}

func (w *matrix) notes(token string) (found []map[string]any) {
	for _, r := range w.tenant.Records("TicketNotes") {
		if says(r, token) {
			found = append(found, r)
		}
	}
	return found
}

// checkPSA demands that a letter became what it was to: I2.
func (w *matrix) checkPSA(l *letter, want *ledger.Balance) {
	w.Helper()
	tickets, notes := w.tickets(l.token()), w.notes(l.token())
	made := map[bool]int{false: len(tickets), true: len(notes)}
	asNote := l.note || l.merged
	most := 1
	switch {
	case l.unseen || l.want != ledger.Done:
		most = 0
	case l.twice:
		most = 2
	}
	if made[asNote] != most || made[!asNote] != 0 {
		w.Errorf("letter %s became %d tickets and %d notes", l.id, len(tickets), len(notes))
	}
	if l.unseen {
		return
	}
	switch {
	case l.want == ledger.Dead:
		want.Dead++
	case l.want == ledger.Suppressed:
		want.Suppressed++
	case l.note:
		want.Notes++
	default:
		want.Tickets++
	}
	titles, parent := map[any]int{}, any(nil)
	if len(tickets) > 0 {
		parent = tickets[0]["id"]
		known := strings.HasPrefix(fmt.Sprint(tickets[0]["externalID"]), "mb1") || strings.Contains(fmt.Sprint(tickets[0]["description"]), "\nRef: mb1")
		if tickets[0]["queueID"] != int64(levelTwo) || !known {
			w.Errorf("the ticket of letter %s is in queue %v, with the reference %v", l.id, tickets[0]["queueID"], tickets[0]["externalID"])
		}
	}
	for _, a := range w.tenant.Records("TicketAttachments") {
		if a["ticketID"] == parent || a["parentID"] == parent {
			titles[a["title"]]++
		}
	}
	for title, n := range titles {
		if n > 1 {
			w.Errorf("the file %q is there %d times", title, n)
		}
	}
	if parent != nil && len(titles) != l.files {
		w.Errorf("the ticket of letter %s has %d files, want %d", l.id, len(titles), l.files)
	}
}

// attached are the bytes of the file of a name.
func (w *matrix) attached(name string) []byte {
	w.Helper()
	for _, a := range w.tenant.Records("TicketAttachments") {
		if strings.Contains(fmt.Sprint(a["title"]), name) {
			data, err := base64.StdEncoding.DecodeString(fmt.Sprint(a["data"]))
			if err != nil {
				w.Error(err)
			}
			return data
		}
	}
	return nil
}

func count(mails []imaptest.Mail, l *letter) (n int) {
	for _, m := range mails {
		if strings.Contains(m.Raw, "Message-ID: <"+l.id+"@") {
			n++
		}
	}
	return n
}

// checkServer demands that a letter is where it belongs, once, and that nobody marked it as read.
func (w *matrix) checkServer(l *letter) {
	w.Helper()
	if l.smtp || l.taken || l.unseen {
		return
	}
	if w.stays() {
		w.checkStayed(l)
		return
	}
	processed, dead := w.server.Folder("Processed"), w.server.Folder("DeadLetter")
	want := map[bool]int{l.want == ledger.Dead: 1}
	if count(processed, l) != want[false] || count(dead, l) != want[true] {
		w.Errorf("letter %s is in Processed %d times, and in DeadLetter %d times", l.id, count(processed, l), count(dead, l))
	}
	for _, m := range processed {
		if strings.Contains(m.Flags, "S") {
			w.Errorf("a mail has the flags %q", m.Flags)
		}
	}
}

// checkBytes demands that each row has the bytes of a letter: I1; and that what may be there twice is flagged.
func (w *matrix) checkBytes() {
	w.Helper()
	flagged := 0
	for _, m := range w.rows() {
		raw, err := w.p.store.Mail().Raw(context.Background(), m.ID)
		same := false
		for _, l := range w.letters {
			same = same || bytes.HasSuffix(raw, l.raw)
		}
		if err != nil || !same {
			w.Errorf("I1: the bytes of mail %d: %d of them, %v", m.ID, len(raw), err)
		}
		if m.Repeated {
			flagged++
		}
	}
	twice := 0
	for _, l := range w.letters {
		if l.twice {
			twice++
		}
	}
	if twice > flagged {
		w.Errorf("%d letters are there twice, and %d flagged", twice, flagged)
	}
}
