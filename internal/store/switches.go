package store

import (
	"context"
	"time"
)

// Switched is an integration that an operator has switched off while psagate runs, for all processes of the store, until somebody
// switches it on again.
type Switched struct {
	// Name is the integration's in the config.
	Name string
	// Reason is what its callers are told; may be empty.
	Reason string
	// At is when it was switched off.
	At time.Time
}

// SwitchOff switches an integration off, or gives the one that is off another reason.
func (s *Store) SwitchOff(ctx context.Context, w Switched) error {
	if problem := s.unusable(); problem != nil {
		return problem
	}
	return s.transact(ctx, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, `INSERT INTO switched_off (integration, reason, at) VALUES (?, ?, ?)
			ON CONFLICT (integration) DO UPDATE SET reason = excluded.reason, at = excluded.at`, w.Name, w.Reason, w.At.UnixMicro())
		return err
	})
}

// SwitchOn ends that. It reports whether the integration was off.
func (s *Store) SwitchOn(ctx context.Context, name string) (was bool, err error) {
	if problem := s.unusable(); problem != nil {
		return false, problem
	}
	err = s.transact(ctx, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, `DELETE FROM switched_off WHERE integration = ?`, name)
		was = n > 0
		return err
	})
	return was, err
}

// SwitchedOff returns all that are off, by name. It writes nothing.
func (s *Store) SwitchedOff(ctx context.Context) (list []Switched, err error) {
	err = s.peek(ctx, func(ctx context.Context, x *tx) error {
		return x.each(ctx, `SELECT integration, reason, at FROM switched_off ORDER BY integration`, nil, func(scan func(...any) error) error {
			var w Switched
			var at micros
			err := scan(&w.Name, &w.Reason, &at)
			w.At = at.time()
			list = append(list, w)
			return err
		})
	})
	return list, err
}
