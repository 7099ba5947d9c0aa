package secret

import "context"

// Func gives a secret text that may change: it is asked each time the text is needed. It may read a file or the
// environment; what it gives of a store is the last known value. Its error holds no secret.
type Func func(ctx context.Context) (Value, error)
