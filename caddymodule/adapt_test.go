package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

var update = flag.Bool("update", false, "write the JSON of the adapt fixtures anew")

const dashes = "----------\n"

// adapt makes JSON of a Caddyfile, and fails on warnings: one is that it is not formatted.
func adapt(t *testing.T, text string) ([]byte, error) {
	t.Helper()
	out, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err == nil && len(warnings) > 0 {
		t.Errorf("adapting warned: %v", warnings)
	}
	return out, err
}

// mustAdapt is adapt for a Caddyfile that is right.
func mustAdapt(t *testing.T, text string) []byte {
	t.Helper()
	out, err := adapt(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each fixture is a Caddyfile, a line of dashes, and the JSON that it becomes, or words of the error.
func TestCaddyfilesBecomeTheirFixturesJSONOrError(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, ok := strings.Cut(string(content), dashes)
			if !ok {
				t.Fatal("the fixture has no line of dashes")
			}
			got, err := adapt(t, text)
			if strings.HasPrefix(filepath.Base(file), "bad_") {
				checkError(t, err, strings.TrimSpace(want))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkJSON(t, file, text, want, got)
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || want == "" || !strings.Contains(err.Error(), want) {
		t.Errorf("error: %v\nwant one with: %s", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "AAAA") || strings.Contains(err.Error(), "hunter2")) {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func checkJSON(t *testing.T, file, text, want string, got []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "\t"); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, []byte(text+dashes+indented.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if indented.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &indented, want)
	}
}

// Each word of the grammar has a fixture that uses it and one that misuses it.
func TestEveryWordHasAGoodAndAFailingFixture(t *testing.T) {
	for _, name := range []string{
		"secrets", "secrets_poll", "secrets_max_stale", "secrets_insecure_permissions",
		"login", "login_secret", "login_discover", "login_zone", "login_hosts", "login_insecure_http",
		"lockout", "lockout_budget", "lockout_in_flight", "lockout_linger", "lockout_recheck", "lockout_never_reset", "lockout_observe",
		"queue", "pool", "integration", "integration_login_pool", "integration_owner", "integration_key", "integration_login", "insecure_log_keys",
		"alerts", "alerts_every", "alerts_webhook_secret", "alerts_webhook_header", "alerts_webhook_ca", "alerts_webhook_on",
		"alerts_mail", "alerts_mail_smtp", "alerts_mail_from", "alerts_mail_tls", "alerts_mail_login", "alerts_mail_ca", "alerts_mail_on",
		"gateway", "gateway_public_url", "gateway_max_body", "identify", "proxy", "log_format_psa", "log_format_psa_wrap",
	} {
		for _, fixture := range []string{name, "bad_" + name} {
			if _, err := os.Stat("testdata/adapt/" + fixture + ".caddyfiletest"); err != nil {
				t.Errorf("no fixture: %v", err)
			}
		}
	}
}

func TestTheRepositorysCaddyfileIsValid(t *testing.T) {
	useFake(t)
	t.Setenv("PSAGATE_SECRETS", filepath.Join(t.TempDir(), "there-is-no-such-file.json"))
	text, err := os.ReadFile("../Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, mustAdapt(t, string(text))); err != nil {
		t.Error(err)
	}
}

// validate loads a config as far as `validate` does, in a data directory of the test's own.
func validate(t *testing.T, config []byte) error {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &cfg); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(cfg)
}

func TestEveryCaddyfileOfTheRepositoryIsFormatted(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		isCaddyfile := entry.Name() == "Caddyfile" || filepath.Ext(path) == ".caddyfile" || filepath.Ext(path) == ".Caddyfile"
		if entry.IsDir() || !isCaddyfile {
			return nil
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, caddyfile.Format(text)) {
			t.Errorf("%s is not as `caddy fmt` writes it", path)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d Caddyfiles found: %v", found, err)
	}
}
