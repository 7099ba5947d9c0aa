package vaulttest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	policies := []string{v.Policy("reads", reads)}

	t.Run("a policy that is replaced holds for tokens that are out", func(t *testing.T) {
		v := v.With(t)
		c := v.with(v.Token([]string{v.Policy("taken", reads)}, time.Hour))
		wantRead(t, c, "a", "secret", "s")
		v.Policy("taken", `path "kv/other" { capabilities = ["read"] }`)
		wantStatus(t, c, "a", 403)
	})
	t.Run("a revoked token is refused", func(t *testing.T) {
		v := v.With(t)
		token := v.Token(policies, time.Hour)
		wantRead(t, v.with(token), "a", "secret", "s")
		v.RevokeToken(token)
		wantStatus(t, v.with(token), "a", 403)
	})
	t.Run("one that is not renewable cannot be renewed", func(t *testing.T) {
		v := v.With(t)
		if _, err := v.with(v.Token(policies, time.Hour)).Auth().Token().RenewSelf(0); err != nil {
			t.Errorf("a token that may be renewed is not: %v", err)
		}
		if _, err := v.with(v.Token(policies, time.Hour, false)).Auth().Token().RenewSelf(0); status(err) != 400 {
			t.Errorf("renewing it: %v", err)
		}
	})
	t.Run("a life ends", func(t *testing.T) {
		v := v.With(t)
		c := v.with(v.Token(policies, time.Second))
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for end := time.Now().Add(patience); ; <-again.C {
			if _, err := read(c, "a", "secret"); status(err) == 403 {
				return
			}
			if time.Now().After(end) {
				t.Fatal("it does not")
			}
		}
	})
}

func TestAppRole(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	role, secret := v.AppRole("psagate", []string{v.Policy("reads", reads)}, time.Minute, time.Hour)
	c, err := login(v, v.Client(), "approle", map[string]any{"role_id": role, "secret_id": secret})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, c, "a", "secret", "s")
	self, err := c.Auth().Token().LookupSelf()
	if err != nil {
		t.Fatal(err)
	}
	if ttl, _ := self.TokenTTL(); ttl > time.Minute || ttl < 50*time.Second {
		t.Errorf("the token lives %s", ttl)
	}
	next := v.SecretID("psagate")
	v.RevokeSecretID("psagate", secret)
	if _, err := login(v, v.Client(), "approle", map[string]any{"role_id": role, "secret_id": secret}); status(err) != 400 {
		t.Errorf("with a revoked secret id: %v", err)
	}
	if _, err := login(v, v.Client(), "approle", map[string]any{"role_id": role, "secret_id": next}); err != nil {
		t.Errorf("with the other secret id: %v", err)
	}
}

func TestJWT(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	issuer := v.JWT("psagate", []string{v.Policy("reads", reads)}, time.Minute)
	c, err := login(v, v.Client(), "jwt", map[string]any{"role": "psagate", "jwt": issuer.Sign(nil)})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, c, "a", "secret", "s")
	for name, jwt := range map[string]string{
		"an expired one":          issuer.Sign(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"one for others":          issuer.Sign(map[string]any{"aud": "others"}),
		"one of another's making": NewIssuer(t).Sign(nil),
	} {
		if _, err := login(v, v.Client(), "jwt", map[string]any{"role": "psagate", "jwt": jwt}); status(err) != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	v := Start(t)
	v.Put("a", map[string]any{"secret": "s"})
	cluster := v.Kubernetes("psagate", []string{v.Policy("reads", reads)}, time.Minute)
	old := cluster.JWT()
	c, err := login(v, v.Client(), "kubernetes", map[string]any{"role": "psagate", "jwt": old})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, c, "a", "secret", "s")
	renewed := cluster.Renew()
	if _, err := login(v, v.Client(), "kubernetes", map[string]any{"role": "psagate", "jwt": old}); status(err) != 403 {
		t.Errorf("with the JWT that was renewed: %v", err)
	}
	if _, err := login(v, v.Client(), "kubernetes", map[string]any{"role": "psagate", "jwt": renewed}); err != nil {
		t.Errorf("with the new JWT: %v", err)
	}
}

func TestCert(t *testing.T) {
	t.Parallel()
	ca := NewCA(t, t.TempDir())
	v := Start(t, HTTPS(ca), OnDisk())
	v.Put("a", map[string]any{"secret": "s"})
	v.Cert("psagate", ca, []string{v.Policy("reads", reads)}, time.Minute)
	c, err := login(v, v.showing(ca.Client("psagate")), "cert", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, c, "a", "secret", "s")
	v.Restart()
	wantRead(t, c, "a", "secret", "s")
	over := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	for name, refused := range map[string]struct {
		shown *api.Client
		want  int
	}{
		"without a certificate":       {v.Client(), 400},
		"with another's":              {v.showing(NewCA(t, t.TempDir()).Client("psagate")), 400},
		"with one whose time is over": {v.showing(ca.Client("psagate", over)), 500}, // Vault's own choice
	} {
		if _, err := login(v, refused.shown, "cert", nil); status(err) != refused.want {
			t.Errorf("%s: %v; want status %d", name, err, refused.want)
		}
	}
}

// showing returns a client that shows a client certificate.
func (v *Vault) showing(cert, key string) *api.Client {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		v.t.Fatal(err)
	}
	c, err := api.NewClient(&api.Config{Address: v.URL, HttpClient: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: v.ca.Pool(), Certificates: []tls.Certificate{pair}},
	}}})
	if err != nil {
		v.t.Fatal(err)
	}
	return c
}
