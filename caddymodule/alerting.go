package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/alert"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// alertStates are what alerts call the events that they tell of.
var alertStates = map[call.Event]report.AlertState{
	call.CredentialRefused: report.AlertRefused,
	call.BudgetSpent:       report.AlertSpent,
	call.LoginLocked:       report.AlertLocked,
	call.GateShut:          report.AlertGateShut,
	call.StoreUnavailable:  report.AlertNoStore,
	call.SecretUnavailable: report.AlertNoSecret,
	call.SecretUnusable:    report.AlertUnusable,
	call.LoginRecovered:    report.AlertRecovered,
	call.LoginReleased:     report.AlertReleased,
	call.MailboxFailing:    report.AlertMailboxFailing,
	call.MailboxWorking:    report.AlertMailboxWorking,
	call.MailSetAside:      report.AlertMailAside,
	call.MailMissing:       report.AlertMailMissing,
	call.MailFallback:      report.AlertMailFallback,
}

// alarm tells people what happens, through the config that is in force.
type alarm struct {
	*alert.Dispatcher

	mu    sync.Mutex
	owner *App // whose config it is
}

// alarms is this process's.
var alarms = sync.OnceValue(func() *alarm {
	host, _ := os.Hostname()
	return &alarm{Dispatcher: alert.New(slog.New(currentLog{}), host, func(kind string, o alert.Outcome) {
		counted.alerts.WithLabelValues(kind, string(o)).Inc()
	})}
})

// happened passes on what alerts tell of.
func (a *alarm) happened(h call.Happening) {
	state, told := alertStates[h.Event]
	if !told {
		return
	}
	version, _ := strconv.ParseUint(h.Version, 10, 64) // a candidate has none
	login := h.Login
	if login == "" {
		login = call.MailboxPrefix + h.Mailbox
	}
	a.Happened(alert.Change{State: state, Login: login, Version: version, Integration: h.Integration, Zone: h.Zone, Store: h.Store, Problem: string(h.Problem)})
}

// through makes alerts go out by an app's config.
func (a *alarm) through(app *App) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owner = app
	config := alert.Config{Failures: app.recentFailures}
	if app.Alerts != nil {
		config.Every = time.Duration(app.Alerts.Every)
	}
	for _, t := range app.alertTargets {
		t.use()
		config.Targets = append(config.Targets, t.Target)
		for _, outcome := range alert.Outcomes {
			counted.alerts.WithLabelValues(t.Kind, string(outcome)) // so that rates begin at 0
		}
	}
	app.alertTargets = nil // the dispatcher's now
	a.Configure(config)
}

// leave ends the use of an app's config. Where the process is about to end, what waits is sent first.
func (a *alarm) leave(app *App) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.owner != app {
		return
	}
	if caddy.Exiting() {
		a.Drain(alert.DrainTime)
	}
	a.owner = nil
	a.Configure(alert.Config{})
}

// recentFailures is what alerts add to what happened.
func (a *App) recentFailures() []report.LoginFailures {
	found, err := a.engine.Failures("", time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil
	}
	return found.Logins
}

// alertTarget is somebody whom the config names, with the secrets that it takes to tell them.
type alertTarget struct {
	alert.Target
	lender
}

// lentSecret is a record of a store, for as long as a target needs it.
type lentSecret struct {
	store     *secret.Store
	key, path string
	release   func() // of the record; nil: it is not in use yet
}

// buildAlerts makes the targets. It opens stores, and reads nothing of them before use.
func (a *App) buildAlerts() error {
	if a.Alerts == nil {
		return nil
	}
	for _, w := range a.Alerts.Webhooks {
		if err := a.buildWebhook(w); err != nil {
			return err
		}
	}
	for _, m := range a.Alerts.Mails {
		if err := a.buildMail(m); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) buildWebhook(w *AlertWebhook) (err error) {
	t := a.newTarget("webhook", w.name(), w.key(), w.On)
	hook := &alert.Webhook{CA: w.CA, Headers: map[string]secret.Func{}}
	t.Sender = hook
	if hook.URL = fixedText(w.URL); w.SecretURL != nil {
		if hook.URL, err = t.lend(a, w.SecretURL); err != nil {
			return err
		}
	}
	for name, value := range w.Headers {
		if hook.Headers[name], err = t.lend(a, value); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) buildMail(m *AlertMail) (err error) {
	t := a.newTarget("mail", m.name(), m.key(), m.On)
	out := &alert.Mail{Server: m.SMTP, From: m.From, To: m.To, TLS: m.tls(), User: m.User, CA: m.CA}
	t.Sender = out
	if m.Password != nil {
		out.Password, err = t.lend(a, m.Password)
	}
	return err
}

// newTarget adds a target, which is given back even if the rest of it cannot be built.
func (a *App) newTarget(kind, name, key string, on []report.AlertState) *alertTarget {
	t := &alertTarget{Target: alert.Target{Kind: kind, Name: name, Key: key, On: on}}
	t.Close = t.giveBack
	a.alertTargets = append(a.alertTargets, t)
	return t
}

// fixedText gives what is no secret.
func fixedText(text string) secret.Func {
	return func(context.Context) (secret.Value, error) { return secret.NewValue(text), nil }
}

// dropAlerts gives back what was built for a config that never came into force.
func (a *App) dropAlerts() {
	for _, t := range a.alertTargets {
		t.giveBack()
	}
	a.alertTargets = nil
}

// testAlerts sends a test to each of those whom the config names.
func testAlerts(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return apiError(http.StatusMethodNotAllowed, "%s takes POST, not %s", r.URL.Path, r.Method)
	}
	return writeJSON(w, alarms().Test(r.Context()))
}

var alertsCommand = command{
	name:  "alerts",
	short: "Tests the alerts",
	subs:  []command{alertsTestCommand},
}

var alertsTestCommand = command{
	name:  "test",
	short: "Sends an alert that is marked as a test to each webhook and mail of the config",
	long: `
Sends one alert, marked as a test, to each webhook and mail address that the
running config names under alerts, once, and shows what came of it. Whoever is
told of some states only gets it too.

Exit status 1 means that one of them did not take it, or that there is none.

	$ psagate alerts test
	$ psagate alerts test --json | jq '.targets[] | select(.ok | not)'`,
	run: func(cmd *cobra.Command, _ []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		var result report.AlertsTest
		if err := server.post("alerts/test", nil, &result); err != nil {
			return false, err
		}
		return result.OK, show(cmd, result, func(p report.Printer) { p.AlertsTest(result) })
	},
}
