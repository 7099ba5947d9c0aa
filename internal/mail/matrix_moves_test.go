//go:build linux

package mail

import (
	"regexp"

	"github.com/psagate/psagate/internal/imaptest"
)

// rowsOfMoves are those of acknowledging, and of mails that are in the inbox once more.
var rowsOfMoves = []row{
	{no: 19, server: "Dovecot, store", at: "killed before MOVE", run: func(w *matrix) { w.at("before acknowledge", w.die); w.arrive(plain("a")) }},
	{no: 20, server: "Dovecot", at: "moved, the answer is cut off", run: func(w *matrix) { w.cut(`\* OK \[COPY`, 0); w.arrive(plain("a")) }},
	{no: 21, server: "Dovecot without MOVE", at: "copied, the answer is cut off", options: withoutMove, run: func(w *matrix) {
		w.cut(`OK \[COPY`, 0)
		w.arrive(plain("a"))
	}},
	{no: 21, server: "Dovecot without MOVE", at: "cut between COPY and STORE", options: withoutMove, run: func(w *matrix) {
		w.wires.at(snip{sent: true, is: regexp.MustCompile(`UID STORE`), cut: true})
		w.arrive(plain("a"))
	}},
	{no: 22, server: "Dovecot", at: "MOVE of what another client has expunged: OK without COPYUID", run: func(w *matrix) {
		l := plain("a")
		l.taken = true
		w.wires.at(snip{sent: true, is: regexp.MustCompile(`UID MOVE`), do: func() {
			somebody(w, w.server, "INBOX", `UID STORE 1 +FLAGS (\Deleted)`, "EXPUNGE")
		}})
		w.arrive(l)
	}},
	{no: 23, server: "Dovecot, store", at: "killed after MOVE, before that is written down", run: func(w *matrix) { w.at("after acknowledge", w.die); w.arrive(plain("a")) }},
	{no: 24, server: "Dovecot", at: "UIDVALIDITY changes after the ticket, before MOVE", run: func(w *matrix) { w.begunAnew("before acknowledge") }},
	{no: 24, server: "Dovecot", at: "UIDVALIDITY changes before the ticket", run: func(w *matrix) { w.begunAnew("before POST /Tickets") }},
	{no: 26, server: "Dovecot", at: "somebody moves it back into the inbox", run: func(w *matrix) {
		w.arrive(plain("a"))
		w.settle()
		somebody(w, w.server, "Processed", "UID MOVE 1 INBOX")
		w.expected++
		w.suppressed++
		w.until("it is there", func() bool { return len(w.server.Folder("INBOX")) == 1 || len(w.rows()) == 2 })
	}},
}

var withoutMove = imaptest.Options{Capabilities: "IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS"}

// begunAnew has the process die at a point, and the inbox have begun anew when the next one comes. The mail is there once more, and
// nothing becomes of that.
func (w *matrix) begunAnew(point string) {
	w.at(point, func() {
		w.expected++
		w.suppressed++
		w.kill()
		<-w.p.reader.done
		w.server.BeginAnew()
		w.die()
	})
	w.arrive(plain("a"))
}
