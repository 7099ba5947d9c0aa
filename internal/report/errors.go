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

// ErrPutting says that somebody else is writing the login's record at the moment: one at a time.
var ErrPutting = errors.New("another put of this login's record is under way: wait for it, and look at what came of it first")

// ErrStopping says that the process is about to stop, so that nothing new is begun.
var ErrStopping = errors.New("psagate is stopping: nothing was sent to the PSA, and nothing was written")

// Unfit is an error in what the operator gave.
type Unfit struct{ error }

// NewUnfit says what is wrong with what the operator gave.
func NewUnfit(err error) error { return Unfit{err} }

// Unwrap returns what is wrong.
func (u Unfit) Unwrap() error { return u.error }

// ErrNotShown says that a release names a seq that no status can have shown.
var ErrNotShown = errors.New("no status has shown that seq")
