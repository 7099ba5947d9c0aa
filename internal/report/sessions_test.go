package report_test

import (
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestSessionsReadWell(t *testing.T) {
	some := report.Sessions{Time: noon, Sessions: []report.PersonSession{
		{
			ID: "HLXUS5ZTXKPQSTEP", Issuer: "corp", Subject: "7d1f", Since: before(time.Hour), Seen: before(time.Minute), Ends: noon.Add(23 * time.Hour),
			Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64)",
		},
		{ID: "QUGGRZHDUIBQRQNT", Issuer: "partner", Subject: "ann", Since: before(30 * time.Hour), Seen: before(7 * time.Hour), Ends: noon.Add(time.Hour)},
	}}
	none := report.Sessions{Time: noon, Sessions: []report.PersonSession{}}
	golden(t, "sessions", some, func(p report.Printer) { p.Sessions(some) })
	golden(t, "sessions-none", none, func(p report.Printer) { p.Sessions(none) })
	golden(t, "sessions-ended", some, func(p report.Printer) { p.SessionsEnded(some) })
	golden(t, "sessions-ended-none", none, func(p report.Printer) { p.SessionsEnded(none) })
}
