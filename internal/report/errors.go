package report

import "errors"

// ErrUnknownLogin says that no login of the config has the name.
var ErrUnknownLogin = errors.New("no login of that name")

// ErrNotShown says that a release names a seq that no status can have shown.
var ErrNotShown = errors.New("no status has shown that seq")
