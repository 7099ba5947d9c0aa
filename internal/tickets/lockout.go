package tickets

import (
	"context"

	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
)

// Locks takes in what lockout notices say: a call.Gateway.
type Locks interface {
	Lockout(ctx context.Context, n call.LockoutNotice) error
}

// Lockout returns what tells a gateway of the lockout notices that come to a mailbox, for drive.Driver.Lockout.
func Lockout(g Locks, mailbox string) func(context.Context, *route.Lockout) error {
	return func(ctx context.Context, l *route.Lockout) error {
		return g.Lockout(ctx, call.LockoutNotice{Mailbox: mailbox, Users: l.Users, At: l.At, Addresses: l.Addresses, Ours: l.Ours, AddressesKnown: l.AddressesKnown})
	}
}
