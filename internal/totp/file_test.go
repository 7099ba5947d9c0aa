package totp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// A seed in the store `file`, beside a credential: read, used, replaced.
func TestCodesOfASeedInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	write := func(fields string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(`{"autotask/web": {"username": "web@example.com", `+fields+`}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	file := secret.NewFile(path, false)
	at := time.Unix(1111111111, 0)
	for fields, want := range map[string]string{
		`"totp_seed": "` + base32Seed + `", "totp_digits": "8"`:                     "14050471",
		`"totp_seed": "` + base32Seed + `", "totp_digits": "6"`:                     "050471",
		`"totp_seed": "otpauth://totp/x?secret=` + base32Seed + `\u0026digits=8"`:   "14050471",
		`"totp_seed": "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "totp_period": ""`: "050471",
	} {
		write(fields)
		r, err := file.Read(t.Context(), "autotask/web")
		if err != nil {
			t.Fatal(err)
		}
		seed, err := SeedFrom(r)
		if err != nil {
			t.Fatal(err)
		}
		if code, err := seed.Code(at); err != nil || code.Text.Reveal() != want {
			t.Errorf("%s: %s, want %s, error %v", fields, code.Text.Reveal(), want, err)
		}
	}
	write(`"totp_seed": "` + base32Seed + `!"`)
	r, err := file.Read(t.Context(), "autotask/web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SeedFrom(r); err == nil || strings.Contains(err.Error(), base32Seed) {
		t.Errorf("a damaged one: %v", err)
	}
	if _, is := secret.NewStore("file", file, secret.Options{}).Coder(); is {
		t.Error("a file makes codes itself")
	}
}
