package route

import (
	"fmt"

	"github.com/psagate/psagate/broker/loop"
)

// Guarded applies what the guard against loops says of the mail. What has ended already, stays.
func (d *Draft) Guarded(v loop.Verdict) {
	if d.Outcome != NewTicket && d.Outcome != Note || v.What == loop.Pass {
		return
	}
	if v.What == loop.Append && d.Outcome == NewTicket {
		d.Outcome, d.Ticket = Note, Ticket{ID: v.Ticket}
		d.say(fmt.Sprintf("%s: it becomes a note on the ticket that is there", v.Cause))
		d.write()
	}
	if v.What == loop.Suspend {
		d.end(Suspended, "loop", v.Cause)
	}
}
