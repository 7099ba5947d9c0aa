//go:build unix

package imap_test

import (
	"slices"
	"testing"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/internal/imaptest"
)

// staying is a mailbox whose mails stay in the inbox; those count that came since yesterday.
func staying(server *imaptest.Server) imap.Mailbox {
	m := mailbox(server)
	m.LeaveSince = time.Now().AddDate(0, 0, -1)
	return m
}

// marked are the subjects of the mails of the inbox that are marked as done with.
func marked(server *imaptest.Server) (found []string) {
	for _, m := range server.Folder("INBOX") {
		if slices.Equal(m.Keywords, []string{"PsagateDone"}) {
			found = append(found, subjects([]imaptest.Mail{m})...)
		}
	}
	slices.Sort(found)
	return found
}

// A server without MOVE and UIDPLUS is good enough.
func TestMailsThatStayAreMarkedAndOldOnesLeftAlone(t *testing.T) {
	t.Parallel()
	server := imaptest.Start(t, imaptest.Options{Capabilities: "IMAP4rev1 SASL-IR LITERAL+ IDLE"})
	old := time.Now().AddDate(0, -1, 0)
	server.DeliverAt(mail("old"), old)
	server.DeliverAt(mail("of yesterday"), time.Now().Add(-20*time.Hour))
	b := newBooks()
	s, stop := run(t, staying(server), b)
	first := b.next(t)
	if string(first.Raw) != string(mail("of yesterday")) {
		t.Fatalf("the first that came is %s", first.Raw)
	}
	if len(marked(server)) != 0 {
		t.Error("a mail is marked before anything has become of it")
	}
	for range 2 { // row 20: the answer was lost
		if !acknowledge(t, s, first.Object, imap.Processed) {
			t.Error("it was not marked")
		}
	}
	server.DeliverAt(mail("put there"), old) // as somebody does who moves a mail of before to where mails become tickets
	put := b.next(t)
	if string(put.Raw) != string(mail("put there")) || !acknowledge(t, s, put.Object, imap.DeadLetter) {
		t.Errorf("then came %s", put.Raw)
	}
	server.Deliver(mail("pending"))
	pending := b.next(t)
	stop()
	if got := marked(server); !slices.Equal(got, []string{"of yesterday", "put there"}) || len(server.Folder("INBOX")) != 4 {
		t.Errorf("marked are %q", got)
	}
	for _, m := range server.Folder("INBOX") {
		if has([]imaptest.Mail{m}, "old") == 1 && m.Flags != "" {
			t.Errorf("the old mail has the flags %q", m.Flags)
		}
	}
	if server.Has("Processed") || server.Has("DeadLetter") {
		t.Error("a folder was made")
	}
	// A store that is lost, and an inbox that is restored: what is marked is not asked for again, and what is old is still old.
	for _, anew := range []bool{false, true} {
		if anew {
			server.BeginAnew()
		}
		b = newBooks()
		s, stop = run(t, staying(server), b)
		again := b.next(t)
		until(t, "all is spooled", func() bool { return !s.State().Complete.IsZero() })
		if string(again.Raw) != string(pending.Raw) || len(b.all()) != 1 || (again.Object != pending.Object) != anew {
			t.Errorf("begun anew %t: %d mails came, the first is %s:\n%s", anew, len(b.all()), again.Object, again.Raw)
		}
		stop()
	}
}
