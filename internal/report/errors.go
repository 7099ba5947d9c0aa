package report

import "errors"

// ErrUnknownLogin says that no login of the config has the name.
var ErrUnknownLogin = errors.New("no login of that name")
