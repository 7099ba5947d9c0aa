package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/call"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App is psagate: which stores hold the PSA's credentials, which logins they are, and which integrations may call.
//
// It provisions without network and opens no store, so that a config can be validated anywhere. Its settings come into
// force when the whole load has succeeded; a load that fails changes nothing.
//
// It emits these events, with what each knows as {event.data.<name>}: login, the login's name; version, the store's label
// of the credential; integration, whose call it was, empty for an attempt of psagate's own; zone, a base URL; store, the
// store's name; problem, one of stale, missing, unreadable and unusable; mailbox, the mailbox's name; notice, whose the address in a
// lockout notice is: ours, others or unknown; done, what it came to: locked, was-locked or stale. They come beside what they tell of, never before
// it, and nothing waits for their handlers.
//
//	psa_credential_accepted   login version integration zone   a credential serves that did not before
//	psa_credential_refused    login version integration zone   the PSA refused a credential: it is not sent again by itself
//	psa_login_locked          login version integration zone   the PSA says that the login is locked: unlock it there, then release it
//	psa_budget_spent          login version integration zone   every unit of the budget is recorded: nothing is sent until somebody has looked
//	psa_gate_shut             login version integration zone   a call got no answer: others wait until the PSA answers a sign-in again
//	psa_gate_open             login version integration zone   the PSA answers again
//	psa_zone_moved            login zone                       the login is in another zone than before
//	psa_store_unavailable     login                            a call was not sent because the guard's store could not be used; said once until it could
//	psa_secret_unavailable    login store problem              a call found no credential that may be used; said once until one did
//	psa_secret_unusable       login store version              the record as it is now can't be used: what served serves on
//	psa_login_recovered       login version integration zone   calls are served again, or the record can be used again
//	psa_login_released        login                            an operator has released the login: one attempt comes first, then calls
//	psa_lockout_notice        login mailbox notice done        a mail of the PSA's says that the login is locked
//	psa_mailbox_failing       mailbox                          no mails come out of the mailbox, or none in by SMTP: psagate mail test says why
//	psa_mailbox_working       mailbox                          they come again
//	psa_mail_set_aside        mailbox done                     a mail is set aside for people; done is suspended or dead
//	psa_mail_missing          mailbox                          a mail came that is not in the books
//	psa_mail_fallback         mailbox                          mails go to the PSA's mail service, since its API cannot be used
type App struct {
	// Secrets are the secret stores, by name. At least one, where there is a login.
	SecretsRaw map[string]json.RawMessage `json:"secrets,omitempty" caddy:"namespace=psa.secrets inline_key=kind"`

	// Logins are the PSA users that calls are sent as, by name.
	Logins map[string]*Login `json:"logins,omitempty"`

	// Pools are logins that carry the same data, for integrations to call through whichever is free, by name. No pool has the
	// name of a login. Default: none.
	Pools map[string]*Pool `json:"pools,omitempty"`

	// Integrations are the programs that may call, by name.
	Integrations map[string]*Integration `json:"integrations,omitempty"`

	// Issuers are the OpenID providers that people sign in with and that machines have tokens of, by name. Default: none.
	Issuers map[string]*Issuer `json:"issuers,omitempty"`

	// SecondFactor says how people come by a second factor. Default: whoever is signed in adds an app.
	SecondFactor *SecondFactor `json:"second_factor,omitempty"`

	// Store is where state is kept that must outlive the process. It cannot be changed by a reload. Default: a file in
	// Caddy's data directory.
	Store *Store `json:"store,omitempty"`

	// InstallationKey names the record that holds the key that replicas share, in its field key, and while that replaces
	// another one, the other one in the field former. It cannot be changed by a reload. Default: one that is made at the
	// first start, in Caddy's data directory.
	InstallationKey *SecretRef `json:"installation_key,omitempty"`
	// Policy says which policies decide what integrations may do, wherever psa_policy stands. Default: they may read and query, and
	// nothing else.
	Policy *Policy `json:"policy,omitempty"`

	// Freeze are times in which no integration may create, update or delete. Default: none.
	Freeze []Window `json:"freeze,omitempty"`

	// Alerts are who is told what happens to logins. Default: nobody.
	Alerts *Alerts `json:"alerts,omitempty"`

	// Mail are the mailboxes whose mails become tickets, by name. Default: none.
	Mail map[string]*Mailbox `json:"mail,omitempty"`

	// Audit is where calls and security events are written down. Default: nowhere.
	Audit *Audit `json:"audit,omitempty"`

	// InsecureLogKeys accepts that access logs of a site of psagate's may hold callers' keys. Default: false, which
	// refuses a config with such a log unless it has the format psa.
	InsecureLogKeys bool `json:"insecure_log_keys,omitempty"`

	stores map[string]SecretStore
	// issuers are those of the config, at work.
	issuers map[string]*lentIssuer
	engine  engine
	emit    func(call.Happening)
	// alertTargets are those who will be told, until the config is in force.
	alertTargets []*alertTarget
	audit        *lentTrail // nil: nothing is written down
	// mail are the mailboxes that will be run, until the config is in force.
	mail *builtMail
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "psa", New: func() caddy.Module { return new(App) }}
}

// Provision checks the config and builds what serves it.
func (a *App) Provision(ctx caddy.Context) error {
	if err := a.check(); err != nil {
		return err
	}
	if err := a.checkRemoved(); err != nil { // before any app is started
		return err
	}
	a.setDefaults()
	if err := a.loadStores(ctx); err != nil {
		return err
	}
	if err := checkAccessLogs(ctx, a.InsecureLogKeys); err != nil {
		return err
	}
	if err := checkConsoleApart(ctx); err != nil {
		return err
	}
	err := a.buildAudit(ctx)
	if err != nil {
		return err
	}
	if err := a.buildIssuers(); err != nil {
		return err
	}
	if a.engine, err = newEngine(ctx, a); err != nil {
		return err
	}
	if err := a.buildAlerts(); err != nil {
		return err
	}
	if err := a.buildMailboxes(); err != nil {
		return err
	}
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	return a.subscribe(ctx)
}

// newEngine builds what serves a config.
var newEngine = newLiveEngine

// setDefaults fills in what hangs on other parts of the config.
func (a *App) setDefaults() {
	for _, integration := range a.Integrations {
		if integration.Login == "" {
			integration.Login = a.onlyLogin()
		}
	}
}

// onlyLogin returns the name of the login where there is one only.
func (a *App) onlyLogin() string {
	if len(a.Logins) != 1 {
		return ""
	}
	for name := range a.Logins {
		return name
	}
	return ""
}

func (a *App) loadStores(ctx caddy.Context) error {
	a.stores = make(map[string]SecretStore, len(a.SecretsRaw))
	if len(a.SecretsRaw) == 0 {
		return nil
	}
	loaded, err := ctx.LoadModule(a, "SecretsRaw")
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	needs := map[string][]*SecretText{}
	for name, module := range loaded.(map[string]any) {
		store, ok := module.(SecretStore)
		if !ok {
			return fmt.Errorf("secrets: store %q: module %T gives no secrets", name, module)
		}
		a.stores[name] = store
		needs[name] = store.Needs()
	}
	if err := checkNeeds(needs, a.stores); err != nil {
		return err
	}
	return checkPlaces(a.stores)
}

// subscribe ties the engine to the events that tell more than Start and Stop do: started comes when every app has
// started, and stopping before the first one stops.
func (a *App) subscribe(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("psagate needs the events app: %w", err)
	}
	events := app.(*caddyevents.App)
	a.emit = emitter(ctx, events)
	if err := events.On("started", onEvent{a.commit}); err != nil {
		return fmt.Errorf("subscribing to the event started: %w", err)
	}
	err = events.On("stopping", onEvent{func() {
		if caddy.Exiting() { // the event comes at a reload too
			boundStop(ctx)
			stopMail()
			a.engine.Drain()
		}
	}})
	if err != nil {
		return fmt.Errorf("subscribing to the event stopping: %w", err)
	}
	return nil
}

// boundStop bounds how long Caddy's servers wait for their connections once the process is to end, where the config does
// not: by itself Caddy waits for as long as somebody holds one.
func boundStop(ctx caddy.Context) {
	app, err := ctx.AppIfConfigured("http")
	if servers, ok := app.(*caddyhttp.App); err == nil && ok && servers.GracePeriod == 0 {
		servers.GracePeriod = caddy.Duration(stopWithin)
	}
}

// stopWithin is longer than calls in flight have.
const stopWithin = call.Grace + 5*time.Second

// inForce is the app whose config is in force, for the admin endpoint.
var inForce atomic.Pointer[App]

// commit puts the config into force: the whole load has succeeded.
func (a *App) commit() {
	for name := range a.Logins {
		counted.login(name) // so that rates begin at 0
	}
	a.useIssuers()
	a.engine.Commit()
	a.commitAudit()
	inForce.Store(a)
	heralded.through(a)
	alarms().through(a)
	a.commitMail()
}

// onEvent calls the function at an event.
type onEvent struct{ do func() }

// Handle implements caddyevents.Handler.
func (f onEvent) Handle(context.Context, caddy.Event) error {
	f.do()
	return nil
}

// Start opens the store, where it is not open yet, so that a load whose store cannot be used is refused. What calls need it
// for waits until the config is in force: other apps may serve before, and later ones may still fail.
func (a *App) Start() error {
	if err := a.startAudit(); err != nil {
		return err
	}
	if !a.secretsFirst() && (len(a.Logins) > 0 || len(a.Issuers) > 0 || a.audit != nil) {
		if err := openTheStore(a); err != nil {
			return err
		}
	}
	return a.mail.openDoors()
}

// openTheStore opens the store of a config that needs no secrets for that.
var openTheStore = (*App).openNow

// Stop waits for what operators are writing, once the process is to end: a new password that the PSA has taken must come into
// its store. At a reload it does nothing: calls of this config may still be in flight.
func (a *App) Stop() error {
	if caddy.Exiting() && a.engine != nil {
		finishMail()
		a.engine.Finish()
	}
	return nil
}

// Cleanup gives back what the config held, however far its provisioning came.
func (a *App) Cleanup() error {
	inForce.CompareAndSwap(a, nil)
	heralded.leave(a)
	alarms().leave(a)
	a.dropAlerts()
	a.leaveMail()
	defer a.dropIssuers()
	defer a.leaveAudit()
	if a.engine == nil {
		return nil
	}
	return a.engine.Close()
}

var (
	_ caddy.App           = (*App)(nil)
	_ caddy.Provisioner   = (*App)(nil)
	_ caddy.CleanerUpper  = (*App)(nil)
	_ caddyevents.Handler = onEvent{}
)
