package vaulttest

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
)

// Client returns a new client with the root token. It tries everything once, gives up after half a minute, keeps no connection
// open, and takes no setting from VAULT_… environment variables.
func (v *Vault) Client() *api.Client {
	v.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true}
	if v.ca != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: v.ca.Pool(), MinVersion: tls.VersionTLS12}
	}
	c, err := api.NewClient(&api.Config{
		Address:    v.URL,
		HttpClient: &http.Client{Transport: transport},
		Timeout:    30 * time.Second,
	})
	if err != nil {
		v.t.Fatalf("a client of Vault: %v", err)
	}
	c.SetHeaders(http.Header{api.RequestHeaderName: {"true"}}) // and so none from the environment, as it could have a namespace
	c.SetToken(v.Root)
	return c
}

// write sends the root token's request and returns the answer's data.
func (v *Vault) write(path string, data map[string]any) map[string]any {
	v.t.Helper()
	answer, err := v.client.Logical().WriteWithContext(context.Background(), path, data)
	v.must(path, err)
	if answer == nil {
		return nil
	}
	return answer.Data
}

// must ends the test on an error.
func (v *Vault) must(what string, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("Vault, %s: %v", what, err)
	}
}

// Seal seals it: it answers 503 to everything until [Vault.Unseal].
func (v *Vault) Seal() {
	v.t.Helper()
	v.must("sealing", v.client.Sys().SealWithContext(context.Background()))
}

// Unseal unseals it; it serves when this returns.
func (v *Vault) Unseal() {
	v.t.Helper()
	status, err := v.client.Sys().UnsealWithContext(context.Background(), v.UnsealKey)
	v.must("unsealing", err)
	if status.Sealed {
		v.t.Fatal("Vault is still sealed")
	}
}
