package totp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// shelf is a source of one record, which is not read while it is nil.
type shelf map[string]string

func (s shelf) Read(_ context.Context, path string) (secret.Record, error) {
	if s == nil {
		return secret.Record{}, secret.ErrUnavailable
	}
	r := secret.Record{Path: path, Version: 1, Fields: map[string]secret.Value{}}
	for name, text := range s {
		r.Fields[name] = secret.NewValue(text)
	}
	return r, nil
}

const rfcSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // of RFC 6238, appendix B

func TestTheCodeOfASharedUserIsThatOfItsSeed(t *testing.T) {
	now := func() time.Time { return time.Unix(59, 0) }
	for name, c := range map[string]struct {
		record      shelf
		field       string
		code, wrong string
	}{
		"base32":               {shelf{"totp_seed": rfcSeed, "username": "x"}, "", "287082", ""},
		"with settings":        {shelf{"totp_seed": rfcSeed, "totp_digits": "8"}, "totp_seed", "94287082", ""},
		"of another field":     {shelf{"otp": rfcSeed, "totp_seed": "no seed", "totp_digits": "8"}, "otp", "94287082", ""},
		"an otpauth URI":       {shelf{"otp": "otpauth://totp/x?digits=8&secret=" + rfcSeed}, "otp", "94287082", ""},
		"no field":             {shelf{"otp": rfcSeed}, "", "", `field "totp_seed" is missing`},
		"no such field":        {shelf{"totp_seed": rfcSeed}, "otp", "", `no field "otp"`},
		"a field that is none": {shelf{"otp": "hunter2!"}, "otp", "", `field "otp", taken as "totp_seed"`},
		"a store that is away": {nil, "", "", "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := secret.NewStore("file", c.record, secret.Options{})
				store.Start(t.Context())
				defer store.Stop()
				code, err := Shared{Store: store, Path: "autotask/main", Field: c.field}.Code(t.Context(), now)
				switch {
				case c.wrong == "" && (err != nil || code.Text.Reveal() != c.code || code.Left(now()) != time.Second):
					t.Errorf("%s, %v left, error %v", code.Text.Reveal(), code.Left(now()), err)
				case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), rfcSeed)):
					t.Errorf("error: %v", err)
				}
				if _, err := store.Get("autotask/main"); !errors.Is(err, secret.ErrNotInUse) {
					t.Errorf("the seed is kept: %v", err)
				}
			})
		})
	}
}

func TestAStoreThatMakesNoCodesSaysSo(t *testing.T) {
	store := secret.NewStore("file", shelf{}, secret.Options{})
	if _, err := (Shared{Store: store, Path: "totp/main", Engine: true}).Code(t.Context(), time.Now); !errors.Is(err, ErrNoCoder) {
		t.Error(err)
	}
}
