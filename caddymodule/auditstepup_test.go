package caddymodule

import (
	"fmt"
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/stepup"
)

func TestWhatHappensToAPersonsSecondFactorIsWrittenDownByIdsAlone(t *testing.T) {
	ann := session.Person{Issuer: "corp", IssuerURL: "https://login.example.com", Subject: "7d1f", Email: "ann@example.com", Name: "Ann Ample", Groups: []string{"ops"}}
	refusals = fewRefusals{}
	for _, c := range []struct {
		event stepup.Event
		word  string
		data  map[string]string
	}{
		{stepup.Event{What: stepup.SteppedUp, KnownBrowser: true}, "stepped_up", map[string]string{"session": "S1", "recovery_code": "false", "known_browser": "true"}},
		{stepup.Event{What: stepup.SteppedUp, Recovery: true}, "stepped_up", map[string]string{"session": "S1", "recovery_code": "true", "known_browser": "false"}},
		{stepup.Event{What: stepup.Refused, Reason: stepup.WrongCode}, "step_up_refused", map[string]string{"session": "S1", "recovery_code": "false", "reason": "wrong-code"}},
		{
			stepup.Event{What: stepup.Refused, Recovery: true, Reason: stepup.TooManyFailures, Limit: "this session"},
			"step_up_refused",
			map[string]string{"session": "S1", "recovery_code": "true", "reason": "too-many-failures", "limit": "this session"},
		},
		{stepup.Event{What: stepup.Enrolled}, "app_enrolled", map[string]string{"session": "S1"}},
		{stepup.Event{What: stepup.NewRecovery}, "recovery_codes_made", map[string]string{"session": "S1"}},
	} {
		c.event.Person, c.event.Session, c.event.Address = ann, "S1", "192.0.2.7"
		want := audit.Entry{Kind: audit.Event, Event: c.word, CallerKind: audit.Person, Caller: "7d1f", Issuer: "corp", Address: "192.0.2.7", Data: c.data}
		if got := audited(t, func() { noteStepUp(c.event) }); fmt.Sprint(got) != fmt.Sprint([]audit.Entry{want}) {
			t.Errorf("%s:\n%+v, want\n%+v", c.event.What, got, want)
		}
	}
	got := audited(t, func() {
		noteSignIn(signin.Event{What: signin.EndedElsewhere, Person: ann, Issuer: "corp", Session: "S2"})
	})
	if len(got) != 1 || got[0].Event != "session_ended" || got[0].Data["by"] != "person" || got[0].Data["session"] != "S2" {
		t.Errorf("%+v", got)
	}
	got = audited(t, func() {
		noteSignIn(signin.Event{What: signin.EndedForNew, Person: ann, Issuer: "corp", Session: "S3"})
	})
	if len(got) != 1 || got[0].Event != "session_ended" || got[0].Data["by"] != "limit" || got[0].Data["session"] != "S3" {
		t.Errorf("%+v", got)
	}
}
