package totp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// Shared is where the codes of a PSA user come from that several people share.
type Shared struct {
	// Store holds the seed, or makes the codes.
	Store *secret.Store
	// Path is the record that holds the seed, as [SeedFrom] reads it; with Engine that of the key.
	Path string
	// Field is the record's field that holds the seed. Default: totp_seed.
	Field string
	// Engine: the store makes the codes itself, and gives no seed away.
	Engine bool
}

// ErrNoCoder: the store makes no codes.
var ErrNoCoder = errors.New("the store makes no codes itself: put the seed into a record")

// Code returns the code of now. The seed is read for it alone, so that nothing of it is kept where nobody asks. Errors are those of
// the store, and of a seed that cannot be used; they hold neither seed nor code.
func (s Shared) Code(ctx context.Context, now func() time.Time) (secret.Code, error) {
	if s.Engine {
		coder, is := s.Store.Coder()
		if !is {
			return secret.Code{}, ErrNoCoder
		}
		return coder.Code(ctx, s.Path)
	}
	release := s.Store.Use(s.Path, nil)
	defer release()
	record, err := s.Store.Wait(ctx, s.Path)
	if err != nil {
		return secret.Code{}, err
	}
	seed, err := s.seed(record)
	if err != nil {
		return secret.Code{}, err
	}
	return seed.Code(now())
}

func (s Shared) seed(r secret.Record) (Seed, error) {
	if s.Field == "" || s.Field == FieldSeed {
		return SeedFrom(r)
	}
	value, err := r.Field(s.Field)
	if err != nil {
		return Seed{}, err
	}
	r.Fields = maps.Clone(r.Fields) // they are shared
	r.Fields[FieldSeed] = value
	seed, err := SeedFrom(r)
	if err != nil {
		return Seed{}, fmt.Errorf("field %q, taken as %q: %w", s.Field, FieldSeed, err)
	}
	return seed, nil
}
