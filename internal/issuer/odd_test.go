package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/psagate/psagate/internal/issuertest"
)

func TestATokenThatBringsItsOwnKeyIsSignedByNobody(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	kid := kidOf(t, l.AccessToken())
	for name, opts := range map[string]*jose.SignerOptions{
		"in its header":             {EmbedJWK: true},
		"under the issuer's name":   new(jose.SignerOptions).WithHeader("kid", kid),
		"at an address of its own":  new(jose.SignerOptions).WithHeader("kid", kid).WithHeader("x5u", "https://evil.example/x").WithHeader("jku", "https://evil.example/keys"),
		"as a certificate with it":  new(jose.SignerOptions).WithHeader("kid", kid).WithHeader("x5t", "eA"),
		"by a path for its name":    new(jose.SignerOptions).WithHeader("kid", "../../../dev/null"),
		"in its header, named well": {EmbedJWK: true, ExtraHeaders: map[jose.HeaderKey]any{"kid": kid}},
	} {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: own}, opts.WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		claims, _ := json.Marshal(map[string]any{"iss": l.URL, "sub": "rmm", "client_id": "rmm", "aud": issuertest.Audience, "iat": now, "exp": now + 60})
		signed, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.AccessToken(t.Context(), token)
		wrong(t, name, err, ErrRefused, "")
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	s, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		t.Fatal(err)
	}
	return s.Signatures[0].Header.KeyID
}

func TestClaimsOfOddTypesAreNoTexts(t *testing.T) {
	l := newLiar()
	i := of(t, l)
	now := time.Now().Unix()
	huge, _ := new(big.Int).SetString(strings.Repeat("9", 400), 10)
	for name, c := range map[string]struct {
		claim any
		want  []string
	}{
		"a text": {"rmm", []string{"rmm"}}, "a number": {7, nil}, "yes": {true, nil}, "nothing": {nil, nil}, "an object": {map[string]any{"rmm": "rmm"}, nil},
		"lists of lists": {[]any{[]any{"rmm"}, 7, nil, "x"}, []string{"x"}}, "deep": {json.RawMessage(strings.Repeat("[", 500) + strings.Repeat("]", 500)), nil},
		"huge, in a list": {[]any{json.RawMessage("1e300"), "rmm"}, []string{"rmm"}},
	} {
		claims, err := i.AccessToken(t.Context(), l.Token("at+jwt", map[string]any{"iss": l.URL, "sub": "rmm", "aud": issuertest.Audience, "iat": now, "exp": now + 60, "who": c.claim}))
		if err != nil || !slices.Equal(claims.Texts("who"), c.want) {
			t.Errorf("%s: %q, %v", name, claims.Texts("who"), err)
		}
	}
	for name, more := range map[string]map[string]any{
		"an end that no clock has":       {"exp": json.RawMessage("1e400")},
		"a number that no float has":     {"who": huge},
		"issued after all time":          {"iat": json.RawMessage("1e308")},
		"issued at a text":               {"iat": "0"},
		"an issuer that is a list":       {"iss": []string{l.URL}},
		"an audience that is an object":  {"aud": map[string]string{"a": issuertest.Audience}},
		"an audience in a list in one":   {"aud": [][]string{{issuertest.Audience}}},
		"another issuer in capitals too": {"isS": l.URL, "iss": "https://evil.example"},
	} {
		claims := map[string]any{"iss": l.URL, "sub": "rmm", "aud": issuertest.Audience, "iat": now, "exp": now + 60}
		for k, v := range more {
			claims[k] = v
		}
		_, err := i.AccessToken(t.Context(), l.Token("at+jwt", claims))
		wrong(t, name, err, ErrRefused, "")
	}
}
