package vaulttest

import (
	"context"

	"github.com/hashicorp/vault/api"
)

// TOTP writes a key of a TOTP secrets engine, which it mounts there unless it is mounted: with key, a base32 seed, in data.
func (v *Vault) TOTP(mount, name string, data map[string]any) {
	v.t.Helper()
	mounts, err := v.client.Sys().ListMountsWithContext(context.Background())
	v.must("mounts", err)
	if mounts[mount+"/"] == nil {
		v.must("mounting "+mount, v.client.Sys().MountWithContext(context.Background(), mount, &api.MountInput{Type: "totp"}))
	}
	v.write(mount+"/keys/"+name, data)
}
