package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// proverOf knows tokens by their middle part, and says of each what a test wants.
type proverOf struct {
	says  map[string]map[string][]string // claims
	fails map[string]error
	asked int
}

func (p *proverOf) Prove(_ context.Context, token string) (Proven, error) {
	p.asked++
	name := strings.Split(token, ".")[1]
	if err := p.fails[name]; err != nil {
		return Proven{}, err
	}
	claims, there := p.says[name]
	if !there {
		return Proven{}, fmt.Errorf("%w: nobody made it", ErrWrongToken)
	}
	return Proven{Issuer: "corp", Texts: func(claim string) []string { return claims[claim] }}, nil
}

func jwt(name string) string {
	return "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9." + name + ".c2lnbmF0dXJl"
}

func newProver() *proverOf {
	return &proverOf{
		says: map[string]map[string][]string{
			"a":      {"sub": {"rmm"}, "client_id": {"rmm"}},
			"again":  {"sub": {"rmm"}, "client_id": {"rmm"}, "roles": {"x"}},
			"b":      {"sub": {"s-2"}, "roles": {"other", "backup"}},
			"both":   {"client_id": {"rmm"}, "roles": {"backup"}},
			"nobody": {"sub": {"x"}, "client_id": {"RMM", "rmm ", ""}, "roles": {"backups"}, "": {"rmm"}},
			"other":  {"client_id": {"backup"}, "roles": {"rmm"}}, // the right texts in the wrong claims
		},
		fails: map[string]error{"down": fmt.Errorf("%w: it answers with status 500", ErrIssuerUnavailable), "odd": errors.New("something else")},
	}
}

func TestAJWTStandsInAKeysPlaceAndTwoProofsThatDifferAreNone(t *testing.T) {
	keyA, keyB, stranger := newKey(t), newKey(t), newKey(t)
	book := mustBook(
		t,
		Integration{Name: "a", Keys: []Hash{keyA.Hash()}, Certs: []string{"a.example.com"}, JWTs: []JWT{{"corp", "client_id", "rmm"}, {"corp", "roles", "x"}}},
		Integration{Name: "b", Keys: []Hash{keyB.Hash()}, Certs: []string{"b.example.com"}, JWTs: []JWT{{"corp", "roles", "backup"}}},
		Integration{Name: "elsewhere", JWTs: []JWT{{"another", "client_id", "x"}, {"another", "sub", "rmm"}}},
	)
	connections := []*tls.ConnectionState{
		nil, verifiedBy(certified(t, forHosts("proxy.example.com"))), unverified(certified(t, forHosts("b.example.com"))),
		verifiedBy(certified(t, func(c *x509.Certificate) { c.DNSNames = []string{"a.example.com"} })), verifiedBy(certified(t, forHosts("b.example.com"))),
	}
	const cert, token = "conflicting-certificate", "conflicting-token"
	all := func(word string) []string { return strings.Fields(strings.Repeat(word+" ", len(connections))) }
	for name, row := range map[string]struct {
		lines []string
		want  []string // by connection
	}{
		"a's":                          {[]string{jwt("a")}, []string{"=a", "=a", "=a", "=a", cert}},
		"a's by two claims":            {[]string{jwt("again")}, []string{"=a", "=a", "=a", "=a", cert}},
		"b's, in a list":               {[]string{jwt("b")}, []string{"=b", "=b", "=b", cert, "=b"}},
		"of two":                       {[]string{jwt("both")}, all(token)},
		"of nobody":                    {[]string{jwt("nobody")}, all("unknown-token")},
		"in the wrong claims":          {[]string{jwt("other")}, all("unknown-token")},
		"forged":                       {[]string{jwt("x")}, all("wrong-token")},
		"of an issuer that is down":    {[]string{jwt("down")}, all("issuer-unavailable")},
		"that nobody understands":      {[]string{jwt("odd")}, all("wrong-token")},
		"two that differ":              {[]string{jwt("a"), jwt("b")}, all(token)},
		"two of one program":           {[]string{jwt("a"), jwt("again")}, all(token)},
		"one, twice":                   {[]string{jwt("a"), jwt("a")}, []string{"=a", "=a", "=a", "=a", cert}},
		"beside an old password":       {[]string{"UserName: u", "Secret: hunter2", jwt("a")}, []string{"=a", "=a", "=a", "=a", cert}},
		"a's beside a's key":           {[]string{jwt("a"), "Secret: " + keyA.Reveal()}, []string{"=a", "=a", "=a", "=a", cert}},
		"a's beside b's key":           {[]string{jwt("a"), "Secret: " + keyB.Reveal()}, all(token)},
		"of two, beside a's key":       {[]string{jwt("both"), "Secret: " + keyA.Reveal()}, all(token)},
		"of nobody, beside a's key":    {[]string{jwt("nobody"), "Secret: " + keyA.Reveal()}, []string{"=a", "=a", "=a", "=a", cert}},
		"forged, beside a's key":       {[]string{jwt("x"), "Secret: " + keyA.Reveal()}, []string{"=a", "=a", "=a", "=a", cert}},
		"a's, beside an unknown key":   {[]string{jwt("a"), "Secret: " + stranger.Reveal()}, all("unknown-key")},
		"a's, beside a mistyped key":   {[]string{jwt("a"), "Secret: " + keyA.Reveal() + "x"}, all("mistyped-key")},
		"a's, beside two keys":         {[]string{jwt("a"), "Secret: " + keyA.Reveal(), "Secret: " + keyB.Reveal()}, all("conflicting-keys")},
		"in the place of the password": {[]string{"Secret: eyJhbGciOiJSUzI1NiJ9.a.c2lnbmF0dXJl"}, []string{"not-a-key", "not-a-key", "unverified-certificate", "=a", "=b"}},
		"in capitals":                  {[]string{strings.Replace(jwt("a"), "Bearer", "BEARER", 1)}, []string{"=a", "=a", "=a", "=a", cert}},
		"with a blank at its end":      {[]string{jwt("a") + "  "}, []string{"=a", "=a", "=a", "=a", cert}},
		"with a blank in it":           {[]string{strings.Replace(jwt("a"), ".a.", ".a .", 1)}, []string{"not-a-key", "not-a-key", "unverified-certificate", "=a", "=b"}},
		"with an empty signature":      {[]string{"Authorization: Bearer eyJhbGciOiJub25lIn0.a."}, all("wrong-token")},
		"of four parts":                {[]string{jwt("a") + ".x"}, []string{"not-a-key", "not-a-key", "unverified-certificate", "=a", "=b"}},
		"too long":                     {[]string{jwt("a") + strings.Repeat("x", maxToken)}, []string{"not-a-key", "not-a-key", "unverified-certificate", "=a", "=b"}},
	} {
		for i, connection := range connections {
			p := FromRequest(request(row.lines...), "UserName", "Secret")
			p.AddTLS(connection)
			prover := newProver()
			if name == "with an empty signature" {
				prover.says = nil
			}
			p.Prove(t.Context(), prover)
			caller, err := book.Identify(p, netip.Addr{}, noon)
			got := fmt.Sprint(err)
			if err == nil {
				got = "=" + caller.Integration.Name
			}
			if got != row.want[i] || (err == nil) != (caller.Integration != nil) {
				t.Errorf("%s, connection %d: %s %+v, want %s", name, i, got, caller, row.want[i])
			}
		}
	}
}

func TestWithoutAProverAJWTIsSomethingThatIsNoKey(t *testing.T) {
	key := newKey(t)
	book := mustBook(t, Integration{Name: "a", Keys: []Hash{key.Hash()}, JWTs: []JWT{{"corp", "client_id", "rmm"}}})
	for want, lines := range map[string][]string{"not-a-key": {jwt("a")}, "=a": {jwt("x"), "Secret: " + key.Reveal()}} {
		p := FromRequest(request(lines...), "UserName", "Secret")
		p.Prove(t.Context(), nil)
		caller, err := book.Identify(p, netip.Addr{}, noon)
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && "="+caller.Integration.Name != want {
			t.Errorf("%v: %+v, %v", lines, caller, err)
		}
	}
}

func TestOnlyCallsWithAJWTHaveAnybodyAsked(t *testing.T) {
	prover := newProver()
	for _, lines := range [][]string{nil, {"Secret: hunter2"}, {"Authorization: Bearer psagate_x"}, {"Authorization: Bearer x"}, {jwt("a"), jwt("b")}, {basic("u", "eyJ.a.b")}} {
		p := FromRequest(request(lines...), "UserName", "Secret")
		p.Prove(t.Context(), prover)
	}
	if prover.asked != 0 {
		t.Errorf("it was asked %d times", prover.asked)
	}
}

func TestTheLogHearsWhoseTokenItWasAndWhyItWasNotTaken(t *testing.T) {
	book := mustBook(t, Integration{Name: "a", JWTs: []JWT{{"corp", "client_id", "rmm"}}, From: networks("192.0.2.0/24")})
	identified := func(name, address string) (Caller, error) {
		p := FromRequest(request(jwt(name)), "UserName", "Secret")
		p.Prove(t.Context(), newProver())
		return book.Identify(p, netip.MustParseAddr(address), noon)
	}
	mine, err := identified("a", "192.0.2.7")
	if err != nil || !strings.HasPrefix(mine.KeyID, "jwt:") || len(mine.KeyID) != 12 || mine.Why != "" {
		t.Errorf("%+v, %v", mine, err)
	}
	if again, err := identified("again", "192.0.2.7"); err != nil || again.KeyID != mine.KeyID {
		t.Errorf("another token of the same program: %+v, %v", again, err)
	}
	if away, err := identified("a", "203.0.113.9"); err != ErrWrongNetwork || away.Refused == nil || away.KeyID != mine.KeyID {
		t.Errorf("from elsewhere: %+v, %v", away, err)
	}
	if no, err := identified("nobody", "192.0.2.7"); err != ErrUnknownToken || no.KeyID == "" || no.KeyID == mine.KeyID {
		t.Errorf("of nobody: %+v, %v", no, err)
	}
	if no, err := identified("x", "192.0.2.7"); err != ErrWrongToken || no.KeyID != "" || no.Why != "wrong-token: nobody made it" {
		t.Errorf("forged: %+v, %v", no, err)
	}
}

func TestACallersOwnCredentialDoesNotCountBesideAJWT(t *testing.T) {
	book := mustBook(t,
		Integration{Name: "own", From: networks("192.0.2.0/24"), PassThrough: map[string]string{"user@example.com": "user@example.com"}},
		Integration{Name: "a", JWTs: []JWT{{"corp", "client_id", "rmm"}}},
	)
	for name, want := range map[string]string{"a": "a", "x": ""} {
		p := FromRequest(request("UserName: user@example.com", "Secret: hunter2", jwt(name)), "UserName", "Secret")
		p.AddUser("user@example.com")
		p.Prove(t.Context(), newProver())
		caller, err := book.Identify(p, netip.MustParseAddr("192.0.2.7"), noon)
		if caller.Brings || (err == nil) != (want != "") || err == nil && caller.Integration.Name != want {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func TestOneTokenCannotBeTwosProofByConfig(t *testing.T) {
	_, err := NewBook([]Integration{
		{Name: "a", JWTs: []JWT{{"corp", "client_id", "rmm"}, {"corp", "client_id", "rmm"}}},
		{Name: "b", JWTs: []JWT{{"corp", "client_id", "rmm"}, {"corp", "client_id", ""}, {"", "x", "y"}}},
		{Name: "c", JWTs: []JWT{{"other", "client_id", "rmm"}, {"corp", "sub", "rmm"}}},
	}, nil)
	for _, want := range []string{`"a" names jwt corp client_id "rmm" twice`, `integrations "a" and "b" both have jwt corp client_id "rmm"`, `integration "b": a jwt needs`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
	if strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v", err)
	}
}

// FuzzLooksLikeJWT: what is taken for a JWT has three parts of base64url, is short, and is never a key of ours.
func FuzzLooksLikeJWT(f *testing.F) {
	for _, seed := range []string{"eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "eyJ..x", "eyJ.x.", goldenKey, "..", "ey.y.z.", "eyJ.\n.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !looksLikeJWT(text) {
			return
		}
		parts := strings.Split(text, ".")
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" || len(text) > 8192 || strings.HasPrefix(text, "psagate_") || strings.ContainsAny(text, " \t\r\n,=+/\x00\x7f") {
			t.Errorf("%q is taken for a JWT", text)
		}
		p := FromRequest(request("Authorization: Bearer "+text), "UserName", "Secret")
		if p.token != text || p.hasKey || !errors.Is(p.err, ErrNotAKey) {
			t.Errorf("%q: %+v", text, p)
		}
	})
}
