package issuer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/issuertest"
)

// bubble runs a test with a clock of its own, with a liar that is not asked over a network.
func bubble(t *testing.T, f func(t *testing.T, l *issuertest.Liar)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newLiar()) })
}

func good(t *testing.T, when string, i *Issuer, token string) {
	t.Helper()
	if _, err := i.AccessToken(t.Context(), token); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

func TestAnIssuerThatIsDownKeepsNothingFromLoadingAndIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		l.Lie(issuertest.Lies{Status: 503})
		i := of(t, l)
		if l.Count("/.well-known/openid-configuration") != 0 {
			t.Error("it was asked before it was needed")
		}
		token := l.AccessToken()
		for range 100 { // at once: one asking
			_, err := i.AccessToken(t.Context(), token)
			wrong(t, "down", err, ErrDown, "503")
		}
		if n := l.Count("/.well-known/openid-configuration"); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		for range 600 { // ten minutes
			time.Sleep(time.Second)
			_, err := i.AccessToken(t.Context(), token)
			wrong(t, "down", err, ErrDown, "503")
		}
		if n := l.Count("/.well-known/openid-configuration"); n < 10 || n > 20 {
			t.Errorf("in ten minutes it was asked %d times: with pauses of up to a minute it would be some 15", n)
		}
		l.Lie(issuertest.Lies{})
		time.Sleep(longestPause)
		good(t, "when it is back", i, l.AccessToken())
		if s := i.State(); s.Problem != nil || s.Since.IsZero() || !s.Until.After(s.Since) || s.Tried.IsZero() {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAllWhoNeedAnIssuerAtOnceAskItOnce(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		l.Lie(issuertest.Lies{Wait: time.Second})
		i := of(t, l)
		token := l.AccessToken()
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { good(t, "at once", i, token) })
		}
		all.Wait()
		if n := l.Count("/keys"); n != 1 {
			t.Errorf("its keys were read %d times", n)
		}
	})
}

func TestKeysServeForTheirTimeWhileTheIssuerIsDownAndNotLonger(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l)
		good(t, "at first", i, l.AccessToken())
		l.Lie(issuertest.Lies{Status: 500})
		for range 23 {
			time.Sleep(time.Hour)
			good(t, "while it is down", i, l.AccessToken())
			synctest.Wait()
		}
		if s := i.State(); s.Problem == nil || s.Tried.Before(s.Since) {
			t.Error("nobody hears that it is down")
		}
		time.Sleep(time.Hour)
		_, err := i.AccessToken(t.Context(), l.AccessToken())
		wrong(t, "a day later", err, ErrDown, "500")
		l.Lie(issuertest.Lies{})
		time.Sleep(longestPause)
		good(t, "when it is back", i, l.AccessToken())
	})
}

func TestTheTimeThatKeysServeIsASetting(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l, func(c *Config) { c.MaxStale = 30 * time.Minute })
		good(t, "at first", i, l.AccessToken())
		l.Lie(issuertest.Lies{Status: 500})
		time.Sleep(29 * time.Minute)
		good(t, "within it", i, l.AccessToken())
		time.Sleep(time.Minute)
		_, err := i.AccessToken(t.Context(), l.AccessToken())
		wrong(t, "after it", err, ErrDown, "")
	})
}

func TestAKeyThatTheIssuerTookBackIsNotBelievedForLong(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l)
		old := l.Token("at+jwt", map[string]any{"iss": l.URL, "sub": "rmm", "aud": issuertest.Audience, "iat": time.Now().Unix(), "exp": time.Now().Add(48 * time.Hour).Unix()})
		good(t, "at first", i, old)
		l.Rotate()
		l.Drop()
		time.Sleep(fresh) // who asks first has it read again
		good(t, "before it is known", i, old)
		synctest.Wait()
		_, err := i.AccessToken(t.Context(), old)
		wrong(t, "when it is known", err, ErrRefused, "does not have")
	})
}

func TestANewKeyIsTakenAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l)
		good(t, "at first", i, l.AccessToken())
		for range 3 {
			time.Sleep(between)
			l.Rotate()
			good(t, "after a rotation", i, l.AccessToken())
		}
	})
}

func TestTokensOfUnknownKeysDoNotHaveTheIssuerAskedAllTheTime(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l)
		good(t, "at first", i, l.AccessToken())
		l.Lie(issuertest.Lies{Header: set("kid", "nobodys")})
		token := l.AccessToken()
		l.Lie(issuertest.Lies{})
		for range 6000 { // a minute
			time.Sleep(10 * time.Millisecond)
			_, err := i.AccessToken(t.Context(), token)
			wrong(t, "an unknown key", err, ErrRefused, "nobodys")
		}
		if n := l.Count("/keys"); n > 13 {
			t.Errorf("in a minute its keys were read %d times", n)
		}
		good(t, "meanwhile", i, l.AccessToken())
	})
}

func TestATokenOfAnUnknownKeyIsNotCalledWrongWhileTheIssuerIsDown(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		i := of(t, l)
		good(t, "at first", i, l.AccessToken())
		time.Sleep(between)
		l.Rotate()
		l.Lie(issuertest.Lies{Status: 502})
		for range 3 {
			_, err := i.AccessToken(t.Context(), l.AccessToken())
			wrong(t, "a new key", err, ErrDown, "502")
		}
	})
}

func TestALyingOrBrokenIssuerIsNotBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		lies issuertest.Lies
		says string
	}{
		"another name":             {issuertest.Lies{Metadata: set("issuer", "https://evil.example")}, "it calls itself \"https://evil.example\""},
		"its name with a slash":    {issuertest.Lies{Metadata: set("issuer", "https://login.example.com/")}, "exactly"},
		"no name":                  {issuertest.Lies{Metadata: set("issuer", nil)}, "it calls itself"},
		"an open token endpoint":   {issuertest.Lies{Metadata: set("token_endpoint", "http://login.example.com/token")}, "token_endpoint: \"http://login.example.com\" is not https"},
		"open keys":                {issuertest.Lies{Metadata: set("jwks_uri", "http://login.example.com/keys")}, "jwks_uri"},
		"a file for keys":          {issuertest.Lies{Metadata: set("jwks_uri", "file:///etc/passwd")}, "jwks_uri"},
		"no keys' address":         {issuertest.Lies{Metadata: set("jwks_uri", nil)}, "jwks_uri"},
		"a script to sign in":      {issuertest.Lies{Metadata: set("authorization_endpoint", "javascript:alert(1)")}, "authorization_endpoint"},
		"a script to sign out":     {issuertest.Lies{Metadata: set("end_session_endpoint", "javascript:alert(1)")}, "end_session_endpoint"},
		"keys that are a secret":   {issuertest.Lies{Keys: keys(map[string]any{"kty": "oct", "k": "c2VjcmV0"})}, "no public key"},
		"keys for encryption":      {issuertest.Lies{Keys: keys(map[string]any{"kty": "EC", "use": "enc", "crv": "P-256", "x": p256x, "y": p256y})}, "no public key"},
		"no keys":                  {issuertest.Lies{Keys: keys()}, "no public key"},
		"keys that are none":       {issuertest.Lies{Keys: func() any { return "none" }}, "no JSON Web Key Set"},
		"an answer without an end": {issuertest.Lies{Huge: true}, "too long"},
		"a page that is no answer": {issuertest.Lies{Status: 200}, ""},
		"a redirect":               {issuertest.Lies{Status: 302}, "302"},
		"no answer in time":        {issuertest.Lies{Wait: time.Hour}, ""},
	} {
		bubble(t, func(t *testing.T, l *issuertest.Liar) {
			token := l.AccessToken()
			l.Lie(test.lies)
			i := of(t, l)
			_, err := i.AccessToken(t.Context(), token)
			wrong(t, name, err, ErrDown, test.says)
			if err != nil && len(err.Error()) > 3*maxShown {
				t.Errorf("%s: %d bytes of error", name, len(err.Error()))
			}
		})
	}
}

const p256x, p256y = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" // RFC 7517, appendix A.1

func keys(all ...any) func() any {
	return func() any { return map[string]any{"keys": append([]any{}, all...)} }
}

func TestAKeyForAnotherAlgorithmOrOfNoKnownKindDoesNotCount(t *testing.T) {
	parsed, err := parseKeys([]byte(`{"keys":[{"kty":"new"},{"kty":"OKP","crv":"Ed448","x":"AA"},7,{"kty":"EC","crv":"P-256","kid":"a","alg":"ES256","x":"` + p256x + `","y":"` + p256y + `"}]}`))
	if err != nil || len(parsed) != 1 || parsed[0].KeyID != "a" {
		t.Errorf("%v, %v", parsed, err)
	}
	if _, err := parseKeys([]byte(`{"keys":[` + strings.Repeat(`{"kty":"EC","crv":"P-256","x":"`+p256x+`","y":"`+p256y+`"},`, maxKeys) + `{"kty":"EC","crv":"P-256","x":"` + p256x + `","y":"` + p256y + `"}]}`)); err == nil {
		t.Error("any number of keys is taken")
	}
}

func TestWhoHangsUpDoesNotEndTheReadingForOthers(t *testing.T) {
	bubble(t, func(t *testing.T, l *issuertest.Liar) {
		l.Lie(issuertest.Lies{Wait: 3 * time.Second})
		i := of(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token := l.AccessToken()
		if _, err := i.AccessToken(ctx, token); !errors.Is(err, ErrDown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who hung up: %v", err)
		}
		good(t, "who waits", i, token)
		if n := l.Count("/keys"); n != 1 {
			t.Errorf("its keys were read %d times", n)
		}
	})
}
