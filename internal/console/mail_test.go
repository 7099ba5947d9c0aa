package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

func (d *deeds) ReadMail(ctx context.Context, by Doer, mailbox string, id int64) ([]byte, policy.Decision, error) {
	decision := d.May(by, policy.ReadMail, policy.Target{Kind: policy.Mailbox, Name: mailbox})
	if !decision.Allowed() {
		return nil, decision, ErrDenied
	}
	if d.unlogged != nil {
		return nil, decision, d.unlogged
	}
	d.w.did("%s reads mail %d of %s", by.Session.Person.Subject, id, mailbox)
	raw, err := d.w.desk.Raw(ctx, mailbox, id)
	return raw, decision, err
}

func (d *deeds) RetryMail(ctx context.Context, by Doer, mailbox string, id int64, reason string) (report.MailDecided, error) {
	d.w.did("%s retries mail %d of %s: %s", by.Session.Person.Subject, id, mailbox, reason)
	return d.w.desk.Retry(ctx, mailbox, id, ledger.Decision{By: by.Session.Person.Subject, Why: reason})
}

func (d *deeds) DropMail(ctx context.Context, by Doer, mailbox string, id int64, reason string) (report.MailDecided, error) {
	d.w.did("%s drops mail %d of %s: %s", by.Session.Person.Subject, id, mailbox, reason)
	return d.w.desk.Drop(ctx, mailbox, id, ledger.Decision{By: by.Session.Person.Subject, Why: reason})
}

// hostile is a mail that hopes to be shown as what it is not.
const hostile = "From: Eve <eve@evil.example>\r\nTo: support@msp.example\r\nSubject: <script>alert(1)</script> \u202egpj\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	`<html><body onload="alert(2)"><img src="https://evil.example/seen.gif"><script>alert(3)</script><p>Hello` + "\u202e\x1b[31m\x00" + `</p><iframe src="//evil.example"></iframe></body></html>` + "\r\n"

// mailed has a hostile mail that is set aside, and others.
func (w *world) mailed() (aside ledger.Mail) {
	w.Helper()
	put := func(m ledger.Mail, raw string, move func(*ledger.Mail)) ledger.Mail {
		m.Arrived = w.now()
		kept, _, err := w.desk.Books.Spool(w.Context(), m, []byte(raw))
		if err == nil && move != nil {
			move(&kept)
			kept, err = w.desk.Books.Update(w.Context(), kept)
		}
		if err != nil {
			w.Fatal(err)
		}
		return kept
	}
	aside = put(ledger.Mail{Mailbox: "support", Object: "1", From: "eve@evil.example", Subject: evil}, hostile, func(m *ledger.Mail) {
		m.State, m.Cause, m.Why = ledger.Suspended, "loop", []string{evil}
	})
	put(ledger.Mail{Mailbox: "support", Object: "2", From: "jo@acme.example", Subject: "Printer"}, "x", func(m *ledger.Mail) {
		m.State, m.Acknowledged, m.Ticket, m.Number = ledger.Done, true, 7, "T7"
	})
	put(ledger.Mail{Mailbox: "former", Object: "1"}, "x", nil)
	w.set(func() {}) // what was looked at is old
	return aside
}

func TestTheMailIsShownByMailboxAndByState(t *testing.T) {
	w := newTeam(t)
	w.mailed()
	b := w.browser()
	a := b.opened("/console/mail", "1 mail set aside for people to decide.", "support", "2 seen = 1 ticket + 0 notes + 1 suspended", "former", "no such mailbox any more", "suspended: 1")
	if !strings.Contains(a.body, `href="mailbox?name=support&amp;state=suspended"`) || strings.Contains(a.body, "<script>alert") {
		t.Errorf("%s", a.body)
	}
	a = b.opened("/console/mailbox?name=support", "eve@evil.example", evil, "done, ticket T7", "Too many like it came", "To be looked at:", evil+" (3 times since ")
	if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img") {
		t.Errorf("%s", a.body)
	}
	if a = b.opened("/console/mailbox?name=support&state=suspended&text=EVE", "that are suspended", "eve@evil.example", "All mails of the mailbox"); strings.Contains(a.body, "jo@acme.example") {
		t.Errorf("%s", a.body)
	}
	b.opened("/console/mailbox?name=support&state=%3Cscript%3E&text=nobody&from=x", "No mail is as asked for")
	w.says("no mailbox", b.open("/console/mailbox?name=%3Cscript%3E"), http.StatusNotFound, "There is no mailbox of that name")
	w.says("no mail", b.open("/console/message?name=support&mail=x"), http.StatusNotFound, "There is no mail of that number")
	w.says("a mail of another mailbox", b.open("/console/message?name=former&mail=1"), http.StatusNotFound, "There is no mail of that number")
	a = b.opened("/console/message?name=support&mail=1", "Suspended, loop.", "eve@evil.example", evil, "Stop whoever sends them")
	if strings.Contains(a.body, "alert(2)") || strings.Contains(a.body, "psagate mail retry") || !strings.Contains(a.body, "act?do=drop_mail&amp;mail=1&amp;on=support") {
		t.Errorf("%s", a.body)
	}
	if a = b.opened("/console/message?name=support&mail=2", "Done, ticket T7."); strings.Contains(a.body, "drop_mail") || strings.Contains(a.body, "retry_mail") {
		t.Errorf("a mail that is done can be tried again: %s", a.body)
	}
	w.set(func() { w.broken = errors.New("no space left") })
	w.says("books that cannot be read", b.open("/console/mail"), http.StatusServiceUnavailable, "Not known for now")
	if did := w.told(); did != "[]" {
		t.Errorf("looking did %s", did)
	}
}

func TestAPageOfMailsLeadsToTheNext(t *testing.T) {
	w := newTeam(t)
	for i := range 60 {
		if _, _, err := w.desk.Books.Spool(t.Context(), ledger.Mail{Mailbox: "support", Object: fmt.Sprint(i), From: fmt.Sprintf("n%02d@acme.example", i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	b := w.browser()
	a := b.opened("/console/mailbox?name=support&text=acme", "n59@", "n10@", "Those before")
	if strings.Contains(a.body, "n09@") || !strings.Contains(a.body, `href="mailbox?from=11&amp;name=support&amp;text=acme"`) {
		t.Errorf("%s", a.body)
	}
	if a = b.opened("/console/mailbox?from=11&name=support&text=acme", "n09@", "n00@"); strings.Contains(a.body, "n10@") || strings.Contains(a.body, "Those before") {
		t.Errorf("%s", a.body)
	}
}

func TestAMailIsReadAsTextAndWrittenDown(t *testing.T) {
	w := newTeam(t)
	m := w.mailed()
	ann := w.operator()
	page := ann.opened("/console/act?do=read_mail&on=support&mail=1", "Read mail 1 of support", "It is written down")
	if did := w.told(); did != "[]" || strings.Contains(page.body, "alert(3)") {
		t.Fatalf("it is read before that is asked for: %s", did)
	}
	a := ann.submit(page)
	w.says("the mail", a, http.StatusOK, "eve@evil.example", "What it says, as psagate reads it", "Hello", "The mail as it came", `<script>alert(3)</script>`, "<U+202E>", "<U+001B>[31m", "<U+0000>", "Content-Type: text/html")
	if did := w.told(); did != "[ann reads mail 1 of support]" {
		t.Errorf("%s", did)
	}
	for _, tag := range []string{"<script>", "<iframe", "<img", "onload=\"", "\u202e", "\x1b", "\x00", "<script>alert"} {
		if strings.Contains(a.body, tag) {
			t.Errorf("%q stands in the page: %s", tag, a.body)
		}
	}
	policy := a.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "img-src") || strings.Contains(policy, "frame-src") || a.Header.Get("Cache-Control") != "no-store" ||
		a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", a.Header)
	}
	if a.Request.Method != http.MethodPost {
		t.Errorf("it is kept to be looked at again: %s", a.Request.URL)
	}
	w.set(func() { w.deeds.unlogged = errors.New("no space left") })
	if a := ann.submit(page); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.body, "Hello") || w.told() != "[]" {
		t.Errorf("it is shown and not written down: %d %s", a.StatusCode, a.text())
	}
	w.set(func() { w.deeds.unlogged = nil })
	w.permits(`permit (principal, action == Action::"drop_mail", resource is Mailbox);`)
	if a := ann.submit(page); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "Hello") || w.told() != "[]" {
		t.Errorf("it is shown to whom policy does not permit it: %d %s", a.StatusCode, a.text())
	}
	w.permits(allow)
	w.set(func() { m.State, m.Acknowledged, m.Since = ledger.Suppressed, true, w.at })
	if _, err := w.desk.Books.Update(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.Books.Forget(t.Context(), "support", w.now().Add(1)); err != nil {
		t.Fatal(err)
	}
	w.says("one that is not kept", ann.open("/console/act?do=read_mail&on=support&mail=1"), http.StatusOK, "Its bytes are not kept any more")
	w.says("and is asked for", ann.submit(page), http.StatusUnprocessableEntity, "not kept any more")
}

func TestPeopleDecideAboutMails(t *testing.T) {
	w := newTeam(t)
	w.mailed()
	ann := w.operator()
	drop := ann.opened("/console/act?do=drop_mail&on=support&mail=1", "Drop mail 1 of support", "eve@evil.example")
	w.says("dropped", ann.submit(drop, "reason", " spam "), http.StatusOK, "It is dropped", "was suspended, and is suppressed, dropped")
	w.says("dropped twice", ann.submit(drop, "reason", "spam"), http.StatusUnprocessableEntity, "there is nothing to drop")
	ann.opened("/console/message?name=support&mail=1", "by ann: spam", "Try it again")
	retry := ann.opened("/console/act?do=retry_mail&on=support&mail=1", "Try mail 1 of support again")
	w.says("tried again", ann.submit(retry), http.StatusOK, "It is tried again", "was suppressed, and is spooled")
	if did := w.told(); did != "[ann drops mail 1 of support: spam ann drops mail 1 of support: spam ann retries mail 1 of support: ]" {
		t.Errorf("%s", did)
	}
	a := ann.opened("/console/act?do=retry_mail&on=support&mail=1", "there is nothing to try again")
	if oneForm.MatchString(a.body) {
		t.Errorf("it can be tried again all the same: %s", a.body)
	}
	w.says("no mail", ann.open("/console/act?do=drop_mail&on=support&mail=77"), http.StatusNotFound, "no mail of that number")
	w.says("no number", ann.open("/console/act?do=drop_mail&on=support"), http.StatusNotFound, "no mail of that number")
	stranger := w.browser() // who has proven no second factor
	stranger.opened("/console/mail")
	if a := stranger.submit(retry); a.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", a.StatusCode, a.text())
	}
	w.permits("")
	w.says("without a permit", ann.open("/console/act?do=drop_mail&on=support&mail=1"), http.StatusForbidden, "Not permitted", "drop_mail")
	if did := w.told(); did != "[]" {
		t.Errorf("%s", did)
	}
}

func TestABeginningIsShownOfALongText(t *testing.T) {
	p := plainOf("a", []byte("abcdé"), 5)
	if p.Text != `abcd\xc3` || p.Cut != "The first 5 bytes of 6." {
		t.Errorf("%+v", p)
	}
	if p := plainOf("a", []byte("a\r\nb\rc\t"), 50); p.Text != "a\nb<U+000D>c\t" || p.Cut != "" {
		t.Errorf("%+v", p)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte(hostile), 100)
	f.Fuzz(func(t *testing.T, text []byte, most int) {
		most = max(0, most%4096)
		p := plainOf("t", text, most)
		if !utf8.ValidString(p.Text) || strings.ContainsAny(p.Text, "\x00\x1b\r\u202e\u200b") || len(p.Text) > 10*most {
			t.Errorf("%q", p.Text)
		}
		page, err := filled("outcome.html", struct {
			outcome
			Proof string
		}{outcome{Plain: []plain{p}}, ""})
		tags := 10
		if p.Cut != "" {
			tags += 2
		}
		if err != nil || strings.Count(string(page), "<") != tags {
			t.Errorf("%s, %v", page, err)
		}
	})
}
