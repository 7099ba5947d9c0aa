package token_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/token"
)

// FuzzAnswer lets a token server answer with anything: what comes of it is a token that fits into a mail server's command, or
// words without the secret.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{`{"access_token": "a", "expires_in": 1e9}`, `{"error": "invalid_client", "error_description": "s3cr3t/of+the app"}`, "access_token=a", "<html>", `{"access_token": "a\u0001"}`, `{"expires_in": -1, "access_token": "x", "refresh_token": 3}`} {
		f.Add(200, body)
		f.Add(400, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		status = 200 + max(status, -status)%300
		s := &server{answer: func(url.Values) (int, string) { return status, body }}
		source := credentials(t, s, &kept{value: clientSecret})
		access, err := source.Token(t.Context())
		p := new(token.Problem)
		switch {
		case err == nil && (access == "" || strings.ContainsFunc(access, func(r rune) bool { return r <= ' ' || r > '~' })):
			t.Errorf("%q is no token", access)
		case err != nil && (!errors.As(err, &p) || strings.Contains(p.Error(), clientSecret) || strings.ContainsAny(p.Error(), "\r\n")):
			t.Errorf("%v", err)
		}
		if n := s.asked(); n != 1 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}
