//go:build linux

package mail

import (
	"context"
	"crypto/tls"
	"regexp"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/imaptest"
)

var body = regexp.MustCompile(`BODY\[\] \{\d+\}\r\n`)

// rowsOfIMAP are those of fetching and spooling.
var rowsOfIMAP = []row{
	{no: 1, server: "Dovecot", at: "the password is refused", run: func(w *matrix) {
		w.password.Store("wrong-horse")
		w.arrive(plain("a"))
		w.start()
		w.until("the password was looked at 20 times", func() bool { return w.asked.Load() > 20 })
		if s, _ := w.p.reader.state(); s.Problem == nil || !s.Problem.Refused || w.server.SignIns() != 1 {
			w.Errorf("%d sign-ins, %+v", w.server.SignIns(), s.Problem)
		}
		w.password.Store(imaptest.Password)
	}},
	{no: 1, server: "Dovecot with TLS", at: "cut in the TLS handshake", run: func(w *matrix) {
		w.IMAP, w.imap.TLS, w.imap.Config = w.server.TLS, imap.TLSOn, &tls.Config{RootCAs: w.server.Roots}
		w.cut(``, 100)
		w.arrive(plain("a"))
	}},
	{no: 1, server: "Dovecot", at: "cut after the sign-in", run: func(w *matrix) { w.cut(`OK [^\r]*Logged in`, 0); w.arrive(plain("a")) }},
	{no: 2, server: "Dovecot", at: "cut after SELECT", run: func(w *matrix) { w.arrive(plain("a")); w.cut(`OK \[READ-WRITE\]`, 0) }},
	{no: 2, server: "Dovecot", at: "cut after SEARCH", run: func(w *matrix) { w.arrive(plain("a")); w.cut(`\* E?SEARCH`, 3) }},
	{no: 3, server: "Dovecot", at: "cut at byte 0 of the mail", run: cutBody(func(int) int { return 0 })},
	{no: 3, server: "Dovecot", at: "cut in the midst of the mail", run: cutBody(func(n int) int { return n / 2 })},
	{no: 3, server: "Dovecot", at: "cut before the last byte of the mail", run: cutBody(func(n int) int { return n - 1 })},
	{no: 4, server: "Dovecot, store", at: "killed before the mail is kept", run: func(w *matrix) {
		w.at("before spool", func() { w.empty(); w.kill() })
		w.arrive(plain("a"))
	}},
	{no: 6, server: "Dovecot, store", at: "killed after the mail is kept", run: func(w *matrix) {
		w.at("after spool", w.kill)
		w.arrive(plain("a"))
		w.settle()
		if n := w.wires.says(`BODY\.PEEK`); n != 1 || len(w.rows()) != 1 {
			w.Errorf("it was fetched %d times, and has %d rows", n, len(w.rows()))
		}
	}},
	{no: 7, server: "Dovecot", at: "another client expunges it between SEARCH and FETCH", run: func(w *matrix) {
		gone := plain("gone")
		gone.unseen = true
		w.wires.at(snip{sent: true, is: regexp.MustCompile(`UID FETCH 1 \(.*BODY`), do: func() {
			somebody(w, w.server, "INBOX", `UID STORE 1 +FLAGS (\Deleted)`, "EXPUNGE")
		}})
		w.arrive(gone, plain("a"))
	}},
	{no: 25, server: "Dovecot", at: "somebody reads it before its ticket is made", run: meanwhile(false, `UID STORE 1 +FLAGS (\Flagged)`)},
	{no: 25, server: "Dovecot", at: "somebody moves it before its ticket is made", run: meanwhile(true, "CREATE Elsewhere", "UID MOVE 1 Elsewhere")},
	{no: 25, server: "Dovecot", at: "somebody deletes it before its ticket is made", run: meanwhile(true, `UID STORE 1 +FLAGS (\Deleted)`, "EXPUNGE")},
}

// cut cuts a connection once, so many bytes after something that the server says.
func (w *matrix) cut(after string, plus int) {
	w.wires.at(snip{is: regexp.MustCompile(after), plus: plus, cut: true})
}

// empty demands that nothing is kept, and that the server's mails are untouched.
func (w *matrix) empty() {
	w.Helper()
	b, err := w.p.store.Mail().Balance(context.Background(), "support")
	inbox := w.server.Folder("INBOX")
	if err != nil || b != (ledger.Balance{}) || len(inbox) != 1 || inbox[0].Flags != "" {
		w.Errorf("the books have %+v, %v; the inbox %+v", b, err, inbox)
	}
}

func cutBody(where func(size int) int) func(w *matrix) {
	return func(w *matrix) {
		l := plain("a")
		w.wires.at(snip{is: body, plus: where(len(l.raw)), cut: true, do: w.empty})
		w.arrive(l)
	}
}

func meanwhile(taken bool, commands ...string) func(w *matrix) {
	return func(w *matrix) {
		l := plain("a")
		l.taken = taken
		w.at("before POST /Tickets", func() { somebody(w, w.server, "INBOX", commands...) })
		w.arrive(l)
	}
}
