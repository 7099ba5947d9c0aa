package caddymodule

import (
	"strconv"

	"github.com/psagate/psagate/internal/stepup"
)

// The events of the audit log about people's second factors.
const (
	eventSteppedUp         = "stepped_up"
	eventStepUpRefused     = "step_up_refused"
	eventAppEnrolled       = "app_enrolled"
	eventRecoveryCodesMade = "recovery_codes_made"
)

// noteStepUp writes down what happened to a person's second factor, without any code.
func noteStepUp(e stepup.Event) {
	entry := ofPerson(e.Person, e.Person.Issuer)
	entry.Address, entry.Data = e.Address, map[string]string{"session": e.Session}
	switch e.What {
	case stepup.SteppedUp:
		entry.Event = eventSteppedUp
		entry.Data["recovery_code"], entry.Data["known_browser"] = strconv.FormatBool(e.Recovery), strconv.FormatBool(e.KnownBrowser)
	case stepup.Refused:
		entry.Event = eventStepUpRefused
		entry.Data["recovery_code"], entry.Data["reason"] = strconv.FormatBool(e.Recovery), string(e.Reason)
		if e.Limit != "" {
			entry.Data["limit"] = e.Limit
		}
		refusals.note(entry)
		return
	case stepup.Enrolled:
		entry.Event = eventAppEnrolled
	case stepup.NewRecovery:
		entry.Event = eventRecoveryCodesMade
	}
	noteEvent(entry)
}
