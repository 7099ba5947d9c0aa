package report_test

import (
	"testing"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/report"
)

func TestAnAuditLineTellsPeopleFromIntegrations(t *testing.T) {
	for want, e := range map[string]audit.Entry{
		"2026-03-04T12:00:00Z corp/rmm signed_in - session=S1":   {Kind: audit.Event, Event: "signed_in", CallerKind: audit.Person, Caller: "rmm", Issuer: "corp", Data: map[string]string{"session": "S1"}},
		"2026-03-04T12:00:00Z rmm read Tickets/7 permit psa 200": {Kind: audit.Call, CallerKind: audit.Integration, Caller: "rmm", Issuer: "corp", Action: "read", Entity: "Tickets", ID: "7", Decision: audit.Permit, DecidedBy: audit.ByPSA, Status: 200},
		"2026-03-04T12:00:00Z - sign_in_refused - reason=lapsed": {Kind: audit.Event, Event: "sign_in_refused", Issuer: "corp", Data: map[string]string{"reason": "lapsed"}},
		"2026-03-04T12:00:00Z operator code_shown main":          {Kind: audit.Event, Event: "code_shown", CallerKind: audit.Operator, Login: "main"},
		`2026-03-04T12:00:00Z corp/a b\x1b code_shown main`:      {Kind: audit.Event, Event: "code_shown", CallerKind: audit.Person, Issuer: "corp", Caller: "a b\x1b", Login: "main"},
	} {
		e.Time = noon
		if got := report.AuditLine(e); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
