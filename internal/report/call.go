package report

import "cmp"

// Call is what one call turned out to be, for placeholders and logs. What is not known is empty.
type Call struct {
	// Integration is who called.
	Integration string
	// Entity and Action are the operation.
	Entity, Action string
	// ID is the id in the path.
	ID string
	// Login is the name of the login that served.
	Login string
	// Zone is the base URL that the call was sent to.
	Zone string
	// CredentialVersion is the store's label of the credential that it was sent with.
	CredentialVersion string
	// Decision is what policy decided: one of the words below; empty where it was not asked.
	Decision string
	// Rule is what of the config denied it where that was no policy: one of the words below.
	Rule string
	// Reason is psagate's word for an answer of its own.
	Reason string
	// Said is what policy said, where it did not allow the call: for the operator.
	Said string
	// Outcome is what became of the call: one of the words below, or the Reason.
	Outcome string
}

// Learn takes over what somebody else found out of the same call; what they left empty stays as it is.
func (c *Call) Learn(more Call) {
	c.Integration = cmp.Or(more.Integration, c.Integration)
	c.Entity, c.Action = cmp.Or(more.Entity, c.Entity), cmp.Or(more.Action, c.Action)
	c.ID = cmp.Or(more.ID, c.ID)
	c.Login = cmp.Or(more.Login, c.Login)
	c.Zone = cmp.Or(more.Zone, c.Zone)
	c.CredentialVersion = cmp.Or(more.CredentialVersion, c.CredentialVersion)
	c.Decision, c.Rule = cmp.Or(more.Decision, c.Decision), cmp.Or(more.Rule, c.Rule)
	c.Said = cmp.Or(more.Said, c.Said)
	c.Reason, c.Outcome = cmp.Or(more.Reason, c.Reason), cmp.Or(more.Outcome, c.Outcome)
}

// The rules of the config that deny calls, beside policies.
const (
	// Freeze: nobody may write now.
	Freeze = "freeze"
	// Impersonation: the integration may not send the name of another.
	Impersonation = "impersonate"
)

// The decisions of policy.
const (
	// Allow: the call may pass.
	Allow = "allow"
	// Deny: it may not.
	Deny = "deny"
	// WouldDeny: it may not, and passes since policy is only observed.
	WouldDeny = "would-deny"
	// StepUp: it may pass once a person has shown a fresh second factor.
	StepUp = "step-up"
)

// The outcomes of calls beside the reasons.
const (
	// OutcomeOK: the PSA answered below 400, or psagate itself where no sign-in is needed.
	OutcomeOK = "ok"
	// OutcomeClientError and OutcomeServerError: the PSA answered from 400 on, or from 500 on.
	OutcomeClientError = "client-error"
	OutcomeServerError = "server-error"
	// OutcomeUnidentified: the call showed no good key.
	OutcomeUnidentified = "unidentified"
	// OutcomeGone: the caller had left before there was an answer, or the answer broke off on its way.
	OutcomeGone = "gone"
)

// End says what became of the call, where that is not said yet: its Reason where it has one, else what the status means
// that was answered; 0 is none.
func (c *Call) End(status int) {
	switch {
	case c.Outcome != "":
	case c.Reason != "":
		c.Outcome = c.Reason
	case status == 0:
		c.Outcome = OutcomeGone
	case status >= 500:
		c.Outcome = OutcomeServerError
	case status >= 400:
		c.Outcome = OutcomeClientError
	default:
		c.Outcome = OutcomeOK
	}
}
