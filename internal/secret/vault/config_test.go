package vault

import (
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/secret"
)

func TestWrongSettingsAreSaidBeforeAnythingIsOpened(t *testing.T) {
	good := Config{Address: "https://vault.example.com:8200", Auth: Auth{Method: "approle", Role: "r", Secret: is("s")}}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":                  {func(c *Config) { c.Address = "" }, "the address must be a base URL such as https://"},
		"an address without a scheme": {func(c *Config) { c.Address = "vault.example.com:8200" }, "the address must be a base URL such as https://"},
		"a socket":                    {func(c *Config) { c.Address = "unix:///run/vault" }, "the address must be a base URL such as https://"},
		"a password in the address":   {func(c *Config) { c.Address = "https://u:hvs.PlantedSecret@vault" }, "without a user name"},
		"a question in the address":   {func(c *Config) { c.Address += "/?token=" + planted }, "without a user name, ? or #"},
		"no auth":                     {func(c *Config) { c.Auth = Auth{} }, `the auth method is unknown: it is one of approle, cert, jwt, kubernetes, token, token_file`},
		"a misspelt auth":             {func(c *Config) { c.Auth.Method = "aprole" }, `the auth method is unknown (did you mean "approle"?)`},
		"approle without a role id":   {func(c *Config) { c.Auth.Role = "" }, "auth approle needs a role id"},
		"approle without a secret id": {func(c *Config) { c.Auth.Secret = nil }, "auth approle needs a secret id"},
		"token without one":           {func(c *Config) { c.Auth = Auth{Method: "token"} }, "auth token needs a token"},
		"token_file without a path":   {func(c *Config) { c.Auth = Auth{Method: "token_file"} }, "auth token_file needs a path"},
		"kubernetes without a role":   {func(c *Config) { c.Auth = Auth{Method: "kubernetes"} }, "auth kubernetes needs a role"},
		"jwt without a path":          {func(c *Config) { c.Auth = Auth{Method: "jwt", Role: "r"} }, "auth jwt needs a path"},
		"cert without a certificate":  {func(c *Config) { c.Auth = Auth{Method: "cert", Key: "k"} }, "auth cert needs a certificate"},
		"cert over plain HTTP": {func(c *Config) {
			c.Address, c.Auth = "http://vault:8200", Auth{Method: "cert", Certificate: "c", Key: "k"}
		}, "must begin with https://"},
		"a certificate without a key": {func(c *Config) { c.Auth.Certificate = "c" }, "a certificate needs its key"},
		"a mount with dots":           {func(c *Config) { c.Mount = "kv/../sys" }, `mount "kv/../sys" has a part ".."`},
		"an auth mount with a gap":    {func(c *Config) { c.Auth.Mount = "a//b" }, `auth approle: mount "a//b" has two slashes in a row`},
	} {
		cfg := good
		test.change(&cfg)
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "Planted") {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	for name, cfg := range map[string]Config{
		"the good one":          good,
		"kubernetes by default": {Address: "http://vault:8200/prefix/", Mount: "/team/kv/", Auth: Auth{Method: "kubernetes", Role: "r"}},
		"files that are not there": {
			Address: "https://vault", CA: "/nowhere/ca.pem",
			Auth: Auth{Method: "cert", Certificate: "/nowhere/c", Key: "/nowhere/k"},
		},
	} {
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPathsAreEscapedPartByPartAndWrongOnesRefused(t *testing.T) {
	for path, want := range map[string]string{
		"autotask/main": "kv/data/autotask/main", "a b": "kv/data/a%20b", "a?b#c%2F": "kv/data/a%3Fb%23c%252F", "ü": "kv/data/%C3%BC", "a+b": "kv/data/a+b",
	} {
		if got := (place{"kv", path}).data().escaped(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"": "is empty", "/a": "begins with a slash", "a/": "ends with a slash", "a//b": "two slashes", "a/../b": `a part ".."`, ".": `a part "."`, "a\nb": "control character",
	} {
		if got := secret.PathProblem(path); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}

func TestAPathThatIsWrittenAsInTheAPIGetsAHint(t *testing.T) {
	for path, want := range map[string]string{
		"kv/data/autotask/main": `"autotask/main"`, "kv/autotask/main": `"autotask/main"`, "data/autotask/main": `"autotask/main"`,
		"kv/metadata/x": `"x"`, "autotask/main": "", "kv": "", "database/x": "",
	} {
		if got := (place{"kv", path}).hint(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
