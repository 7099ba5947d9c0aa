//go:build unix

package caddymodule

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/psagate/psagate/broker/token"
	"github.com/psagate/psagate/internal/imaptest"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

const (
	personal  = "person@example.test"
	workspace = "workspace@example.test"
	appSecret = "secret-of-the-app"
)

// tokenServer gives access tokens by each of the ways that a mailbox knows, and tells mail servers whose they are (RFC 7662).
type tokenServer struct {
	*httptest.Server
	key *rsa.PrivateKey // of the service account

	mu      sync.Mutex
	refresh int               // the number of the refresh token that it takes; each is taken once
	tokens  map[string]string // whose each is
	asked   map[string]int    // how often, by grant
	refused []string
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &tokenServer{key: key, refresh: 1, tokens: map[string]string{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.give)
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		user, active := s.whose(r.PostFormValue("token"))
		_ = json.NewEncoder(w).Encode(map[string]any{"active": active, "username": user, "exp": time.Now().Add(time.Hour).Unix()})
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) whose(access string) (user string, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, there = s.tokens[access]
	return user, there
}

func (s *tokenServer) give(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	grant := r.PostFormValue("grant_type")
	s.asked[grant]++
	answer := map[string]any{"token_type": "Bearer", "expires_in": 3600}
	user := ""
	switch {
	case r.PostFormValue("client_secret") != appSecret && grant != "urn:ietf:params:oauth:grant-type:jwt-bearer":
	case grant == "client_credentials" && r.PostFormValue("scope") == "mail":
		user = imaptest.User
	case grant == "refresh_token" && r.PostFormValue("refresh_token") == fmt.Sprint("refresh-", s.refresh):
		s.refresh++
		user, answer["refresh_token"] = personal, fmt.Sprint("refresh-", s.refresh)
	case grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
		user = s.delegated(r.PostFormValue("assertion"))
	}
	if user == "" {
		s.refused = append(s.refused, grant)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error": "invalid_grant"}`))
		return
	}
	access := fmt.Sprint("access-", len(s.tokens))
	s.tokens[access], answer["access_token"] = user, access
	_ = json.NewEncoder(w).Encode(answer)
}

// delegated is whom a service account acts for.
func (s *tokenServer) delegated(assertion string) string {
	var claims struct {
		jwt.Claims
		Scope string `json:"scope"`
	}
	signed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || signed.Claims(&s.key.PublicKey, &claims) != nil || claims.Issuer != "psagate@project.example" || claims.Scope != token.GoogleMail {
		return ""
	}
	return claims.Subject
}

// accountKey is the JSON of the service account's key.
func (s *tokenServer) accountKey() string {
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key)})
	text, _ := json.Marshal(map[string]string{"type": "service_account", "client_email": "psagate@project.example", "private_key_id": "k1", "private_key": string(private), "token_uri": s.URL + "/token"})
	return string(text)
}

// tokenBoxes are mailboxes that are signed in to with access tokens, each got in another way.
const tokenBoxes = `		mail support {
			imap IMAP {
				login ` + imaptest.User + ` oauth2 ISSUER/token psagate secret file mail/app secret {
					scope mail
				}
				tls off
				folders none since SINCE
				poll 1s
			}
			alias ` + imaptest.User + `
			fallback ates addticket@ates.example {
				after 10ms
				smtp ATES
				tls off
				login ` + imaptest.User + ` oauth2 ISSUER/token psagate secret file mail/app secret {
					scope mail
				}
				key secret file mail/app key
			}
		}
		mail personal {
			imap IMAP {
				login ` + personal + ` oauth2 ISSUER/token psagate secret file mail/app secret {
					refresh_token secret file mail/person refresh
				}
				tls off
			}
			alias ` + personal + `
		}
		mail workspace {
			imap IMAP {
				login ` + workspace + ` service_account secret file mail/google key
				tls off
			}
			alias ` + workspace + `
		}
`

func TestMailboxesWithAccessTokensFromTheCaddyfileToTheTicket(t *testing.T) {
	issuer := newTokenServer(t)
	server := imaptest.Start(t, imaptest.Options{Introspect: issuer.URL + "/introspect", Mechanisms: "xoauth2", Users: []string{personal, workspace}})
	o := newPostOffice(t, "")
	service := o.sim.AddMailService(nil, nil)
	service.Serve(o.sim.Tenants()[0], atesKey, 8)
	service.Adjust(func(s *psatest.MailSettings) {
		s.SignIn = func(user, token string) bool { whose, is := issuer.whose(token); return is && whose == user }
	})
	o.config(t, "", strings.NewReplacer("IMAP", server.Plain, "ISSUER", issuer.URL, "ATES", service.Addr(), "SINCE", time.Now().AddDate(0, 0, -1).Format(time.DateOnly)).Replace(tokenBoxes))
	records, _ := json.Marshal(map[string]map[string]string{
		"autotask/main": {"username": "api@example.com", "secret": storySecret, "integration_code": "CODE"},
		"mail/app":      {"secret": appSecret, "key": atesKey}, "mail/person": {"refresh": "refresh-1"}, "mail/google": {"key": issuer.accountKey()},
	})
	o.put(t, "secrets.json", string(records))
	mail := func(to, subject string) {
		server.DeliverTo(to, fmt.Appendf(nil, "From: Ada <ada@customer.test>\r\nTo: %s\r\nMessage-ID: <%s@customer.test>\r\nSubject: %s\r\n\r\nHelp.\r\n", to, subject, subject))
	}
	mail(imaptest.User, "by client credentials")
	mail(personal, "by a refresh token")
	mail(workspace, "by a service account")
	caddy, tell := o.start(t)
	tell("event started")
	for _, subject := range []string{"by client credentials", "by a refresh token", "by a service account"} {
		o.ticket(t, subject)
	}
	o.comes(t, "the mail that stays is marked", func() bool {
		inbox := server.Folder("INBOX")
		return len(inbox) == 1 && len(inbox[0].Keywords) == 1
	})
	// The refresh token was replaced, and the next one is used: a test with --again asks for another access token.
	o.comes(t, "the next refresh token is kept", func() bool { return strings.Contains(o.read(t, "secrets.json"), `"refresh-2"`) })
	for _, name := range []string{"personal", "workspace"} {
		out, err := o.command(t.Context(), "psa", "mail", "test", name, "--again", "--address", "unix/"+o.path("admin")).CombinedOutput()
		if text := string(out); err != nil || !strings.Contains(text, "(XOAUTH2)") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	o.comes(t, "the refresh token after that is kept", func() bool { return strings.Contains(o.read(t, "secrets.json"), `"refresh-3"`) })
	// The PSA's API is away: the next mail goes to its mail service, whose server takes the same kind of token.
	o.sim.Fault(psatest.Fault{At: psatest.Judged, Then: psatest.Answer, Status: 429, Only: psatest.SignInCall})
	mail(imaptest.User, "finds out")
	o.comes(t, "the API is down", func() bool {
		out, _ := o.command(t.Context(), "psa", "status", "--json", "--address", "unix/"+o.path("admin")).Output()
		var s report.Status
		_ = json.Unmarshal(out, &s)
		return slices.ContainsFunc(s.Mailboxes, func(m report.MailboxStatus) bool { return m.Name == "support" && m.DownSince != nil })
	})
	mail(imaptest.User, "by the mail service")
	o.comes(t, "the mail service makes a ticket", func() bool { return len(o.titled("by the mail service")) == 1 })
	issuer.mu.Lock()
	defer issuer.mu.Unlock()
	if len(issuer.refused) > 0 || issuer.asked["refresh_token"] != 2 || server.SignIns() == 0 {
		t.Errorf("asked %v, refused %v", issuer.asked, issuer.refused)
	}
	stopped(t, o, caddy)
	for _, secret := range []string{appSecret, "PRIVATE KEY", "access-", "refresh-", atesKey} {
		if strings.Contains(o.log(t), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func (o *postOffice) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(o.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
