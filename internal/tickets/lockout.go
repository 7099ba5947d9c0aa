package tickets

import (
	"context"

	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/call"
)

// Lockout returns what tells a gateway of the lockout notices that come to a mailbox, for drive.Driver.Lockout.
func Lockout(g *call.Gateway, mailbox string) func(context.Context, *route.Lockout) error {
	return func(ctx context.Context, l *route.Lockout) error {
		return g.Lockout(ctx, call.LockoutNotice{Mailbox: mailbox, Users: l.Users, At: l.At, Addresses: l.Addresses, Ours: l.Ours, AddressesKnown: l.AddressesKnown})
	}
}
