package vaulttest

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/vault/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reads is a policy that lets read all records.
const reads = `path "kv/*" { capabilities = ["read"] }`

// with returns a client with another token than the root token.
func (v *Vault) with(token string) *api.Client {
	c := v.Client()
	c.SetToken(token)
	return c
}

// read reads the newest version of a record and returns one of its fields.
func read(c *api.Client, path, field string) (string, error) {
	answer, err := c.KVv2("kv").Get(context.Background(), path)
	if err != nil {
		return "", err
	}
	if answer.Data == nil {
		return "", errDeleted
	}
	text, _ := answer.Data[field].(string)
	return text, nil
}

// errDeleted is what Vault says by a 404 that has metadata.
var errDeleted = errors.New("the newest version is deleted or destroyed")

// wantRead demands that a field has a value.
func wantRead(t *testing.T, c *api.Client, path, field, want string) {
	t.Helper()
	if got, err := read(c, path, field); err != nil || got != want {
		t.Errorf("%s %s is %q, %v; want %q", path, field, got, err, want)
	}
}

// status is the HTTP status that an error of the client tells; 0: another error or none.
func status(err error) int {
	if e, ok := errors.AsType[*api.ResponseError](err); ok {
		return e.StatusCode
	}
	return 0
}

// wantStatus demands that a read is refused with a status.
func wantStatus(t *testing.T, c *api.Client, path string, want int) {
	t.Helper()
	if _, err := read(c, path, "secret"); status(err) != want {
		t.Errorf("reading %s: %v; want status %d", path, err, want)
	}
}

// login signs in and returns a client with the token.
func login(v *Vault, c *api.Client, path string, data map[string]any) (*api.Client, error) {
	c.ClearToken()
	answer, err := c.Logical().Write("auth/"+path+"/login", data)
	if err != nil {
		return nil, err
	}
	return v.with(answer.Auth.ClientToken), nil
}
