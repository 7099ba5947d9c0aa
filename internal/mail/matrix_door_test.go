//go:build linux

package mail

import (
	"errors"
	"net"
	netsmtp "net/smtp"
	"net/textproto"
	"time"

	"github.com/psagate/psagate/broker/smtp"
	"github.com/psagate/psagate/internal/imaptest"
)

// openDoor has a process take mails in by SMTP.
func (p *process) openDoor(m made, b books) {
	if m.door == "" {
		return
	}
	d := &Door{Place: m.door, Listen: func() (net.Listener, error) { return net.Listen("tcp", m.door) }, Intake: smtp.Intake{Domain: "mx.example.test"}}
	ours := &box{mailbox: &Mailbox{Route: m.route, Door: m.door}, woken: p.woken}
	p.door = &door{Door: d, books: b, log: m.log, addresses: new(addresses)}
	p.door.use(m.door, map[string]*box{"support": ours})
	p.door.running = run(nil, m.log, "the intake of mails", p.door.serve)
}

// takesMail has processes take mails in by SMTP from now on.
func (w *matrix) takesMail() {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.door = l.Addr().String()
	_ = l.Close()
}

// brings brings a letter by SMTP, as a server does that comes again until it is told 250. It returns the code of each other answer; 0 is
// none.
func (w *matrix) brings(l *letter) (codes []int) {
	w.Helper()
	l.smtp = true
	w.letters = append(w.letters, l)
	w.until("a letter is taken", func() bool {
		w.start()
		code := w.bringsOnce(l)
		if w.p.dead.Load() {
			w.stop()
		}
		if code != 250 && (len(codes) == 0 || codes[len(codes)-1] != code) {
			codes = append(codes, code)
		}
		return code == 250
	})
	w.expected++
	return codes
}

func (w *matrix) bringsOnce(l *letter) int {
	err := netsmtp.SendMail(w.door, nil, "jo@acme.example", []string{imaptest.User}, l.raw)
	said := new(textproto.Error)
	switch {
	case err == nil:
		return 250
	case errors.As(err, &said):
		return said.Code
	}
	return 0
}

// rowsOfDoor are those of mails that come by SMTP.
var rowsOfDoor = []row{
	{no: 33, server: "SMTP intake, store", at: "killed before the mail is kept", run: func(w *matrix) {
		w.takesMail()
		w.at("before spool", w.kill)
		if codes := w.brings(plain("a")); len(codes) == 0 {
			w.Error("it was taken at once")
		}
	}},
	{no: 33, server: "SMTP intake, store", at: "killed after the mail is kept, before 250", run: func(w *matrix) {
		w.takesMail()
		w.at("after spool", w.kill)
		if codes := w.brings(plain("a")); len(codes) == 0 {
			w.Error("it was taken at once")
		}
		w.expected++ // the sender came again, and nothing becomes of that
		w.suppressed++
	}},
	{no: 33, server: "SMTP intake", at: "cut in the text", run: func(w *matrix) {
		w.takesMail()
		w.start()
		l := plain("a")
		var c *netsmtp.Client
		w.until("it listens", func() (is bool) {
			var err error
			c, err = netsmtp.Dial(w.door)
			return err == nil
		})
		if err := errors.Join(c.Mail("jo@acme.example"), c.Rcpt(imaptest.User)); err != nil {
			w.Fatal(err)
		}
		text, err := c.Data()
		if err != nil {
			w.Fatal(err)
		}
		if _, err := text.Write(l.raw[:len(l.raw)/2]); err != nil {
			w.Fatal(err)
		}
		_ = c.Text.W.Flush()
		_ = c.Close()
		w.brings(l)
		time.Sleep(moment)
		if n := len(w.rows()); n != 1 {
			w.Errorf("%d mails were taken", n)
		}
	}},
}
