package mail

import (
	"context"

	"github.com/psagate/psagate/broker/refused"
	"github.com/psagate/psagate/internal/installation"
)

// SignIns are refused.Books in a store: all processes of it know which passwords mail servers have refused, and it does not know the
// passwords.
type SignIns struct {
	// Store is where it is kept (store.MailSignIns).
	Store interface {
		Change(ctx context.Context, place string, f func(*refused.Record)) error
	}
	// Key is the installation's, which is not in the store: whoever reads that cannot try passwords out. Its error says that it is not known
	// yet.
	Key func() (installation.Key, error)
}

var _ refused.Books = SignIns{}

// Change implements refused.Books.
func (s SignIns) Change(ctx context.Context, place string, f func(*refused.Record)) error {
	return s.Store.Change(ctx, place, f)
}

// Prints implements refused.Books. Each names the key that it is made with.
func (s SignIns) Prints(place, secret string) ([]string, error) {
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	var prints []string
	for _, mac := range key.MACs("mail sign-in", place, secret) {
		prints = append(prints, mac.Key+":"+mac.Sum)
	}
	return prints, nil
}
