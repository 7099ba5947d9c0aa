package vaulttest

import (
	"context"
	"time"

	"github.com/hashicorp/vault/api"
)

// Policy writes a policy, or replaces it, which holds for its tokens at once. It returns the name.
func (v *Vault) Policy(name, hcl string) string {
	v.t.Helper()
	v.must("policy "+name, v.client.Sys().PutPolicyWithContext(context.Background(), name, hcl))
	return name
}

// Token returns a new token that lives ttl, in whole seconds. Without renewable it may be renewed, over and over.
func (v *Vault) Token(policies []string, ttl time.Duration, renewable ...bool) string {
	v.t.Helper()
	may := len(renewable) == 0 || renewable[0]
	made, err := v.client.Auth().Token().CreateWithContext(context.Background(), &api.TokenCreateRequest{
		Policies: policies, TTL: ttl.String(), Renewable: &may, NoParent: true,
	})
	v.must("a token", err)
	return made.Auth.ClientToken
}

// RevokeToken ends a token's life at once.
func (v *Vault) RevokeToken(token string) {
	v.t.Helper()
	v.must("revoking a token", v.client.Auth().Token().RevokeTreeWithContext(context.Background(), token))
}

// EnableAuth mounts an auth method at its own name, unless it is there: approle, userpass, kubernetes, jwt or cert.
func (v *Vault) EnableAuth(method string) {
	v.t.Helper()
	mounts, err := v.client.Sys().ListAuthWithContext(context.Background())
	v.must("auth methods", err)
	if mounts[method+"/"] != nil {
		return
	}
	v.must("auth method "+method,
		v.client.Sys().EnableAuthWithOptionsWithContext(context.Background(), method, &api.EnableAuthOptions{Type: method}))
}

// role writes a role of an auth method; path is the method's own word for it and the name.
func (v *Vault) role(path string, policies []string, ttl time.Duration, more map[string]any) {
	v.t.Helper()
	data := map[string]any{"token_policies": policies, "token_ttl": ttl.String()}
	for k, value := range more {
		data[k] = value
	}
	v.write("auth/"+path, data)
}

// AppRole writes a role of the auth method approle and returns its role id and a new secret id. The tokens live tokenTTL and
// can be renewed up to tokenMaxTTL, both in whole seconds; 0 is Vault's own default, 32 days.
func (v *Vault) AppRole(name string, policies []string, tokenTTL, tokenMaxTTL time.Duration) (roleID, secretID string) {
	v.t.Helper()
	v.EnableAuth("approle")
	path := "approle/role/" + name
	v.role(path, policies, tokenTTL, map[string]any{"token_max_ttl": tokenMaxTTL.String()})
	read, err := v.client.Logical().ReadWithContext(context.Background(), "auth/"+path+"/role-id")
	v.must("role id of "+name, err)
	roleID, _ = read.Data["role_id"].(string)
	return roleID, v.SecretID(name)
}

// SecretID returns one more secret id of a role that [Vault.AppRole] wrote.
func (v *Vault) SecretID(name string) string {
	v.t.Helper()
	id, _ := v.write("auth/approle/role/"+name+"/secret-id", nil)["secret_id"].(string)
	return id
}

// RevokeSecretID makes a secret id of a role worthless; tokens that it got live on.
func (v *Vault) RevokeSecretID(name, secretID string) {
	v.t.Helper()
	v.write("auth/approle/role/"+name+"/secret-id/destroy", map[string]any{"secret_id": secretID})
}

// Cert writes a role of the auth method cert: who comes with a client certificate of ca gets a token that lives ttl. Vault
// must have been started with [HTTPS].
func (v *Vault) Cert(role string, ca *CA, policies []string, ttl time.Duration) {
	v.t.Helper()
	v.EnableAuth("cert")
	v.role("cert/certs/"+role, policies, ttl, map[string]any{"certificate": string(ca.PEM())})
}
