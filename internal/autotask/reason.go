package autotask

import "net/http"

// Reason is the word, in the header Psagate-Reason, that tells a program why the gateway itself answered.
type Reason string

// HeaderReason carries a Reason on every error that is the gateway's own.
const HeaderReason = "Psagate-Reason"

// The reasons. Words and statuses are a contract with callers.
const (
	BadRequest          Reason = "bad-request"
	NotFound            Reason = "not-found"
	Policy              Reason = "policy"
	StepUp              Reason = "step-up"
	Disabled            Reason = "disabled"
	TooLarge            Reason = "too-large"
	TooManyFailures     Reason = "too-many-failures"
	Rate                Reason = "rate"
	Quota               Reason = "quota"
	CredentialRefused   Reason = "credential-refused"
	BudgetSpent         Reason = "budget-spent"
	GateShut            Reason = "gate-shut"
	LoginLocked         Reason = "login-locked"
	SecretUnavailable   Reason = "secret-unavailable"
	StoreUnavailable    Reason = "store-unavailable"
	AuditUnavailable    Reason = "audit-unavailable"
	QueueFull           Reason = "queue-full"
	QueueDeadline       Reason = "queue-deadline"
	Draining            Reason = "draining"
	ZoneUnknown         Reason = "zone-unknown"
	UpstreamUnreachable Reason = "upstream-unreachable"
	UpstreamTimeout     Reason = "upstream-timeout"
)

// reasonFacts is what a reason implies. waits is true where the same call may succeed later and is known not to have
// been carried out: only then may a Retry-After invite a client to send it again by itself.
type reasonFacts struct {
	status int
	waits  bool
}

var reasons = map[Reason]reasonFacts{
	BadRequest:          {http.StatusBadRequest, false},
	NotFound:            {http.StatusNotFound, false},
	Policy:              {http.StatusForbidden, false},
	StepUp:              {http.StatusForbidden, false},
	Disabled:            {http.StatusForbidden, false},
	TooLarge:            {http.StatusRequestEntityTooLarge, false},
	TooManyFailures:     {http.StatusTooManyRequests, true},
	Rate:                {http.StatusTooManyRequests, true},
	Quota:               {http.StatusTooManyRequests, true},
	CredentialRefused:   {http.StatusServiceUnavailable, true},
	BudgetSpent:         {http.StatusServiceUnavailable, true},
	GateShut:            {http.StatusServiceUnavailable, true},
	LoginLocked:         {http.StatusServiceUnavailable, false},
	SecretUnavailable:   {http.StatusServiceUnavailable, true},
	StoreUnavailable:    {http.StatusServiceUnavailable, true},
	AuditUnavailable:    {http.StatusServiceUnavailable, true},
	QueueFull:           {http.StatusServiceUnavailable, true},
	QueueDeadline:       {http.StatusServiceUnavailable, true},
	Draining:            {http.StatusServiceUnavailable, true},
	ZoneUnknown:         {http.StatusBadGateway, true},
	UpstreamUnreachable: {http.StatusBadGateway, false},
	UpstreamTimeout:     {http.StatusGatewayTimeout, false},
}

// Status returns the HTTP status that goes with the reason; 500 for a word that is none.
func (r Reason) Status() int {
	if f, ok := reasons[r]; ok {
		return f.status
	}
	return http.StatusInternalServerError
}
