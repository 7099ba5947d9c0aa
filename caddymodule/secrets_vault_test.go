package caddymodule

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/secret"
)

// Those who write JSON are told what the Caddyfile's parser tells, but for the line.
func TestVaultsInJSONAreCheckedWhenTheyAreLoaded(t *testing.T) {
	const token = `"auth":{"method":"token","token":{"placeholder":"{env.HOME}"}}`
	for words, want := range map[string]string{
		token: "the address must be a base URL",
		`"address":"http://vault.example.com",` + token:                                                                            "plain HTTP would show",
		`"address":"https://{env.PSAGATE_NOT_SET}",` + token:                                                                       "PSAGATE_NOT_SET",
		`"address":"https://v"`:                                                                                                    "the line `auth …` is missing",
		`"address":"https://v","auth":{"method":"userpass"}`:                                                                       "the auth method is unknown",
		`"address":"https://v","auth":{"method":"approle","role":"r"}`:                                                             "approle needs a secret id",
		`"address":"https://v","auth":{"method":"jwt","role":"r"}`:                                                                 "jwt needs a path",
		`"address":"https://v","auth":{"method":"token","token":{"placeholder":"hunter2"}}`:                                        "the secret itself must not be in a config",
		`"address":"https://v","auth":{"method":"token","token":{"placeholder":"{env.HOME}","store":"file","path":"vault/token"}}`: "without a placeholder",
		`"address":"https://v","auth":{"method":"token","token":{"store":"file","path":"vault/token"}}`:                            `there is no store of that name`,
		`"address":"https://v","auth":{"method":"token","token":{"store":"vault","path":"vault/token"}}`:                           "vault needs vault",
		`"address":"https://v","poll":"1ms",` + token:                                                                              "poll 1ms: at least 100ms",
		`"address":"https://v","poll":"1h","max_stale":"1h",` + token:                                                              "must be at least twice poll",
	} {
		useFake(t)
		err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{"secrets":{"vault":{"kind":"vault",`+words+`}}}}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error: %v\nwant one with: %s", words, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestAVaultsPlaceholdersAreReplacedWhenItIsLoaded(t *testing.T) {
	t.Setenv("PSAGATE_TEST_VAULT", "https://vault.example.com:8200")
	t.Setenv("PSAGATE_TEST_ROLE", "psagate")
	t.Setenv("PSAGATE_TEST_SECRET_ID", "hunter2")
	v := &VaultSecrets{Address: "{env.PSAGATE_TEST_VAULT}", Auth: &VaultAuth{Method: "approle", Role: "{env.PSAGATE_TEST_ROLE}", SecretID: &SecretText{Placeholder: "{env.PSAGATE_TEST_SECRET_ID}"}}}
	if err := v.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Validate(); err != nil {
		t.Fatal(err)
	}
	if v.source.Address != "https://vault.example.com:8200" || v.source.Auth.Role != "psagate" {
		t.Errorf("got %+v", v.source)
	}
	if strings.Contains(v.Key(), "hunter2") {
		t.Errorf("the key holds a secret: %s", v.Key())
	}
	value, err := v.Auth.SecretID.placed(t.Context())
	if err != nil || value.Reveal() != "hunter2" {
		t.Errorf("the secret id: %v", err)
	}
}

func TestTwoVaultsThatDifferHaveTwoKeys(t *testing.T) {
	base := func() *VaultSecrets {
		return &VaultSecrets{Address: "https://v", Auth: &VaultAuth{Method: "approle", Role: "r", SecretID: &SecretText{Store: "file", Path: "p"}}}
	}
	keys := map[string]string{}
	for name, change := range map[string]func(*VaultSecrets){
		"as it is":        func(*VaultSecrets) {},
		"another address": func(v *VaultSecrets) { v.Address = "https://w" },
		"another mount":   func(v *VaultSecrets) { v.Mount = "m" },
		"a namespace":     func(v *VaultSecrets) { v.Namespace = "n" },
		"a CA":            func(v *VaultSecrets) { v.CA = "/ca.pem" },
		"another role":    func(v *VaultSecrets) { v.Auth.Role = "s" },
		"another secret":  func(v *VaultSecrets) { v.Auth.SecretID.Field = "f" },
		"an auth mount":   func(v *VaultSecrets) { v.Auth.Mount = "m" },
		"a token instead": func(v *VaultSecrets) {
			v.Auth = &VaultAuth{Method: "token", Token: &SecretText{Store: "file", Path: "p"}}
		},
		"a certificate's":  func(v *VaultSecrets) { v.Auth = &VaultAuth{Method: "cert", Certificate: "/c", Key: "/k"} },
		"another one's":    func(v *VaultSecrets) { v.Auth = &VaultAuth{Method: "cert", Certificate: "/d", Key: "/k"} },
		"a token file":     func(v *VaultSecrets) { v.Auth = &VaultAuth{Method: "token_file", Path: "/t"} },
		"one with its JWT": func(v *VaultSecrets) { v.Auth = &VaultAuth{Method: "jwt", Role: "r", Path: "/t"} },
	} {
		v := base()
		change(v)
		if err := v.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		if other, twice := keys[v.Key()]; twice {
			t.Errorf("%s and %s have one key: %s", name, other, v.Key())
		}
		keys[v.Key()] = name
	}
	slow := base()
	slow.Poll = caddy.Duration(3600e9)
	if err := slow.Provision(caddy.Context{}); err != nil || keys[slow.Key()] == "" {
		t.Errorf("another poll makes another store: %s, %v", slow.Key(), err)
	}
}

func TestASecretThatCannotBeReadIsNamedAndNotShown(t *testing.T) {
	for _, placeholder := range []string{"{env.PSAGATE_NOT_SET}", "{file./nowhere/secret}"} {
		_, err := (&SecretText{Placeholder: placeholder}).placed(t.Context())
		if err == nil || !strings.Contains(err.Error(), placeholder) {
			t.Errorf("error: %v", err)
		}
	}
}

// A store that is opened with a secret of another holds that one as long as it lives, whatever its config does.
func TestAStoreHoldsTheStoreThatItIsOpenedWith(t *testing.T) {
	file := &FileSecrets{path: "/nowhere/holds.json"}
	v := &VaultSecrets{Address: "https://holds.example", Auth: &VaultAuth{Method: "token", Token: &SecretText{Store: "file", Path: "vault/token"}}}
	if err := v.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	modules := map[string]SecretStore{"file": file, "vault": v}
	fileKey, vaultKey := storeKey("file", modules), storeKey("vault", modules)
	if !strings.Contains(vaultKey, fileKey) {
		t.Errorf("the store's key is %q: the same would be another store's, opened with another file", vaultKey)
	}
	if _, err := openStore("vault", modules); err != nil {
		t.Fatal(err)
	}
	held, _, err := stores.LoadOrNew(fileKey, func() (caddy.Destructor, error) { t.Error("the file's store is not open"); return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	if used := held.(*opened).Status(); len(used) != 1 || used[0].Path != "vault/token" {
		t.Errorf("in use of it: %+v", used)
	}
	if gone, err := stores.Delete(fileKey); gone || err != nil {
		t.Errorf("the store went while another needs it: %v", err)
	}
	if gone, err := stores.Delete(vaultKey); !gone || err != nil {
		t.Errorf("the store is still open: %v", err)
	}
	if refs, known := stores.References(fileKey); known {
		t.Errorf("the file's store is still held %d times", refs)
	}
	if used := held.(*opened).Status(); len(used) != 0 {
		t.Errorf("still in use: %+v", used)
	}
}

var _ secret.Func = (&SecretText{}).placed

func TestTwoNamesForOnePlaceAreRefused(t *testing.T) {
	useFake(t)
	err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{"secrets":{"a":{"kind":"file","path":"/s.json"},"b":{"kind":"file","path":"/s.json","poll":"1m"}}}}}`))
	if err == nil || !strings.Contains(err.Error(), "secrets b: it reads what store a reads, in the same way: name it once") {
		t.Errorf("error: %v", err)
	}
}
