package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	jwt "github.com/hashicorp/vault-plugin-auth-jwt"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/totp"
	"github.com/hashicorp/vault/helper/namespace"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// maxLease is Vault's own default for the longest life of a token.
const maxLease = 32 * 24 * time.Hour

// open returns a core that is unsealed, with the key that unseals it; or a sealed one and no key.
func open(s settings, url string) (*vault.Core, string, error) {
	core, err := newCore(s, url)
	if err != nil {
		return nil, "", err
	}
	ctx := namespace.RootContext(context.Background())
	initialised, err := core.Initialized(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("storage: %w", err)
	}
	if !initialised {
		key, err := initialise(ctx, core, s.root)
		return core, key, err
	}
	if s.unseal == "" {
		return core, "", nil
	}
	key, err := hex.DecodeString(s.unseal)
	if err != nil {
		return nil, "", fmt.Errorf("-unseal: %w", err)
	}
	return core, s.unseal, unseal(core, key)
}

// newCore builds Vault over its storage.
func newCore(s settings, url string) (*vault.Core, error) {
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := newStorage(s.data, log)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		DisableMlock:    true,
		Logger:          log,
		LogicalBackends: map[string]logical.Factory{"kv": kv.Factory, "totp": totp.Factory},
		CredentialBackends: map[string]logical.Factory{
			"approle": approle.Factory, "userpass": userpass.Factory, "cert": cert.Factory,
			"kubernetes": kubernetes.Factory, "jwt": jwt.Factory,
		},
		BuiltinRegistry: registry{},
		RedirectAddr:    url,
		DefaultLeaseTTL: maxLease,
		MaxLeaseTTL:     maxLease,
	})
	if err != nil {
		return nil, fmt.Errorf("core: %w", err)
	}
	return core, nil
}

// newStorage keeps the barrier's entries in a folder, or in memory where none is named.
func newStorage(dir string, log hclog.Logger) (physical.Backend, error) {
	if dir == "" {
		return inmem.NewInmem(nil, log)
	}
	return file.NewFileBackend(map[string]string{"path": dir}, log)
}

// unseal opens the barrier. Without high availability the core is active when this returns.
func unseal(core *vault.Core, key []byte) error {
	if _, err := core.Unseal(key); err != nil {
		return fmt.Errorf("unseal: %w", err)
	}
	if core.Sealed() {
		return errors.New("unseal: the key is not the storage's")
	}
	return nil
}

// initialise makes a new Vault with one unseal key, the root token and KV v2 at kv/.
func initialise(ctx context.Context, core *vault.Core, root string) (string, error) {
	made, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}})
	if err != nil {
		return "", fmt.Errorf("init: %w", err)
	}
	key := made.SecretShares[0]
	if err := unseal(core, key); err != nil {
		return "", err
	}
	// A root token with an id of our choice, as Vault's own -dev-root-token-id makes it.
	if err := ask(ctx, core, made.RootToken, "auth/token/create", map[string]any{
		"id": root, "policies": []string{"root"}, "no_parent": true, "no_default_policy": true,
	}); err != nil {
		return "", err
	}
	err = ask(ctx, core, root, "sys/mounts/kv", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	return hex.EncodeToString(key), err
}

// ask sends the core one request that writes, past HTTP.
func ask(ctx context.Context, core *vault.Core, token, path string, data map[string]any) error {
	answer, err := core.HandleRequest(ctx, &logical.Request{
		ID: "setup", Operation: logical.UpdateOperation, ClientToken: token, Path: path, Data: data,
	})
	if err == nil && answer.IsError() {
		err = answer.Error()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
