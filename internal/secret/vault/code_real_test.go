//go:build unix

package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/totp"
	"github.com/psagate/psagate/internal/vaulttest"
)

const (
	sharedSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // of RFC 6238, appendix B
	codesOnly  = `path "totp/code/*" { capabilities = ["read"] }`
	codesKeys  = codesOnly + ` path "totp/keys/*" { capabilities = ["read"] }`
)

// near tells whether a code is that of a moment between two others: Vault's clock is this host's, but has gone on.
func near(t *testing.T, seed totp.Seed, code string, from, to time.Time) bool {
	t.Helper()
	for at := from; ; at = at.Add(time.Second) {
		c, err := seed.Code(at)
		if err != nil {
			t.Fatal(err)
		}
		if c.Text.Reveal() == code {
			return true
		}
		if at.After(to) {
			return false
		}
	}
}

func seedOf(t *testing.T, fields map[string]string) totp.Seed {
	t.Helper()
	r := secret.Record{Fields: map[string]secret.Value{}}
	for name, text := range fields {
		r.Fields[name] = secret.NewValue(text)
	}
	seed, err := totp.SeedFrom(r)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func TestCodesOfARealVaultsTOTPEngine(t *testing.T) {
	v := vaulttest.Start(t)
	v.TOTP("totp", "autotask", map[string]any{"key": sharedSeed, "issuer": "Autotask", "account_name": "x"})
	v.TOTP("totp", "other-one", map[string]any{"key": sharedSeed, "algorithm": "SHA256", "digits": 8, "period": 60})
	source := newSource(t, byToken(v, codesKeys), new(notes))
	if coder, is := secret.NewStore("vault", source, secret.Options{}).Coder(); !is || coder != secret.Coder(source) {
		t.Fatal("a store of a Vault makes no codes")
	}
	for path, c := range map[string]struct {
		seed   map[string]string
		period time.Duration
	}{
		"totp/autotask":  {map[string]string{"totp_seed": sharedSeed}, 30 * time.Second},
		"totp/other-one": {map[string]string{"totp_seed": sharedSeed, "totp_algorithm": "SHA256", "totp_digits": "8", "totp_period": "60"}, time.Minute},
	} {
		begun := time.Now()
		code, err := source.Code(t.Context(), path)
		ended := time.Now()
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if !near(t, seedOf(t, c.seed), code.Text.Reveal(), begun, ended) {
			t.Errorf("%s: another code than ours", path)
		}
		if code.Period != c.period || code.Until.Unix()%int64(c.period/time.Second) != 0 || code.Until.Sub(begun) <= 0 || code.Until.Sub(begun) > 2*c.period {
			t.Errorf("%s: it is the present one until %v, at %v", path, code.Until, begun)
		}
		if shown := fmt.Sprintf("%v %+v %#v", code, code, code); strings.Contains(shown, code.Text.Reveal()) {
			t.Errorf("%s: the code shows itself", path)
		}
	}
}

func TestWhatARealVaultsTOTPEngineDoesNotGive(t *testing.T) {
	v := vaulttest.Start(t)
	v.TOTP("totp", "autotask", map[string]any{"key": sharedSeed, "issuer": "Autotask", "account_name": "x"})
	blind := newSource(t, byToken(v, codesOnly), new(notes))
	code, err := blind.Code(t.Context(), "totp/autotask")
	if err != nil || len(code.Text.Reveal()) != 6 || !code.Until.IsZero() || code.Period != 0 {
		t.Errorf("without the right to read the key: until %v, error %v", code.Until, err)
	}
	root := static(is(v.Root))
	root.Address = v.URL
	for _, c := range []struct {
		what, path string
		source     *Source
		says       string
		is         error
	}{
		{"no such key", "totp/nobody", newSource(t, root, new(notes)), `has no key "nobody"`, secret.ErrNotFound},
		{"no such engine", "totp2/autotask", newSource(t, root, new(notes)), `no secrets engine at "totp2"`, secret.ErrNotFound},
		{"another engine", "kv/autotask", newSource(t, root, new(notes)), `is not of the type totp`, secret.ErrNotFound},
		{"no mount", "autotask", blind, "such as totp/autotask", secret.ErrNotFound},
		{"no path", "totp//autotask", blind, "two slashes", secret.ErrNotFound},
		{"up and down", "totp/../autotask", blind, `a part ".."`, secret.ErrNotFound},
		{"no right", "totp/autotask", newSource(t, byToken(v, readAll), new(notes)), `path "totp/code/autotask" { capabilities = ["read"] }`, secret.ErrUnavailable},
	} {
		_, err := c.source.Code(t.Context(), c.path)
		if err == nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: want %q, got: %v", c.what, c.says, err)
		}
	}
	v.Seal()
	if _, err := blind.Code(t.Context(), "totp/autotask"); !errors.Is(err, secret.ErrDown) {
		t.Errorf("a sealed Vault: %v", err)
	}
}

// The seed of a PSA user in a record of KV, as in a file: the same fields.
func TestCodesOfASeedInARealVaultsKV(t *testing.T) {
	v := vaulttest.Start(t)
	v.Put("autotask/web", map[string]any{"username": "x", "totp_seed": sharedSeed, "totp_digits": 8, "totp_period": "60", "totp_algorithm": "SHA256"})
	w := watch(t, byToken(v, readAll), "autotask/web")
	r, err := w.Wait(t.Context(), "autotask/web")
	if err != nil {
		t.Fatal(err)
	}
	seed, err := totp.SeedFrom(r)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := seed.Code(time.Unix(1111111111, 0)); err != nil || len(code.Text.Reveal()) != 8 || !near(t, seedOf(t, map[string]string{
		"totp_seed": sharedSeed, "totp_digits": "8", "totp_period": "60", "totp_algorithm": "SHA256",
	}), code.Text.Reveal(), time.Unix(1111111111, 0), time.Unix(1111111111, 0)) {
		t.Errorf("error %v", err)
	}
	w.hides(sharedSeed)
}
