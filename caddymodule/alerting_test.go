package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/psagate/psagate/internal/alert"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

func TestEveryStateThatAlertsTellHasOneEvent(t *testing.T) {
	events := map[report.AlertState]int{}
	for event, state := range alertStates {
		events[state]++
		if eventFields[event] == nil {
			t.Errorf("%s is no event", event)
		}
	}
	for _, state := range report.AlertStates {
		if events[state] != 1 {
			t.Errorf("%s is told with %d events", state, events[state])
		}
	}
	if len(events) != len(report.AlertStates) {
		t.Errorf("%d states have an event, and there are %d", len(events), len(report.AlertStates))
	}
}

func TestAMailServersPortSaysHowTLSBegins(t *testing.T) {
	for server, want := range map[string]alert.TLSMode{
		"mail.example.com:25": alert.TLSStart, "mail.example.com:587": alert.TLSStart, "mail.example.com:465": alert.TLSOn, "[::1]:2525": alert.TLSOn,
	} {
		if got := (&AlertMail{SMTP: server}).tls(); got != want {
			t.Errorf("%s: %s", server, got)
		}
		if got := (&AlertMail{SMTP: server, TLS: alert.TLSOff}).tls(); got != alert.TLSOff {
			t.Errorf("%s: %s is not kept", server, got)
		}
	}
}

// What a Caddyfile cannot say, JSON can.
func TestAlertsInJSONAreCheckedToo(t *testing.T) {
	for want, alerts := range map[string]*Alerts{
		"nobody is told":              {},
		"every must be more than 0":   {Webhooks: []*AlertWebhook{{URL: "https://a.example.com"}}, Every: -1},
		"has a URL, or names":         {Webhooks: []*AlertWebhook{{URL: "https://a.example.com", SecretURL: &SecretText{Placeholder: "{env.A}"}}}},
		"a webhook has a URL":         {Webhooks: []*AlertWebhook{nil}},
		"a secret is missing":         {Webhooks: []*AlertWebhook{{URL: "https://a.example.com", Headers: map[string]*SecretText{"X-A": nil}}}},
		"a mail goes to one":          {Mails: []*AlertMail{nil}},
		"unknown word \"of\"":         {Mails: []*AlertMail{{To: []string{"a@b.c"}, From: "a@b.c", SMTP: "a:1", TLS: "of"}}},
		"no use without its user":     {Mails: []*AlertMail{{To: []string{"a@b.c"}, From: "a@b.c", SMTP: "a:1", Password: &SecretText{Placeholder: "{env.A}"}}}},
		"alerts mail 1 login: a secr": {Mails: []*AlertMail{{To: []string{"a@b.c"}, From: "a@b.c", SMTP: "a:1", User: "a"}}},
		"unknown word \"lock\"":       {Webhooks: []*AlertWebhook{{URL: "https://a.example.com", On: []report.AlertState{"lock"}}}},
		"without names":               {Mails: []*AlertMail{{To: []string{"é@b.c"}, From: "a@b.c", SMTP: "a:1"}}},
	} {
		if err := (&App{Alerts: alerts}).check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// mailbox is a mail server that hands on what it gets.
type mailbox struct{ got chan string }

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (mailbox) Reset()                                        {}
func (mailbox) Logout() error                                 { return nil }
func (mailbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (mailbox) Rcpt(string, *smtp.RcptOptions) error          { return nil }

func (m mailbox) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	m.got <- string(data)
	return err
}

func newMailbox(t *testing.T) (address string, got chan string) {
	t.Helper()
	box := mailbox{make(chan string, 16)}
	server := smtp.NewServer(box)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); _ = l.Close() })
	return l.Addr().String(), box.got
}

const (
	hookSecret  = "/services/T000/B000/ofTheHookAAAAAAAAAAAAAAAA"
	tokenSecret = "Bearer of-alerts-0815"
)

// told is what a webhook was sent.
type toldHook struct {
	path, token string
	report.Alert
}

func newHook(t *testing.T) (url string, got chan toldHook) {
	t.Helper()
	got = make(chan toldHook, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := toldHook{path: r.URL.Path, token: r.Header.Get("Authorization")}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), storySecret) || json.Unmarshal(body, &told.Alert) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		got <- told
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// next waits for what comes next.
func next[T any](t *testing.T, got <-chan T) T {
	t.Helper()
	select {
	case one := <-got:
		return one
	case <-t.Context().Done():
		t.Fatal("nothing came")
		panic("unreached")
	}
}

// withAlerts adds alerts to the story's config.
func (s *story) withAlerts(t *testing.T, hook, server string) {
	t.Helper()
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := fmt.Sprintf(`		alerts {
			webhook secret file alerts/chat url {
				header Authorization secret file alerts/ops
			}
			mail ops@example.com {
				smtp %s
				from psagate@example.com
				tls off
			}
		}
		integration itglue {`, server)
	impatient := strings.Replace(string(text), "\t\t\tinsecure_http\n", "\t\t\tinsecure_http\n\t\t\tqueue 64 1s\n", 1)
	s.put(t, "Caddyfile", strings.Replace(impatient, "\t\tintegration itglue {", alerts, 1))
	secrets, _ := json.Marshal(map[string]any{
		"autotask/main": map[string]string{"username": "api@example.com", "secret": storySecret, "integration_code": "CODE"},
		"alerts/chat":   map[string]string{"url": hook + hookSecret, "other": "x"},
		"alerts/ops":    map[string]string{"value": tokenSecret},
	})
	s.put(t, "secrets.json", string(secrets))
}

func TestAStoryInAlerts(t *testing.T) {
	s := newStory(t)
	hook, hooked := newHook(t)
	server, mailed := newMailbox(t)
	s.withAlerts(t, hook, server)
	process, tell := s.start(t)
	tell("event started")
	if status, body, _ := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tickets/1"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	t.Run("a test arrives", func(t *testing.T) {
		out, err := s.command(t.Context(), "alerts", "test", "--address", "unix/"+s.path("admin")).CombinedOutput()
		want := "✓ webhook to secret file alerts/chat: it was taken\n✓ mail to ops@example.com: it was taken\n"
		if err != nil || string(out) != want {
			t.Errorf("%v: %s", err, out)
		}
		got, mail := next(t, hooked), next(t, mailed)
		if !got.Test || got.path != hookSecret || got.token != tokenSecret || !strings.Contains(mail, "Subject: psagate: a test of alerts") {
			t.Errorf("%+v\n%s", got, mail)
		}
	})
	t.Run("a refusal names the integration", func(t *testing.T) { s.tellsOfARefusal(t, hooked, mailed) })
	t.Run("metrics count it, over a reload", func(t *testing.T) {
		s.outlivesAReload(t)
		has(t, s.metrics(t), map[string]string{
			`alerts_total{kind="webhook",outcome="delivered"}`: "1", `alerts_total{kind="mail",outcome="delivered"}`: "1",
			`alerts_total{kind="webhook",outcome="failed"}`: "0", `alerts_total{kind="mail",outcome="dropped"}`: "0",
		})
	})
	t.Run("what happened just before a stop arrives", func(t *testing.T) {
		if out, err := s.command(t.Context(), "release", "main", "--yes", "--address", "unix/"+s.path("admin")).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		tell("event psa_login_released of psa login=main")
		if err := process.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait()
		got, mail := next(t, hooked), next(t, mailed)
		if len(got.Changes) == 0 || got.Changes[0].State != report.AlertReleased || !strings.Contains(mail, "login main was released") {
			t.Errorf("%+v\n%s", got, mail)
		}
	})
	log, _ := os.ReadFile(s.path("caddy.log"))
	for _, secret := range []string{hookSecret, "ofTheHook", "of-alerts-0815"} {
		if strings.Contains(string(log), secret) {
			t.Errorf("%s is in the log:\n%s", secret, log)
		}
	}
}

func (s *story) tellsOfARefusal(t *testing.T, hooked chan toldHook, mailed chan string) {
	s.user.SetSecret("another-Password-0815")
	if status, body, _ := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tickets/1"); status != 503 {
		t.Errorf("%d %s", status, body)
	}
	got, mail := next(t, hooked), next(t, mailed)
	c := got.Changes[0]
	if len(got.Changes) != 1 || c.State != report.AlertRefused || c.Integration != "itglue" || c.Attempt == nil || c.Attempt.Key != s.key.Hash().ID() || c.Version != 1 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"login main: the PSA refused version 1\n", "itglue: read Tickets; key " + s.key.Hash().ID(), "401 with a Basic challenge", "next: ", "psagate secret put main"} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("%q is not in\n%s", want, got.Text)
		}
	}
	for _, want := range []string{"Subject: psagate: login main: the PSA refused version 1\r\n", "Auto-Submitted: auto-generated\r\n", "itglue: read Tickets"} {
		if !strings.Contains(mail, want) {
			t.Errorf("%q is not in\n%s", want, mail)
		}
	}
}

func (s *story) outlivesAReload(t *testing.T) {
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	s.put(t, "Caddyfile", strings.Replace(string(text), "persist_config off", "persist_config off\n\tgrace_period 1s", 1))
	if out, err := s.command(t.Context(), "reload", "--config", s.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A config that never comes into force holds nothing when it ends.
func TestAlertsGiveBackTheStoresThatTheyTookSecretsFrom(t *testing.T) {
	useFake(t)
	secrets := t.TempDir() + "/secrets.json"
	text := fmt.Sprintf("{\n\tpsa {\n\t\tsecrets file %s\n\t\talerts {\n\t\t\twebhook secret file alerts/chat {\n\t\t\t\theader X-Token secret file alerts/ops\n\t\t\t}\n\t\t}\n\t}\n}\n", secrets)
	if err := validate(t, mustAdapt(t, text)); err != nil {
		t.Fatal(err)
	}
	// The validation's config has ended.
	stores.Range(func(key, _ any) bool {
		if strings.Contains(fmt.Sprint(key), secrets) {
			t.Errorf("the store is still open: %v", key)
		}
		return true
	})
}

// vanishing is a secret store that says when it is closed.
type vanishing struct{ closed chan struct{} }

func (vanishing) Key() string                          { return "vanishing" }
func (vanishing) Needs() []*SecretText                 { return nil }
func (vanishing) Freshness() (poll, max time.Duration) { return time.Minute, time.Hour }

func (v vanishing) Source(func(*SecretText) secret.Func, *slog.Logger) (secret.Source, error) {
	return v, nil
}

func (vanishing) Read(context.Context, string) (secret.Record, error) {
	return secret.Record{}, secret.ErrNotFound
}

func (v vanishing) Close() error { close(v.closed); return nil }

func TestAStoreIsOpenForAlertsAsLongAsTheirConfigIsInForce(t *testing.T) {
	store := vanishing{make(chan struct{})}
	app := &App{
		engine: new(fake), stores: map[string]SecretStore{"main": store},
		Alerts: &Alerts{Webhooks: []*AlertWebhook{{SecretURL: &SecretText{Store: "main", Path: "a"}}}},
	}
	if err := app.buildAlerts(); err != nil {
		t.Fatal(err)
	}
	alarms().through(app)
	app.dropAlerts()         // what is in force is not the app's to give back
	alarms().leave(new(App)) // another config ends
	if n, _ := stores.References("vanishing"); n != 1 {
		t.Errorf("%d references while it is in force", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the store is never read
	if got := alarms().Test(ctx); len(got.Targets) != 1 || got.OK || got.Targets[0].To != "secret main a" {
		t.Errorf("%+v", got)
	}
	alarms().leave(app)
	next(t, store.closed)
}
