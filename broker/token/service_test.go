package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/psagate/psagate/broker/token"
)

// account is the file of a service account whose tokens come from url.
func account(t *testing.T, url string) (file string, key *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "mail@project.example", "private_key_id": "k1", "token_uri": url,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), key
}

func TestAServiceAccountProvesItselfWithItsKey(t *testing.T) {
	var key *rsa.PrivateKey
	refusing := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusing {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this method"}`))
			return
		}
		assertion, err := jwt.ParseSigned(r.PostFormValue("assertion"), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Error(err)
			return
		}
		var claims struct {
			jwt.Claims
			Scope string `json:"scope"`
		}
		if err := assertion.Claims(&key.PublicKey, &claims); err != nil {
			t.Error(err)
		}
		if claims.Issuer != "mail@project.example" || claims.Subject != "support@example.test" || claims.Scope != "https://mail.google.com/" || claims.Expiry.Time().Before(time.Now()) {
			t.Errorf("%+v", claims)
		}
		_, _ = w.Write([]byte(`{"access_token": "of-the-account", "token_type": "Bearer", "expires_in": 3600}`))
	}))
	defer server.Close()
	file, k := account(t, server.URL)
	key = k
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	source, err := token.ServiceAccount((&kept{value: file}).get, "support@example.test", []string{token.GoogleMail}, transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, source, "of-the-account")
	refusing = true
	source.Forget()
	refuses(t, source, "domain-wide delegation", "unauthorized_client")
}

func TestAFileThatIsNoServiceAccountsIsNotRepeated(t *testing.T) {
	good, _ := account(t, "https://oauth2.example.com/token")
	for name, file := range map[string]string{
		"no JSON":      "correct-horse",
		"another kind": `{"type": "authorized_user", "private_key": "correct-horse"}`,
		"no key":       `{"type": "service_account", "private_key": "correct-horse", "token_uri": "https://127.0.0.1:1/"}`,
		"in the clear": strings.Replace(good, "https:", "http:", 1),
	} {
		source, err := token.ServiceAccount((&kept{value: file}).get, "support@example.test", nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := refuses(t, source); strings.Contains(p.Error(), "correct-horse") || strings.Contains(p.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, p)
		}
	}
}
