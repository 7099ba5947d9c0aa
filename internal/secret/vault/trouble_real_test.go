//go:build unix

package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/vaulttest"
)

func TestTroubleWithARealVault(t *testing.T) {
	v := vaulttest.Start(t, vaulttest.OnDisk())
	for name, test := range map[string]func(*testing.T, *vaulttest.Vault){
		"it is sealed and unsealed":                                 sealed,
		"a connection stalls":                                       stalled,
		"a version is deleted and undeleted":                        deleted,
		"a version is destroyed":                                    destroyed,
		"a record is gone with all its versions":                    removed,
		"a record lacks a field":                                    lacking,
		"a permission is taken away and given back":                 denied,
		"the metadata alone is denied":                              metadataDenied,
		"a token reaches the end of its life":                       expiring,
		"a token expires and the sign-in is refused":                expired,
		"a token is revoked":                                        revoked,
		"a token without the policy default dies":                   revokedInTheDark,
		"a token is good for a few requests":                        fewUses,
		"an older version is restored":                              restored,
		"an older version is restored and written to again":         rewritten,
		"Vault is stopped and started again":                        restarted,
		"the engine is one of version 1, another or none":           wrongEngine,
		"a path is written as in the API":                           wrongPath,
		"a version is to be deleted in a moment":                    deletedInAMoment,
		"a reading that is asked for reads the record":              refreshed,
		"a namespace that the config names is that of each request": namespaced,
	} {
		t.Run(name, func(t *testing.T) { test(t, v.With(t)) })
	}
}

func sealed(t *testing.T, v *vaulttest.Vault) {
	v.Put("sealed", record("sealed-one"))
	w := watch(t, byToken(v, readAll), "sealed")
	w.serves("sealed-one", 1)
	v.Seal()
	w.stillServes("sealed-one", "is sealed: it must be unsealed")
	if n := w.logged("level=WARN", "secret store cannot be read", "is sealed"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	v.Unseal()
	w.serves("sealed-one", 1)
	until(t, "the log says that it is over", func() bool { return w.logged("secret store can be read again") == 1 })
	v.Put("sealed", record("sealed-two"))
	w.serves("sealed-two", 2)
	w.hides("sealed-one", "sealed-two")
}

func stalled(t *testing.T, v *vaulttest.Vault) {
	v.Put("stalled", record("stalled-one"))
	w := watch(t, byToken(v, readAll), "stalled")
	w.serves("stalled-one", 1)
	v.Pause()
	w.stillServes("stalled-one", "no answer within 10s")
	v.Continue()
	w.serves("stalled-one", 1)
	if n := w.logged("level=WARN", "secret store cannot be read", "no answer"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
}

func deleted(t *testing.T, v *vaulttest.Vault) {
	v.Put("deleted", record("deleted-one"))
	v.Put("deleted", record("deleted-two"))
	w := watch(t, byToken(v, readAll), "deleted")
	w.serves("deleted-two", 2)
	v.Delete("deleted")
	w.stillServes("deleted-two", "version 2 of kv/deleted was deleted at ")
	if status := w.status(); !strings.Contains(status.LastError, "`vault kv undelete -mount=kv -versions=2 deleted`") {
		t.Errorf("status does not say what to do: %+v", status)
	}
	if n := w.logged("level=WARN", "secret record cannot be read", "path=deleted"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	v.Undelete("deleted", 2)
	w.serves("deleted-two", 2)
	until(t, "the log says that it is over", func() bool { return w.logged("secret record can be read again") == 1 })
}

func destroyed(t *testing.T, v *vaulttest.Vault) {
	v.Put("destroyed", record("destroyed-one"))
	w := watch(t, byToken(v, readAll), "destroyed")
	w.serves("destroyed-one", 1)
	v.Destroy("destroyed", 1)
	w.stillServes("destroyed-one", "version 1 of kv/destroyed was destroyed: write a new version")
	v.Put("destroyed", record("destroyed-two"))
	w.serves("destroyed-two", 2)
}

func removed(t *testing.T, v *vaulttest.Vault) {
	v.Put("removed", record("removed-one"))
	w := watch(t, byToken(v, readAll), "removed")
	w.serves("removed-one", 1)
	v.DeleteMetadata("removed")
	w.stillServes("removed-one", "there is no record at kv/removed")
	v.Put("removed", record("removed-other")) // version 1 again
	w.serves("removed-other", 1)
}

func lacking(t *testing.T, v *vaulttest.Vault) {
	whole := map[string]any{"username": "u", "secret": "lacking-one", "integration_code": 4711, "note": "since May"}
	v.Put("lacking", whole)
	w := watch(t, byToken(v, readAll), "lacking")
	w.serves("lacking-one", 1)
	r, _ := w.Get("lacking")
	if c, err := secret.CredentialFrom(r); err != nil || c.IntegrationCode.Reveal() != "4711" {
		t.Errorf("the whole record: %v", err)
	}
	v.Put("lacking", map[string]any{"username": "u", "secret": "lacking-two", "integrationcode": "x"})
	w.serves("lacking-two", 2)
	r, _ = w.Get("lacking")
	_, err := secret.CredentialFrom(r)
	if err == nil || err.Error() != `record "lacking", version 2: field "integration_code" is missing (there is "integrationcode": did you mean "integration_code"?)` {
		t.Errorf("error: %v", err)
	}
	v.Put("lacking", whole)
	w.serves("lacking-one", 3)
}

func denied(t *testing.T, v *vaulttest.Vault) {
	v.Put("denied", record("denied-one"))
	grants := `path "kv/+/denied" { capabilities = ["read"] }`
	cfg := byToken(v, grants)
	w := watch(t, cfg, "denied")
	w.serves("denied-one", 1)
	v.Policy("p-"+policyName(grants), `path "kv/+/denied" { capabilities = ["deny"] }`)
	w.stillServes("denied-one", "Vault denies kv/data/denied: the policy of the token must have `path \"kv/data/denied\" { capabilities = [\"read\"] }`")
	if st, _ := w.Session(); !st.SignedIn || st.Error != "" || strings.Contains(w.status().LastError, "not valid") {
		t.Errorf("the token is suspected: %+v, %+v", st, w.status())
	}
	v.Policy("p-"+policyName(grants), grants)
	w.serves("denied-one", 1)
	v.Put("denied", record("denied-two"))
	w.serves("denied-two", 2)
}

func metadataDenied(t *testing.T, v *vaulttest.Vault) {
	v.Put("metadata-denied", record("metadata-one"))
	w := watch(t, byToken(v, `path "kv/data/*" { capabilities = ["read"] }`), "metadata-denied")
	w.serves("metadata-one", 1)
	v.Put("metadata-denied", record("metadata-two"))
	w.serves("metadata-two", 2)
	if n := w.logged("level=WARN", `kv/metadata/metadata-denied\" { capabilities = [\"read\"] }`); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, w.log)
	}
	v.Delete("metadata-denied")
	w.stillServes("metadata-two", "was deleted at")
}

// byRole is a config that signs in with a new secret id of a role, and what replaces that.
func byRole(v *vaulttest.Vault, name string, ttl, maxTTL time.Duration) (cfg Config, secretID *rotating) {
	role, id := v.AppRole(name, []string{v.Policy("p-all", readAll)}, ttl, maxTTL)
	secretID = &rotating{text: id}
	return Config{Address: v.URL, Auth: Auth{Method: "approle", Role: role, Secret: secretID.get}}, secretID
}

func expiring(t *testing.T, v *vaulttest.Vault) {
	v.Put("expiring", record("expiring-one"))
	cfg, _ := byRole(v, "expiring", 2*time.Second, 3*time.Second)
	proxy := newCounting(t, v.URL)
	cfg.Address = proxy.URL
	w := watch(t, cfg, "expiring")
	w.serves("expiring-one", 1)
	until(t, "it has signed in three times", func() bool { n, _, _, _ := proxy.count("PUT /v1/auth/approle/login"); return n >= 3 })
	if n, _, _, _ := proxy.count("PUT /v1/auth/token/renew-self"); n == 0 {
		t.Error("it never renewed the token")
	}
	if w.logged("level=WARN") != 0 || w.status().LastError != "" {
		t.Errorf("it was noticed: %+v\n%s", w.status(), w.log)
	}
}

func expired(t *testing.T, v *vaulttest.Vault) {
	v.Put("expired", record("expired-one"))
	cfg, id := byRole(v, "expired", 2*time.Second, 3*time.Second)
	w := watch(t, cfg, "expired")
	w.serves("expired-one", 1)
	old := id.text
	v.RevokeSecretID("expired", old)
	w.stillServes("expired-one", "sign-in by approle: Vault answers 400 (invalid secret id): check the role id")
	if st, _ := w.Session(); st.SignedIn || !strings.Contains(st.Error, "invalid secret id") {
		t.Errorf("session: %+v", st)
	}
	if n := w.logged("level=WARN", "the sign-in to Vault is in trouble"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	id.set(v.SecretID("expired"))
	w.serves("expired-one", 1)
	if st, _ := w.Session(); !st.SignedIn || st.Error != "" || !st.Expires.After(st.Since) {
		t.Errorf("session when it is back: %+v", st)
	}
	w.hides(old, id.text, "expired-one")
}

func revoked(t *testing.T, v *vaulttest.Vault) {
	v.Put("revoked", record("revoked-one"))
	cfg, _ := byRole(v, "revoked", time.Hour, 0)
	w := watch(t, cfg, "revoked")
	w.serves("revoked-one", 1)
	before, _ := w.source.session.current()
	v.RevokeToken(before.text.Reveal())
	until(t, "it has signed in again", func() bool { now, _ := w.source.session.current(); return now.number == 2 })
	v.Put("revoked", record("revoked-two"))
	w.serves("revoked-two", 2)
	if w.logged("level=WARN") != 0 {
		t.Errorf("it was noticed:\n%s", w.log)
	}
	w.hides(before.text.Reveal())
}

func revokedInTheDark(t *testing.T, v *vaulttest.Vault) {
	v.Put("dark", record("dark-one"))
	policy := v.Policy("p-all", readAll)
	made, err := v.Client().Auth().Token().Create(tokenRequest(policy))
	if err != nil {
		t.Fatal(err)
	}
	text := &rotating{text: made.Auth.ClientToken}
	cfg := static(text.get)
	cfg.Address = v.URL
	w := watch(t, cfg, "dark")
	w.serves("dark-one", 1)
	v.RevokeToken(made.Auth.ClientToken)
	w.stillServes("dark-one", ", or the token is not valid any more")
	text.set(v.Token([]string{policy}, time.Hour))
	w.serves("dark-one", 1)
	w.hides(made.Auth.ClientToken)
}

func fewUses(t *testing.T, v *vaulttest.Vault) {
	v.Put("few", record("few-one"))
	cfg, _ := byRole(v, "few", time.Hour, 0)
	if _, err := v.Client().Logical().Write("auth/approle/role/few", map[string]any{"token_num_uses": 3}); err != nil {
		t.Fatal(err)
	}
	w := watch(t, cfg, "few")
	w.serves("few-one", 1)
	until(t, "it has signed in five times", func() bool { now, _ := w.source.session.current(); return now.number >= 5 })
	if w.status().LastError != "" || w.logged("level=WARN") != w.logged("level=WARN", "token_num_uses") {
		t.Errorf("%+v\n%s", w.status(), w.log)
	}
}

func restored(t *testing.T, v *vaulttest.Vault) {
	v.Put("restored", record("restored-one"))
	w := watch(t, byToken(v, readAll), "restored")
	w.serves("restored-one", 1)
	backup := t.TempDir() + "/backup"
	v.Snapshot(backup)
	v.Put("restored", record("restored-two"))
	w.serves("restored-two", 2)
	v.Restore(backup)
	w.serves("restored-one", 1)
}

func rewritten(t *testing.T, v *vaulttest.Vault) {
	v.Put("rewritten", record("rewritten-one"))
	w := watch(t, byToken(v, readAll), "rewritten")
	w.serves("rewritten-one", 1)
	backup := t.TempDir() + "/backup"
	v.Snapshot(backup)
	v.Put("rewritten", record("rewritten-two"))
	w.serves("rewritten-two", 2)
	slow := options(w.log)
	slow.Poll = time.Hour // so that it does not see what lies between
	w.Configure(slow)
	v.Restore(backup)
	v.Put("rewritten", record("rewritten-other"))
	w.Configure(options(w.log))
	w.serves("rewritten-other", 2)
}

func restarted(t *testing.T, v *vaulttest.Vault) {
	v.Put("restarted", record("restarted-one"))
	w := watch(t, byToken(v, readAll), "restarted")
	w.serves("restarted-one", 1)
	v.Stop()
	w.stillServes("restarted-one", "cannot be asked: dial tcp")
	v.Restart()
	w.serves("restarted-one", 1)
	if n := w.logged("level=WARN", "secret store cannot be read", "refused"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, w.log)
	}
}

func wrongEngine(t *testing.T, v *vaulttest.Vault) {
	if _, err := v.Client().Logical().Write("sys/mounts/old", map[string]any{"type": "kv", "options": map[string]any{"version": "1"}}); err != nil {
		t.Fatal(err)
	}
	for mount, want := range map[string]string{
		"old":       `the secrets engine at "old" is KV version 1, and must be KV version 2: set ` + "`mount`, or upgrade it with `vault kv enable-versioning old`",
		"cubbyhole": `the secrets engine at "cubbyhole" is of another type`,
		"none":      `Vault has no secrets engine at "none": set ` + "`mount`",
	} {
		cfg := byToken(v, `path "*" { capabilities = ["read"] }`)
		cfg.Mount = mount
		w := watch(t, cfg, "x")
		until(t, "status says "+want, func() bool { return strings.Contains(w.status().LastError, want) })
		if _, err := w.Get("x"); !errors.Is(err, secret.ErrDown) {
			t.Errorf("%s: %v", mount, err)
		}
	}
}

func wrongPath(t *testing.T, v *vaulttest.Vault) {
	v.Put("team/login one", record("path-one"))
	watch(t, byToken(v, readAll), "team/login one").serves("path-one", 1)
	for _, path := range []string{"kv/data/team/login one", "kv/team/login one", "data/team/login one"} {
		w := watch(t, byToken(v, readAll), path)
		until(t, "status gives a hint", func() bool {
			return strings.Contains(w.status().LastError, `(did you mean "team/login one"?`)
		})
	}
}

func deletedInAMoment(t *testing.T, v *vaulttest.Vault) {
	if _, err := v.Client().Logical().Write("kv/metadata/moment", map[string]any{"delete_version_after": "3s"}); err != nil {
		t.Fatal(err)
	}
	v.Put("moment", record("moment-one"))
	w := watch(t, byToken(v, readAll), "moment")
	w.serves("moment-one", 1)
	w.stillServes("moment-one", "version 1 of kv/moment was deleted at ")
}

func refreshed(t *testing.T, v *vaulttest.Vault) {
	v.Put("refreshed", record("refreshed-one"))
	w := watch(t, byToken(v, readAll), "refreshed")
	w.serves("refreshed-one", 1)
	slow := options(w.log)
	slow.Poll = time.Hour
	w.Configure(slow)
	v.Put("refreshed", record("refreshed-two"))
	w.Refresh("refreshed")
	w.serves("refreshed-two", 2)
}

func namespaced(t *testing.T, v *vaulttest.Vault) {
	v.Put("namespaced", record("namespaced-one"))
	cfg, _ := byRole(v, "namespaced", time.Hour, 0)
	proxy := newCounting(t, v.URL)
	cfg.Address, cfg.Namespace = proxy.URL, "teams/psa"
	w := watch(t, cfg, "namespaced") // the open Vault has no namespaces and ignores the header
	w.serves("namespaced-one", 1)
	until(t, "it has polled", func() bool { n, _, _, _ := proxy.count("GET /v1/kv/metadata/"); return n > 2 })
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	for _, h := range proxy.seen {
		if h.Get("X-Vault-Namespace") != "teams/psa" {
			t.Errorf("a request came with %q", h.Get("X-Vault-Namespace"))
		}
	}
}
