package report

import "errors"

// ErrUnknownLogin says that no login of the config has the name.
var ErrUnknownLogin = errors.New("no login of that name")

// ErrUnknownPool says that no pool of the config has the name.
var ErrUnknownPool = errors.New("no pool of that name")

// ErrUnknownIntegration says that no integration of the config has the name.
var ErrUnknownIntegration = errors.New("no integration of that name")

// ErrRotating says that a rotation is under way already: one at a time.
var ErrRotating = errors.New("a rotation is under way already")

// Unfit is an error in what the operator gave.
type Unfit struct{ error }

// NewUnfit says what is wrong with what the operator gave.
func NewUnfit(err error) error { return Unfit{err} }

// Unwrap returns what is wrong.
func (u Unfit) Unwrap() error { return u.error }

// ErrNotShown says that a release names a seq that no status can have shown.
var ErrNotShown = errors.New("no status has shown that seq")
