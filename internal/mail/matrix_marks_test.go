//go:build linux

package mail

import (
	"regexp"
	"slices"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
)

// rowsOfMarks are those of acknowledging where mails stay in the inbox, and of mails that are there once more.
var rowsOfMarks = []row{
	{no: 19, server: "Dovecot, store", at: "mails stay: killed before the mark", run: staying(func(w *matrix) { w.at("before acknowledge", w.die); w.arrive(plain("a")) })},
	{no: 20, server: "Dovecot", at: "mails stay: marked, the answer is cut off", run: staying(func(w *matrix) { w.cut(`OK Store completed`, 0); w.arrive(plain("a")) })},
	{no: 21, server: "Dovecot without MOVE", at: "mails stay: cut before the mark is sent", options: withoutBoth, run: staying(func(w *matrix) {
		w.wires.at(snip{sent: true, is: regexp.MustCompile(`UID STORE`), cut: true})
		w.arrive(plain("a"))
	})},
	{no: 22, server: "Dovecot", at: "mails stay: the mark is for what another client has expunged", run: staying(func(w *matrix) {
		l := plain("a")
		l.taken = true
		w.wires.at(snip{sent: true, is: regexp.MustCompile(`UID STORE`), do: func() {
			somebody(w, w.server, "INBOX", `UID STORE 2 +FLAGS (\Deleted)`, "EXPUNGE")
		}})
		w.arrive(l)
	})},
	{no: 23, server: "Dovecot, store", at: "mails stay: killed after the mark, before that is written down", run: staying(func(w *matrix) {
		w.at("after acknowledge", w.die)
		w.arrive(plain("a"))
	})},
	{no: 24, server: "Dovecot", at: "mails stay: UIDVALIDITY changes after the ticket, before the mark", run: staying(func(w *matrix) { w.begunAnew("before acknowledge") })},
	{no: 24, server: "Dovecot", at: "mails stay: UIDVALIDITY changes when all is done", run: staying(func(w *matrix) {
		w.arrive(plain("a"))
		w.settle()
		w.stop()
		w.server.BeginAnew()
		w.arrive(plain("b"))
	})},
	{no: 25, server: "Dovecot", at: "mails stay: somebody marks it before its ticket is made", run: staying(func(w *matrix) {
		w.at("before POST /Tickets", func() { somebody(w, w.server, "INBOX", `UID STORE 2 +FLAGS (PsagateDone)`) })
		w.arrive(plain("a"))
	})},
	{no: 26, server: "Dovecot", at: "mails stay: somebody moves it away and back, and takes the mark off twice", run: staying(func(w *matrix) {
		w.arrive(plain("a"))
		w.settle()
		somebody(w, w.server, "INBOX", `UID STORE 2 -FLAGS (PsagateDone)`)
		since := time.Now()
		w.until("the inbox was looked at", func() bool { s, _ := w.p.reader.state(); return s.Complete.After(since) })
		w.expected++
		w.suppressed++
		somebody(w, w.server, "INBOX", "CREATE Elsewhere", "UID MOVE 2 Elsewhere", "SELECT Elsewhere", "UID MOVE 1 INBOX")
	})},
}

var withoutBoth = imaptest.Options{Capabilities: "IMAP4rev1 SASL-IR LITERAL+ IDLE"}

// older is a mail that was in the inbox before mails were to become tickets.
var older = plain("older")

// staying has mails stay in the inbox, in which there is an older one.
func staying(run func(w *matrix)) func(w *matrix) {
	return func(w *matrix) {
		w.imap.LeaveSince = time.Now().AddDate(0, 0, -1)
		w.server.DeliverAt(older.raw, time.Now().AddDate(0, -1, 0))
		run(w)
	}
}

func (w *matrix) stays() bool { return !w.imap.LeaveSince.IsZero() }

func isMarked(m imaptest.Mail) bool { return slices.Contains(m.Keywords, "PsagateDone") }

// checkOlder demands that the older mail is as it was, and that no folder was made.
func (w *matrix) checkOlder() {
	w.Helper()
	inbox := w.server.Folder("INBOX")
	if i := slices.IndexFunc(inbox, func(m imaptest.Mail) bool { return m.Raw == string(older.raw) }); i < 0 || inbox[i].Flags != "" || len(w.tickets(older.token())) != 0 {
		w.Errorf("the older mail, or nothing: %+v, %d tickets", inbox, len(w.tickets(older.token())))
	}
	if w.server.Has("Processed") || w.server.Has("DeadLetter") {
		w.Error("a folder was made")
	}
}

// checkStayed demands that a letter is in the inbox, once, with the mark and no other.
func (w *matrix) checkStayed(l *letter) {
	w.Helper()
	inbox := w.server.Folder("INBOX")
	i := slices.IndexFunc(inbox, func(m imaptest.Mail) bool { return count([]imaptest.Mail{m}, l) == 1 })
	if count(inbox, l) != 1 || len(inbox[i].Flags) != 1 || !isMarked(inbox[i]) {
		w.Errorf("letter %s is in the inbox %d times: %+v", l.id, count(inbox, l), inbox)
	}
}
