package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

func TestStatusAndFailuresAdviseTheSameOnARefusedLogin(t *testing.T) {
	alice := failed(time.Minute, "rmm", itsOwn)
	for name, c := range map[string]struct {
		status report.LoginStatus
		starts string
	}{
		"it was accepted before":       {report.LoginStatus{Name: "main", Newest: &report.CredentialStatus{Version: 3, State: "refused", AcceptedAt: at(-time.Hour)}}, "See in the PSA whether the user is locked"},
		"it was never accepted":        {report.LoginStatus{Name: "main", Newest: &report.CredentialStatus{Version: 3, State: "refused"}}, "Correct version 3"},
		"it is read elsewhere":         {report.LoginStatus{Name: "main", Newest: elsewhere(3, "refused")}, "Give all replicas the password"},
		"a caller brought it":          {report.LoginStatus{Name: "main/alice@example.com", Brought: []report.BroughtStatus{{State: "refused", Integration: "rmm", Client: alice.Client}}}, "Give rmm (at 192.0.2.7) the password"},
		"nobody knows who brought it":  {report.LoginStatus{Name: "main/alice@example.com"}, "Give its callers the password"},
		"the store's was not the last": {report.LoginStatus{Name: "main"}, "Save the password"},
	} {
		c.status.State = report.LoginRefused
		l := report.LoginFailures{Login: c.status.Name, State: c.status.State, Newest: c.status.Newest, Lockout: report.LockoutStatus{Threshold: 7}}
		if len(c.status.Brought) > 0 {
			l.Attempts = []report.FailedAttempt{alice}
		}
		l.Conclude()
		if advice := c.status.Advise(); advice != l.Next || !strings.HasPrefix(advice, c.starts) {
			t.Errorf("%s: status says %q, failures %q", name, advice, l.Next)
		}
	}
}
