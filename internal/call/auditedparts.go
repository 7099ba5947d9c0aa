package call

import (
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
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

// fieldsOf tells which fields a call is about. The error is one of reading the body that was received; what cannot be understood of
// it has no fields.
func fieldsOf(op autotask.Operation, r *http.Request, body *received) (autotask.Fields, error) {
	if body.Size() == 0 {
		return autotask.ParseFields(op, r.URL.RawQuery, nil)
	}
	in, err := body.Open()
	if err != nil {
		return autotask.Fields{}, err
	}
	defer in.Close()
	if r.Header.Get("Content-Encoding") == "" {
		return autotask.ParseFields(op, r.URL.RawQuery, in)
	}
	z, _ := inflaters.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer inflaters.Put(z)
	if err := z.Reset(in); err != nil {
		return autotask.Fields{}, err
	}
	return autotask.ParseFields(op, r.URL.RawQuery, z)
}

// parts are who decides, by the reason of an answer of psagate's own; what is not here is the gateway's.
var parts = map[autotask.Reason]audit.Part{
	autotask.Disabled:            audit.ByIdentity,
	autotask.TooManyFailures:     audit.ByIdentity,
	autotask.Policy:              audit.ByPolicy,
	"step-up":                    audit.ByPolicy,
	"rate":                       audit.ByQuota,
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
