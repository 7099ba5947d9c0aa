package e2e

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"github.com/hashicorp/vault/api"
)

// vaultAppRole follows its header, then gives keys out and takes one back, and changes the password in Vault first.
func (e *example) vaultAppRole() {
	e.withVault(e.public)
	e.set("REPORTS_EXPIRES=" + time.Now().AddDate(1, 0, 0).Format(time.DateOnly))
	for _, name := range []string{"itglue", "itglue's next", "reports", "reports' next"} {
		e.integration(name, newKey(e.T))
	}
	operator{e, filepath.Join(e.folder, "Caddyfile"), map[string]map[string]any{
		"autotask/main": credential(user, oldPassword), "psagate/keys/itglue": hashes(e.keys["itglue"]),
	}}.followsTheHeader()
	e.vault.Put("psagate/keys/reports", hashes(e.keys["reports"]))
	e.mayDoNoMoreInVault()
	e.serve(e.plain(), "psagate/keys/itglue", "psagate/keys/reports")
	for _, name := range []string{"itglue", "reports"} {
		e.served(name)
	}
	e.turnsAway(e.plain(), "nobody")
	e.isWell([]string{
		"login main: serving", "version 1 serves", "5 of 5 free", "store vault (vault): 3 records in use", "signed in until", "psagate/keys/itglue",
	}, "plain-http")
	e.keysComeAndGo()
}

// keysComeAndGo changes all records in Vault at once, and nothing else, since it takes until the next poll.
func (e *example) keysComeAndGo() {
	e.Helper()
	e.vault.Put("autotask/main", credential(user, newPassword))
	e.vault.Put("psagate/keys/itglue", hashes(e.keys["itglue"], e.keys["itglue's next"]))
	e.vault.Put("psagate/keys/reports", hashes(e.keys["reports' next"]))
	e.served("itglue")
	e.until("psagate has read what is new", func() bool { return e.knows(2, "autotask/main", "psagate/keys/itglue", "psagate/keys/reports") })
	for _, name := range []string{"itglue", "itglue's next", "reports' next"} {
		e.served(name)
	}
	e.turnsAway(e.plain(), "reports")
	e.says("status", 0, "version 1 serves")

	e.user.SetSecret(newPassword)
	e.served("itglue")
	e.says("status", 0, "version 2 serves")
	e.unharmed(1)
}

// mayDoNoMoreInVault demands that psagate's role may read its records and do nothing else with them or with others.
func (e *example) mayDoNoMoreInVault() {
	e.Helper()
	ctx, client := context.Background(), e.vault.Client()
	made, err := client.Logical().WriteWithContext(ctx, "auth/approle/login", map[string]any{"role_id": "psagate", "secret_id": e.read("secret_id")})
	if err != nil {
		e.Fatal(err)
	}
	client.SetToken(made.Auth.ClientToken)
	kv := client.KVv2("kv")
	if _, err := kv.Get(ctx, "autotask/main"); err != nil {
		e.Error(err)
	}
	_, read := kv.Get(ctx, "other/record")
	_, written := kv.Put(ctx, "autotask/main", map[string]any{"username": "mallory"})
	_, listed := client.Logical().ListWithContext(ctx, "kv/metadata/autotask")
	for what, err := range map[string]error{
		"read another record": read, "write a record": written, "list records": listed, "delete a record": kv.Delete(ctx, "autotask/main"),
		"delete all of a record": kv.DeleteMetadata(ctx, "autotask/main"),
	} {
		if refused := new(api.ResponseError); !errors.As(err, &refused) || refused.StatusCode != http.StatusForbidden {
			e.Errorf("psagate's policy lets it %s: %v", what, err)
		}
	}
}
