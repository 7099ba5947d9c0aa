package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/guard"
)

const (
	hash1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	hash2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// Those who write JSON meet the same rules when the config is loaded.
func TestJSONIsCheckedWhenItIsLoaded(t *testing.T) {
	const login = `"secrets":{"file":{"kind":"file","path":"/s"}},"logins":{"main":{"secret":{"store":"file","path":"a"}%s}}`
	with := func(more string) string { return fmt.Sprintf(login, more) }
	for name, c := range map[string]struct{ config, want string }{
		"a config that is right":                   {with("") + `,"integrations":{"itglue":{"keys":["` + hash1 + `"]}}`, ""},
		"an empty config":                          {``, ""},
		"a word that is unknown":                   {`"jwt":{}`, "unknown field"},
		"a policy without a file":                  {`"policy":{}`, "policy: no file is named"},
		"a policy with a relative path":            {`"policy":{"files":["policies"]}`, "policy: the path of a file must be absolute"},
		"a policy that names a file twice":         {`"policy":{"files":["/a","/a"]}`, `policy: policy names "/a" twice`},
		"a policy in a time zone of no place":      {`"policy":{"files":["/a"],"time_zone":"Local"}`, `policy time_zone: there is no time zone "Local"`},
		"a limit that is negative":                 {with("") + `,"integrations":{"itglue":{"keys":["` + hash1 + `"],"calls_per_minute":-1}}`, "integration itglue: calls_per_minute and concurrent must be more than 0"},
		"hours that are none":                      {with("") + `,"integrations":{"itglue":{"keys":["` + hash1 + `"],"hours":[{"days":["mon"]}]}}`, "integration itglue hours: hours are written as 08:00-18:00"},
		"a freeze on no day":                       {`"freeze":[{"span":"08:00-18:00"}]`, "freeze: a weekday is missing"},
		"a group that is no name":                  {with("") + `,"integrations":{"itglue":{"keys":["` + hash1 + `"],"groups":["a b"]}}`, "integration itglue groups: that is no name"},
		"a group that is named twice":              {with("") + `,"integrations":{"itglue":{"keys":["` + hash1 + `"],"groups":["a","a"]}}`, `integration itglue groups: groups names "a" twice`},
		"a word of a login that is unknown":        {with(`,"passthrough":["x"]`), "unknown field"},
		"a login that is null":                     {`"logins":{"main":null}`, "login main: the line `secret <store> <path>` is missing"},
		"an integration that is null":              {`"integrations":{"itglue":null}`, "integration itglue: the line `key <hash>` is missing"},
		"a login without a store":                  {`"logins":{"main":{"secret":{"store":"file","path":"a"}}}`, "login main secret: there is no store of that name; none is defined"},
		"a threshold that is too low":              {with(`,"lockout":{"threshold":4}`), "login main lockout: lockout threshold 4"},
		"a budget that is negative":                {with(`,"lockout":{"budget":-1}`), "login main lockout: threshold, budget and in_flight must be more than 0"},
		"a linger that is negative":                {with(`,"lockout":{"linger":-1}`), "login main lockout: linger -1ns: at least 1s"},
		"a queue that is negative":                 {with(`,"queue":{"length":-1}`), "login main lockout: queue length -1"},
		"plain HTTP":                               {with(`,"zone":"http://psa.example.com"`), "login main zone: plain HTTP would show"},
		"codes":                                    {with(`,"totp":{"store":"file","path":"a"}`) + `,"audit":{}`, ""},
		"codes of no store":                        {with(`,"totp":{"path":"a"}`) + `,"audit":{}`, "login main totp: a record is named by its store and its path"},
		"codes of a file's engine":                 {with(`,"totp":{"store":"file","path":"totp/a","engine":true}`) + `,"audit":{}`, "login main totp: store file makes no codes itself"},
		"codes of an engine's field":               {`"secrets":{"v":{"kind":"vault","address":"https://v","auth":{"method":"token_file","path":"/t"}}},"audit":{},"logins":{"main":{"secret":{"store":"v","path":"a"},"totp":{"store":"v","path":"totp/a","field":"b","engine":true}}}`, "a key of an engine has no fields"},
		"codes that nobody hears of":               {with(`,"totp":{"store":"file","path":"a"}`), "login main totp: codes are shown only where that is written down"},
		"a key in place of its hash":               {with("") + `,"integrations":{"itglue":{"keys":["psagate_` + strings.Repeat("A", 49) + `"]}}`, "this is a key itself"},
		"a hash in upper case":                     {with("") + `,"integrations":{"itglue":{"keys":["SHA256:` + strings.Repeat("1", 64) + `"]}}`, "key takes the hash of a key"},
		"one key in two integrations":              {with("") + `,"integrations":{"one":{"keys":["` + hash1 + `"]},"two":{"keys":["` + hash2 + `","` + hash1 + `"]}}`, "integration two key: the key with id 11111111 is there twice: integration one has it"},
		"a store of an unknown kind":               {`"secrets":{"file":{"kind":"keyring"}}`, "unknown module: psa.secrets.keyring"},
		"a store without a path":                   {`"secrets":{"file":{"kind":"file"}}`, "the path of the secrets file is missing"},
		"a store whose poll is negative":           {`"secrets":{"file":{"kind":"file","path":"/s","poll":-1}}`, "poll -1ns: at least 100ms"},
		"a store whose max_stale is negative":      {`"secrets":{"file":{"kind":"file","path":"/s","max_stale":-1}}`, "max_stale -1ns: must be at least twice poll"},
		"a store path of an unset variable":        {`"secrets":{"file":{"kind":"file","path":"{env.PSAGATE_UNSET}"}}`, "path {env.PSAGATE_UNSET} of the secrets file"},
		"a store path of an unknown placeholder":   {`"secrets":{"file":{"kind":"file","path":"{psa.path}"}}`, "path {psa.path} of the secrets file"},
		"a store with a name that no URL can hold": {`"secrets":{"a b":{"kind":"file","path":"/s"}}`, "secrets a b: that is no name"},
	} {
		t.Run(name, func(t *testing.T) {
			useFake(t)
			err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{`+c.config+`}}}`))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error: %v\nwant one with: %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), "AAAA"):
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
}

func TestTheEngineGetsTheConfigWithItsDefaults(t *testing.T) {
	built := useFake(t)
	t.Setenv("PSAGATE_SECRETS", "/run/secrets/psa.json")
	config := mustAdapt(t, `{
	psa {
		secrets file {env.PSAGATE_SECRETS}
		login main {
			secret file autotask/main
			lockout 9
		}
		integration itglue {
			key `+hash1+`
		}
	}
}
`)
	if err := validate(t, config); err != nil {
		t.Fatal(err)
	}
	app := built().app
	if got := app.Integrations["itglue"].Login; got != "main" {
		t.Errorf("the integration's login is %q, not the only one", got)
	}
	login := app.Logins["main"]
	want := guard.Settings{Threshold: 9, Budget: 7, InFlight: 5}.WithDefaults()
	if got := login.Settings(); got != want {
		t.Errorf("settings: %+v, want %+v", got, want)
	}
	store := app.stores["file"]
	if got := store.Key(); got != "file false /run/secrets/psa.json" {
		t.Errorf("store: %s", got)
	}
	if poll, stale := store.Freshness(); poll.String() != "15s" || stale.String() != "1h0m0s" {
		t.Errorf("store: poll %s, max_stale %s", poll, stale)
	}
	if source, err := store.Source(nil, nil); source == nil || err != nil {
		t.Errorf("the store's source: %v, %v", source, err)
	}
}

func TestLoginSettingsAreThoseOfTheConfig(t *testing.T) {
	var login Login
	const config = `{"lockout":{"threshold":8,"budget":4,"in_flight":2,"linger":"2m","recheck":"1h","never_reset":true,"observe":true},"queue":{"length":9,"deadline":"3s"}}`
	if err := json.Unmarshal([]byte(config), &login); err != nil {
		t.Fatal(err)
	}
	want := guard.Settings{Threshold: 8, Budget: 4, InFlight: 2, Linger: 120e9, Recheck: 3600e9, NeverReset: true, Observe: true, QueueLength: 9, QueueDeadline: 3e9}
	if got := login.Settings(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHandlersNeedTheApp(t *testing.T) {
	useFake(t)
	err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"psa_identify"}]}]}}}}}`))
	if err == nil || !strings.Contains(err.Error(), "the app psa is not configured") {
		t.Errorf("error: %v", err)
	}
}

func TestProxySettingsAreChecked(t *testing.T) {
	for handler, want := range map[string]string{
		`"public_url":"psa.example.com"`: "public_url: a base URL is needed",
		`"max_body":-1`:                  "max_body must be more than 0",
		`"max_size":1`:                   "unknown field",
	} {
		useFake(t)
		err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"psa_proxy",`+handler+`}]}]}}}}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error: %v", handler, err)
		}
	}
}

// A config that fails after its engine was built gives back what the engine held.
func TestARefusedConfigIsClosed(t *testing.T) {
	built := useFake(t)
	err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"psa_identify"},{"handler":"none"}]}]}}}}}`))
	if err == nil {
		t.Fatal("a config with an unknown handler was accepted")
	}
	if got := strings.Join(built().told(), ", "); got != "close" {
		t.Errorf("the engine was asked to: %s", got)
	}
}

func TestTheEnginesErrorRefusesTheConfig(t *testing.T) {
	real := newEngine
	t.Cleanup(func() { newEngine = real })
	newEngine = func(caddy.Context, *App) (engine, error) { return nil, fmt.Errorf("no installation key") }
	err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{}}}`))
	if err == nil || !strings.Contains(err.Error(), "no installation key") {
		t.Errorf("error: %v", err)
	}
}
