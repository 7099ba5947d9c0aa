package caddymodule

import (
	"context"
	"errors"

	"github.com/psagate/psagate/broker/refused"
	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/mail"
)

// mailSignIns remember which passwords and tokens mail servers have refused, in the store: neither a reload, a restart, another replica
// nor a test sends them again.
var mailSignIns = refused.Memory{Books: mail.SignIns{Store: groundSignIns{}, Key: func() (installation.Key, error) {
	select {
	case <-ground().opened:
		return ground().installationKey(), nil
	default:
		return installation.Key{}, errors.New("the store is not open yet")
	}
}}}

// groundSignIns are the store's, whichever it comes to be.
type groundSignIns struct{}

func (groundSignIns) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	return ground().store.MailSignIns().Change(ctx, place, f)
}
