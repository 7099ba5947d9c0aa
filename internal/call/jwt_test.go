package call

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/issuertest"
)

// withJWTs lets a in by tokens of a liar's, for the machine rmm.
func (w *world) withJWTs() *issuertest.Liar {
	w.Helper()
	l := issuertest.NewLiar("https://login.example.com")
	i, err := issuer.New(issuer.Config{Name: "corp", URL: l.URL, ClientID: issuertest.ClientID, Audience: issuertest.Audience, Transport: l.Transport()})
	if err != nil {
		w.Fatal(err)
	}
	w.after = append(w.after, i.Close)
	w.cfg.Prover = issuer.NewProver(i)
	w.change("a", func(i *Integration) { i.JWTs = []identity.JWT{{Issuer: "corp", Claim: "client_id", Value: "rmm"}} })
	return l
}

// bearer is a call with a token and, where there is such an integration, its key.
func (w *world) bearer(token, integration string) *http.Request {
	req := w.ticket(integration)
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}

func TestAMachineIsLetInByItsIssuersToken(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.withJWTs()
		for range 30 { // more than an address may fail
			if a := w.knock(home, w.bearer(l.AccessToken(), "")); a.status != 200 {
				t.Fatalf("%d %s\n%s", a.status, a.body, w.log)
			}
		}
		if n := len(w.sim.Ledger().Of(user)); n == 0 || w.failed() != 0 {
			t.Errorf("the PSA saw %d sign-ins, %d failed", n, w.failed())
		}
		if a := w.knock(home, w.bearer(l.AccessToken(), "a")); a.status != 200 {
			t.Errorf("beside its own key: %d", a.status)
		}
		if a := w.knock(home, w.bearer(l.AccessToken(), "b")); !w.bare(a) || len(w.logged("reason=conflicting-token")) != 1 {
			t.Errorf("beside another's key: %d\n%s", a.status, w.log)
		}
		w.safeNow()
	})
}

func TestAWrongTokenCountsAsAWrongKeyAndAGoodOneIsNotSlowed(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.withJWTs()
		l.Lie(issuertest.Lies{Header: func(m map[string]any) { m["alg"] = "none" }, Sign: func(string) []byte { return []byte("x") }})
		forged := l.AccessToken()
		l.Lie(issuertest.Lies{})
		for range 10 {
			if a := w.knock(home, w.bearer(forged, "")); !w.bare(a) {
				t.Fatalf("%d %s", a.status, a.reason())
			}
		}
		if a := w.knock(home, w.bearer(forged, "")); a.status != 429 || a.reason() != "too-many-failures" {
			t.Errorf("%d %s", a.status, a.reason())
		}
		if a := w.knock(home, w.bearer(l.AccessToken(), "")); a.status != 200 {
			t.Errorf("a good one: %d %s", a.status, a.reason())
		}
		if len(w.logged("reason=wrong-token", "why=", "client_ip="+home)) != 10 {
			t.Errorf("the log does not say why:\n%s", w.log)
		}
		w.safeNow()
	})
}

func TestOtherTokensAreNobodys(t *testing.T) {
	for name, lies := range map[string]func(map[string]any){
		"for another audience": func(m map[string]any) { m["aud"] = "https://other.example.com" },
		"over":                 func(m map[string]any) { m["exp"] = time.Now().Add(-time.Hour).Unix() },
		"another issuer's":     func(m map[string]any) { m["iss"] = "https://evil.example" },
		"nobody's":             func(m map[string]any) { m["iss"] = 7 },
		"of another machine":   func(m map[string]any) { m["client_id"] = "other" },
		"of a list of lists":   func(m map[string]any) { m["client_id"] = []any{[]any{"rmm"}} },
	} {
		inWorld(t, func(w *world) {
			l := w.withJWTs()
			l.Lie(issuertest.Lies{Claims: lies})
			if a := w.knock(home, w.bearer(l.AccessToken(), "")); !w.bare(a) || len(w.logged("reason=", "-token", "client_ip="+home)) != 1 {
				t.Errorf("%s: %d %s\n%s", name, a.status, a.reason(), w.log)
			}
		})
	}
}

func TestAnIssuerThatIsDownGetsNoCallerBlocked(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.withJWTs()
		token := l.AccessToken()
		l.Lie(issuertest.Lies{Status: 500})
		for i := range 40 {
			if a := w.knock(home, w.bearer(token, "")); !w.bare(a) {
				t.Fatalf("call %d: %d %s", i, a.status, a.reason())
			}
		}
		if len(w.logged("reason=issuer-unavailable", "500 Internal Server Error")) != 1 {
			t.Errorf("the log does not say why, once:\n%s", w.log)
		}
		l.Lie(issuertest.Lies{})
		time.Sleep(time.Minute)
		if a := w.knock(home, w.bearer(l.AccessToken(), "")); a.status != 200 {
			t.Errorf("when it is back: %d %s", a.status, a.reason())
		}
	})
}

func TestASlowIssuerKeepsNobodyElseWaiting(t *testing.T) {
	inWorld(t, func(w *world) {
		l := w.withJWTs()
		token := l.AccessToken()
		l.Lie(issuertest.Lies{Wait: time.Hour})
		began, waited := time.Now(), make(chan string, 1)
		go func() {
			a := w.knock(home, w.bearer(token, ""))
			waited <- fmt.Sprint(a.status, " after ", time.Since(began))
		}()
		synctest.Wait()
		if a := w.knock(home, w.ticket("b")); a.status != 200 || time.Since(began) != 0 {
			t.Errorf("by a key: %d after %s", a.status, time.Since(began))
		}
		if got := <-waited; got != "401 after 5s" {
			t.Errorf("by a token: %s", got)
		}
		time.Sleep(time.Minute) // the reading ends
	})
}

func TestTheAuditLogHasTheIssuerOfATokenThatWasRefusedAndNothingOfTheToken(t *testing.T) {
	for name, c := range map[string]struct {
		lies                issuertest.Lies
		reason, issuer, key string
	}{
		"a good one":          {reason: "", issuer: "corp", key: "jwt:"},
		"another machine's":   {issuertest.Lies{Claims: func(m map[string]any) { m["client_id"] = "other" }}, "unknown-token", "corp", "jwt:"},
		"one that is over":    {issuertest.Lies{Claims: func(m map[string]any) { m["exp"] = time.Now().Add(-time.Hour).Unix() }}, "wrong-token", "corp", ""},
		"an unknown issuer's": {issuertest.Lies{Claims: func(m map[string]any) { m["iss"] = "https://evil.example" }}, "wrong-token", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inAuditedWorld(t, false, func(w *world, p *paper) {
				l := w.withJWTs()
				l.Lie(c.lies)
				token := l.AccessToken()
				w.knock(home, w.bearer(token, ""))
				e := p.last(t)
				if got := strings.Join(e.Reasons, ","); e.Issuer != c.issuer || !strings.HasPrefix(e.Key, c.key) || (e.Key == "") != (c.key == "") || c.reason != "" && (got != c.reason || e.DecidedBy != audit.ByIdentity) {
					t.Errorf("%+v", e)
				}
				for part := range strings.SplitSeq(token, ".") {
					if bytes.Contains(p.data.Bytes(), []byte(part)) {
						t.Error("a part of the token is in the log")
					}
				}
			})
		})
	}
}
