package caddymodule

import (
	"errors"
	"reflect"
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/console"
	"github.com/psagate/psagate/internal/session"
)

// anns is ann at the console.
var anns = console.Doer{Session: session.Session{ID: "S1", Person: session.Person{Issuer: "corp", Subject: "7d1f", Email: "hidden@example.com"}}, Address: "192.0.2.7"}

func TestAMailIsShownOnceTheAuditLogNamesWhoReadsIt(t *testing.T) {
	log := new(auditBook)
	if err := noteReading(t.Context(), log, authorOf(anns), "support", 12); err != nil {
		t.Fatal(err)
	}
	want := []audit.Entry{{
		Kind: audit.Event, Event: "mail_read", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Address: "192.0.2.7",
		Data: map[string]string{"mailbox": "support", "mail": "12"},
	}}
	if !reflect.DeepEqual(log.entries, want) {
		t.Errorf("%+v", log.entries)
	}
	for name, log := range map[string]auditor{"there is no audit log": nil, "no space left": &auditBook{err: errors.New("no space left")}} {
		if err := noteReading(t.Context(), log, authorOf(anns), "support", 12); err == nil {
			t.Errorf("%s, and it is shown", name)
		}
	}
}

func TestReadingAMailAsksPolicyAndTheLog(t *testing.T) {
	withMails(t)
	deeds := consoleDeeds{&App{engine: &fake{permits: true}}}
	raw, _, err := deeds.ReadMail(t.Context(), anns, "support", 2)
	if raw != nil || err == nil || errors.Is(err, console.ErrDenied) {
		t.Errorf("it is shown, and there is no audit log: %q, %v", raw, err)
	}
	noted := audited(t, func() {
		if raw, _, err := deeds.ReadMail(t.Context(), anns, "support", 77); raw != nil || err == nil {
			t.Errorf("a mail that is not there: %q, %v", raw, err)
		}
	})
	if len(noted) != 0 {
		t.Errorf("%+v", noted)
	}
	deeds.app.engine = new(fake)
	if raw, decision, err := deeds.ReadMail(t.Context(), anns, "support", 2); raw != nil || !errors.Is(err, console.ErrDenied) || decision.Allowed() {
		t.Errorf("%q, %+v, %v", raw, decision, err)
	}
}

func TestWhatAPersonDecidesAboutAMailIsWrittenDownWithTheName(t *testing.T) {
	books, woken := withMails(t)
	deeds, source := consoleDeeds{&App{engine: &fake{permits: true}}}, consoleSource{new(App)}
	noted := audited(t, func() {
		if _, err := deeds.DropMail(t.Context(), anns, "support", 2, "spam"); err != nil {
			t.Error(err)
		}
		if _, err := deeds.RetryMail(t.Context(), anns, "support", 2, ""); err != nil {
			t.Error(err)
		}
		if _, err := deeds.RetryMail(t.Context(), anns, "support", 1, ""); err == nil {
			t.Error("a mail that is done is tried again")
		}
	})
	var got []string
	for _, e := range noted {
		got = append(got, e.Event+" "+e.Issuer+"/"+e.Caller+" "+e.Data["mail"]+" "+e.Data["was"]+" "+e.Data["cause"]+" "+e.Data["reason"])
	}
	if want := []string{"mail_dropped corp/7d1f 2 suspended dropped spam", "mail_retried corp/7d1f 2 suppressed  "}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	m, err := books.Get(t.Context(), 2)
	if last := m.History[len(m.History)-1]; err != nil || last.By != "corp/7d1f" || len(*woken) != 2 {
		t.Errorf("%+v, %v, %v", m.History, *woken, err)
	}
	all, err1 := source.MailBooks(t.Context())
	one, err2 := source.Mail(t.Context(), "support", 2)
	if err1 != nil || err2 != nil || len(all.Mailboxes) != 3 || one.Mail.State != "spooled" {
		t.Errorf("%+v, %+v, %v, %v", all, one, err1, err2)
	}
}
