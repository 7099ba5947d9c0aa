package call

import (
	"slices"
	"strconv"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// unknownAMinute is how many calls of those whom nobody knows are written down in a minute, whatever their addresses: whoever has
// many must not fill the disk of a log that calls depend on.
const unknownAMinute = 1000

// The events of the audit log that are none of an Observer's.
const (
	// EventTooMany: so many calls of those whom nobody knows are not written down one by one.
	EventTooMany = "too_many_failures"
)

// leftOutEvent says how many calls of those whom nobody knows have no line of their own.
func leftOutEvent(n int) audit.Entry {
	return audit.Entry{Kind: audit.Event, Event: EventTooMany, Data: map[string]string{"count": strconv.Itoa(n)}}
}

// reasonsOf are the policies that decided, else why in a word; and the line that would permit what is denied.
func reasonsOf(d policy.Decision) (all []string) {
	for _, r := range slices.Concat(d.Errors, d.Reasons) {
		all = append(all, r.String())
	}
	if len(all) == 0 {
		all = append(all, string(d.Why))
	}
	if d.Permit != "" {
		all = append(all, d.Permit)
	}
	return all
}

// parts are who decides, by the reason of an answer of psagate's own; what is not here is the gateway's.
var parts = map[autotask.Reason]audit.Part{
	autotask.Disabled:            audit.ByIdentity,
	autotask.TooManyFailures:     audit.ByIdentity,
	autotask.Policy:              audit.ByPolicy,
	autotask.StepUp:              audit.ByPolicy,
	autotask.Rate:                audit.ByQuota,
	"quota":                      audit.ByQuota,
	autotask.CredentialRefused:   audit.ByGuard,
	autotask.BudgetSpent:         audit.ByGuard,
	autotask.GateShut:            audit.ByGuard,
	autotask.LoginLocked:         audit.ByGuard,
	autotask.SecretUnavailable:   audit.ByGuard,
	autotask.StoreUnavailable:    audit.ByGuard,
	autotask.QueueFull:           audit.ByGuard,
	autotask.QueueDeadline:       audit.ByGuard,
	autotask.Draining:            audit.ByGuard,
	autotask.ZoneUnknown:         audit.ByGuard,
	autotask.UpstreamUnreachable: audit.ByPSA,
	autotask.UpstreamTimeout:     audit.ByPSA,
}

// part says who decided what the caller hears; by, where the reason does not.
func (a *audited) part(info report.Call, by audit.Part) audit.Part {
	reason := autotask.Reason(info.Reason)
	said := parts[reason]
	switch {
	case a.sent && (reason == "" || reason == autotask.CredentialRefused || reason == autotask.LoginLocked):
		return audit.ByPSA
	case info.Outcome == report.OutcomeUnidentified:
		return audit.ByIdentity
	case by == audit.ByIdentity && said != "":
		return by
	case said != "":
		return said
	}
	return audit.ByGateway
}
