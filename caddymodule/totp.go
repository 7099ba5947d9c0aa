package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/totp"
)

// TOTP is where the one-time codes of a PSA user come from that several people share. It is read when a code is to be shown, and not
// before. A code is shown only where that can be written into the audit log.
type TOTP struct {
	// Store is the name of the store that holds the seed, or makes the codes. Required.
	Store string `json:"store,omitempty"`

	// Path is the path of the record that holds the seed in its field totp_seed, as base32 or as an otpauth URI, and where they are
	// not SHA1, 6 and 30 totp_algorithm, totp_digits and totp_period. With Engine it is the mount of the engine and the name of the
	// key, such as totp/autotask. Required.
	Path string `json:"path,omitempty"`

	// Field is the record's field that holds the seed. Default: totp_seed.
	Field string `json:"field,omitempty"`

	// Engine says that the store makes the codes itself, as Vault's TOTP secrets engine does, so that psagate never has the seed.
	Engine bool `json:"engine,omitempty"`
}

// codeMaker is a SecretStore that may make codes itself.
type codeMaker interface {
	// MakesCodes reports whether its sources are secret.Coders.
	MakesCodes() bool
}

// checkTOTP says what is wrong with where a login's codes come from.
func (a *App) checkTOTP(path string, t *TOTP) error {
	if err := a.checkRef(path, &SecretRef{Store: t.Store, Path: t.Path}); err != nil {
		return err
	}
	switch {
	case t.Engine && !makesCodes(a.SecretsRaw[t.Store]):
		return faultAt(path, "store %s makes no codes itself, as Vault does: put the seed into a record, and write `totp secret <store> <path>`", t.Store)
	case t.Engine && t.Field != "":
		return faultAt(path, "a key of an engine has no fields: leave the field out")
	case t.Engine && !strings.Contains(t.Path, "/"):
		return faultAt(path, "a key is named by the mount of its engine and its name, such as totp/autotask")
	case a.Audit == nil:
		return faultAt(path, "codes are shown only where that is written down: add the line `audit` to the psa block")
	}
	return nil
}

// makesCodes reports whether a store makes codes itself.
func makesCodes(raw json.RawMessage) bool {
	var of struct {
		Kind string `json:"kind"`
	}
	_ = json.Unmarshal(raw, &of) // what is none does not load
	info, err := caddy.GetModule("psa.secrets." + of.Kind)
	if err != nil {
		return false
	}
	maker, ok := info.New().(codeMaker)
	return ok && maker.MakesCodes()
}

// shared is where the codes come from, of stores that are open.
func (t *TOTP) shared(stores map[string]*secret.Store) totp.Shared {
	return totp.Shared{Store: stores[t.Store], Path: t.Path, Field: t.Field, Engine: t.Engine}
}

// Viewer is who is shown a code.
type Viewer struct {
	// Person is the person; nil: an operator, whose name nobody knows.
	Person *session.Person
	// Address is where the viewer comes from; empty where that is not known.
	Address string
}

// errNoCodes: the config says nothing of a login's codes.
var errNoCodes = errors.New("the config does not say where its one-time codes come from: add `totp secret <store> <path>` or `totp engine <store> <key>` to the login")

// auditor is where showings of codes are written down.
type auditor interface {
	Append(ctx context.Context, e audit.Entry) error
}

// codeClock is the time that codes are made for.
var codeClock = time.Now

// loginCodes are those of the logins of a config.
type loginCodes struct {
	of  map[string]totp.Shared
	log auditor
}

func newCodes(a *App, stores map[string]*secret.Store) loginCodes {
	c := loginCodes{of: map[string]totp.Shared{}}
	if a.audit != nil {
		c.log = a.audit.trail
	}
	for name, l := range a.Logins {
		if l.TOTP != nil {
			c.of[name] = l.TOTP.shared(stores)
		}
	}
	return c
}

// code returns the present code of a login, for a viewer to be shown, once that is written down. Whether the viewer may see it is for
// who asks to find out.
func (c loginCodes) code(ctx context.Context, login string, to Viewer) (secret.Code, error) {
	from, ok := c.of[login]
	if !ok {
		return secret.Code{}, fmt.Errorf("login %q: %w", login, errNoCodes)
	}
	code, err := from.Code(ctx, codeClock)
	if err != nil {
		return secret.Code{}, fmt.Errorf("login %q: %w", login, err)
	}
	if err := noteCode(ctx, c.log, login, to); err != nil {
		return secret.Code{}, err
	}
	return code, nil
}

// noteCode writes down that a code is shown. Where it cannot, none must be.
func noteCode(ctx context.Context, log auditor, login string, to Viewer) error {
	if log == nil {
		return errors.New("there is no audit log that could say that the code was shown")
	}
	e := audit.Entry{CallerKind: audit.Operator}
	if to.Person != nil {
		e = ofPerson(*to.Person, to.Person.Issuer)
	}
	e.Kind, e.Event, e.Login, e.Address = audit.Event, eventCodeShown, login, to.Address
	if err := log.Append(ctx, e); err != nil {
		return fmt.Errorf("the audit log cannot say that the code was shown: %w", err)
	}
	return nil
}

// Append writes what must not be done without a line. Where the log is required the line is on disk then.
func (t *trail) Append(ctx context.Context, e audit.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	select {
	case <-t.ready:
		return t.writer.Load().Append(ctx, withoutKeys(e))
	case <-ctx.Done():
		return fmt.Errorf("the key of the audit log is not known yet: %w", context.Cause(ctx))
	}
}
