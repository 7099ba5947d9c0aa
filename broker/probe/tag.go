package probe

import (
	"context"
	"errors"
)

// tag puts a mail into the inbox and marks it there as the broker does, where mails stay in the inbox.
func (r *run) tag(ctx context.Context) {
	if !r.marks() {
		r.skip("not tried: there is no key to mark mails with, so that none becomes a ticket", "mark")
		return
	}
	r.step("mark", func() (found, error) { return r.tagged(ctx) })
}

func (r *run) tagged(ctx context.Context) (found, error) {
	m, err := r.mark(ctx, inbox)
	if err != nil {
		return found{}, err
	}
	l := r.letter(r.from(), r.from())
	if err := r.trial.Put(ctx, l.raw); err != nil { // whoever forbids moving may forbid this, which psagate does not need
		return warn("Send a mail to an address of the mailbox, and see with psagate mail list that it is done.",
			"whether a mail of the inbox can be marked was not seen: none could be put there; %v", err)
	}
	place, err := r.seek(ctx, l, m, inbox)
	switch {
	case err != nil:
		return found{}, err
	case place == nil:
		return warn("Look for a rule or a filter of the mailbox that takes mails away.", "a mail was put into the inbox, and is not there: something else takes mails out")
	}
	there, err := r.trial.Tag(ctx, *place)
	switch {
	case err != nil:
		return found{}, errors.Join(err, r.remove(ctx, *place))
	case !there:
		return warn("Look for a rule or a filter of the mailbox that takes mails away.", "a mail was put into the inbox, and was gone before it could be marked")
	}
	return r.removed(ctx, l, m, *place, "a mail was put into the inbox, marked as done with, and taken out again")
}
