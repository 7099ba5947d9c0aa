package report_test

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestSecondFactorsReadWell(t *testing.T) {
	ago := func(d time.Duration) *time.Time { at := noon.Add(-d); return &at }
	people := report.TOTPPeople{Time: noon, People: []report.TOTPPerson{
		{Issuer: "corp", Subject: "ann", Enrolled: true, Since: ago(72 * time.Hour), LastUsed: ago(2 * time.Hour), RecoveryLeft: 9},
		{Issuer: "corp", Subject: "bob", BegunUntil: ago(-5 * time.Minute)},
		{Issuer: "https://old.example.com", Subject: "cem", Enrolled: true, Since: ago(time.Hour), LastUsed: ago(time.Hour), RecoveryLeft: 1, BegunUntil: ago(-time.Minute)},
	}}
	golden(t, "totp-list", people, func(p report.Printer) { p.TOTPPeople(people) })
	none := report.TOTPPeople{Time: noon, People: []report.TOTPPerson{}}
	golden(t, "totp-list-none", none, func(p report.Printer) { p.TOTPPeople(none) })
	reset := report.TOTPReset{Issuer: "corp", Subject: "ann", Reset: true, SessionsEnded: 2}
	golden(t, "totp-reset", reset, func(p report.Printer) { p.TOTPReset(reset) })
	nothing := report.TOTPReset{Issuer: "corp", Subject: "dan"}
	golden(t, "totp-reset-nothing", nothing, func(p report.Printer) { p.TOTPReset(nothing) })
}
