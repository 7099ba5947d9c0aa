package caddymodule

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
)

// audited returns what is written down meanwhile.
func audited(t *testing.T, do func()) []audit.Entry {
	t.Helper()
	a := &App{audit: takeTrail(output{&shelf{name: t.Name()}, "", false})}
	auditing.Store(a.audit)
	defer a.leaveAudit()
	do()
	a.audit.mu.Lock()
	defer a.audit.mu.Unlock()
	return a.audit.early
}

func TestWhatHappensToAPersonsSignInIsWrittenDownByIdsAlone(t *testing.T) {
	ann := session.Person{Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "7d1f", Email: "ann@example.com", Name: "Ann Ample", Groups: []string{"ops"}}
	refusals = fewRefusals{}
	for _, c := range []struct {
		event signin.Event
		want  audit.Entry
	}{
		{
			signin.Event{What: signin.SignedIn, Person: ann, Issuer: "corp", Session: "S1", Address: "192.0.2.7"},
			audit.Entry{Event: "signed_in", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Groups: []string{"ops"}, Address: "192.0.2.7", Data: map[string]string{"session": "S1"}},
		},
		{
			signin.Event{What: signin.SignedOut, Person: ann, Issuer: "corp", Session: "S1", Address: "192.0.2.7"},
			audit.Entry{Event: "signed_out", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Address: "192.0.2.7", Data: map[string]string{"session": "S1"}},
		},
		{
			signin.Event{What: signin.Ended, Person: ann, Issuer: "corp", Session: "S1"},
			audit.Entry{Event: "session_ended", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Data: map[string]string{"session": "S1", "by": "issuer"}},
		},
		{
			signin.Event{What: signin.Refused, Issuer: "corp", Why: signin.Denied, Reason: "the issuer says hunter2"},
			audit.Entry{Event: "sign_in_refused", Issuer: "corp", Data: map[string]string{"reason": "denied"}},
		},
		{
			signin.Event{What: signin.Refused, Person: ann, Issuer: "corp", Why: signin.NotInGroup},
			audit.Entry{Event: "sign_in_refused", CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Data: map[string]string{"reason": "not-in-group"}},
		},
		{
			signin.Event{What: signin.LogoutRefused, Issuer: "corp", Why: signin.WrongAnswer, Reason: "hunter2"},
			audit.Entry{Event: "logout_refused", Issuer: "corp", Data: map[string]string{"reason": "wrong-answer"}},
		},
	} {
		got := audited(t, func() { noteSignIn(c.event) })
		c.want.Kind = audit.Event
		if fmt.Sprint(got) != fmt.Sprint([]audit.Entry{c.want}) {
			t.Errorf("%s:\n%+v, want\n%+v", c.event.What, got, c.want)
		}
	}
	got := audited(t, func() { author{address: "192.0.2.1"}.noteEnded(session.Session{ID: "S1", Person: ann}) })
	if text := fmt.Sprintf("%+v", got); len(got) != 1 || got[0].Data["by"] != "operator" || got[0].Caller != "7d1f" || strings.Contains(text, "example.com") || strings.Contains(text, "Ample") {
		t.Error(text)
	}
}

func TestRefusedSignInsDoNotFillTheAuditLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals = fewRefusals{}
		refuse := func(n int) {
			for range n {
				noteSignIn(signin.Event{What: signin.Refused, Why: signin.Lapsed})
			}
		}
		got := audited(t, func() {
			refuse(refusalsAMinute + 7)
			time.Sleep(time.Minute)
			synctest.Wait()
			refuse(1)
		})
		if n := len(got); n != refusalsAMinute+2 {
			t.Fatalf("%d lines", n)
		}
		if told := got[refusalsAMinute]; told.Event != call.EventTooMany || told.Data["count"] != "7" {
			t.Errorf("%+v", told)
		}
	})
}
