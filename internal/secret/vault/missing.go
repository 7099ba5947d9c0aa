package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

func notFound(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{secret.ErrNotFound}, args...)...)
}

// forbidden says which permission a reading lacked.
func (s *Source) forbidden(at location) error {
	perhaps := ""
	if !s.session.vouched() {
		perhaps = ", or the token is not valid any more"
	}
	return fmt.Errorf("%w: Vault denies %s: the policy of the token must have `%s`%s", secret.ErrUnavailable, at, at.policy(), perhaps)
}

// notFound says why Vault has no such record.
func (s *Source) notFound(ctx context.Context, at place, a answer) error {
	if v, deleted := parseVersion(a.secret().Data["metadata"]); deleted {
		return secret.Gone{Version: v.number, Err: gone(at, v)}
	}
	if strings.Contains(a.text(), "no handler for route") {
		return fmt.Errorf("%w: Vault has no secrets engine at %q: set `mount` to where the KV version 2 engine is", secret.ErrDown, at.mount)
	}
	if kind := s.engine.kind(ctx, s, at); kind != "" {
		return fmt.Errorf("%w: the secrets engine at %q is %s, and must be KV version 2: set `mount`, or upgrade it with `vault kv enable-versioning %s`", secret.ErrDown, at.mount, kind, at.mount)
	}
	return notFound("there is no record at %s%s", at, at.hint())
}

// gone says what became of the newest version of a record.
func gone(at place, v version) error {
	if v.destroyed {
		return notFound("version %d of %s was destroyed: write a new version", v.number, at)
	}
	when := ""
	if t, err := time.Parse(time.RFC3339Nano, v.deletion); err == nil {
		when = " at " + t.UTC().Format(time.RFC3339)
	}
	return notFound("version %d of %s was deleted%s: undelete it (`vault kv undelete -mount=%s -versions=%d %s`) or write a new version",
		v.number, at, when, at.mount, v.number, at.path)
}
