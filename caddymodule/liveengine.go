package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/policyfiles"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/policy"
)

// liveEngine is the engine of one config.
type liveEngine struct {
	*call.Gateway
	*deedDesk
	kept    []string // keys of the stores in use
	stores  map[string]*secret.Store
	issuers map[string]*lentIssuer
	desk    *policyfiles.Desk
	settle  []func() // what Commit applies to what is shared
	ending  []func() // what Close ends
	closing sync.Once
}

func newLiveEngine(ctx caddy.Context, a *App) (engine, error) {
	e := &liveEngine{issuers: a.issuers}
	cfg := call.Config{Stores: make(map[string]call.Store, len(a.stores)), Zones: ctx.Storage(), Log: ctx.Slogger()}
	if err := e.openStores(a); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	for name, store := range e.stores {
		cfg.Stores[name] = call.Store{Store: store, Kind: kindOf(a.stores[name])}
	}
	if a.audit != nil {
		cfg.Audit = a.audit.trail
	}
	cfg.Prover = a.prover()
	for name, l := range a.Logins {
		cfg.Logins = append(cfg.Logins, call.Login{
			Name: name, Store: l.Secret.Store, Path: l.Secret.Path, Discover: l.Discover, Zone: l.Zone,
			Hosts: l.Hosts, InsecureHTTP: l.InsecureHTTP, Settings: l.Settings(),
		})
	}
	for name, p := range a.Pools {
		cfg.Pools = append(cfg.Pools, call.Pool{Name: name, Logins: p.Logins})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Mail)) {
		cfg.Mailboxes = append(cfg.Mailboxes, call.Mailbox{Name: name, As: a.Mail[name].As, Login: a.mailLogin(a.Mail[name]), PerHour: a.Mail[name].PerHour})
	}
	cfg.Freeze, _ = parsedWindows("", a.Freeze)
	cfg.Integrations = make([]call.Integration, 0, len(a.Integrations))
	for name, i := range a.Integrations {
		integration, err := i.identity(name)
		if err != nil {
			return nil, errors.Join(err, e.Close())
		}
		cfg.Integrations = append(cfg.Integrations, integration)
	}
	desk, err := policyfiles.Open(a.policySettings(), ctx.Slogger())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("policy: %w", err), e.Close())
	}
	e.desk, cfg.Policy = desk, desk
	e.deedDesk = newDeedDesk(a, desk, newCodes(a, e.stores))
	e.settle, e.ending = append(e.settle, desk.Start), append(e.ending, desk.Stop)
	slices.SortFunc(cfg.Logins, func(a, b call.Login) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(cfg.Pools, func(a, b call.Pool) int { return strings.Compare(a.Name, b.Name) })
	if e.Gateway, err = call.New(cfg, ground().shared); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if a.secretsFirst() {
		e.settle = append(e.settle, func() { e.openLater(a) })
	}
	return e, nil
}

// openStores finds or makes the config's secret stores.
func (e *liveEngine) openStores(a *App) error {
	e.stores = make(map[string]*secret.Store, len(a.stores))
	for _, name := range slices.Sorted(maps.Keys(a.stores)) {
		store, err := e.open(name, a)
		if err != nil {
			return err
		}
		e.stores[name] = store
	}
	return nil
}

// openAll opens the stores of a config that is not to be put into force, for what a command reads of them.
func (e *liveEngine) openAll(ctx caddy.Context, a *App) error {
	if err := a.loadStores(ctx); err != nil {
		return err
	}
	if err := e.openStores(a); err != nil {
		return err
	}
	for _, settle := range e.settle {
		settle()
	}
	return nil
}

// open finds a store that is open already, or makes one.
func (e *liveEngine) open(name string, a *App) (*secret.Store, error) {
	store, err := openStore(name, a.stores)
	if err != nil {
		return nil, err
	}
	e.kept = append(e.kept, storeKey(name, a.stores))
	poll, maxStale := a.stores[name].Freshness()
	e.settle = append(e.settle, func() {
		store.Configure(secret.Options{Poll: poll, MaxStale: maxStale, Logger: slog.New(currentLog{})})
		store.Start(context.Background())
	})
	return store, nil
}

func kindOf(module SecretStore) string {
	if m, ok := module.(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return ""
}

// Proxy implements engine.
func (e *liveEngine) Proxy(w http.ResponseWriter, r *http.Request, o ProxyOptions) report.Call {
	return e.Gateway.Proxy(w, r, call.ProxyOptions(o))
}

// Status implements engine.
func (e *liveEngine) Status() report.Status {
	s := e.Gateway.Status()
	s.Policy, s.Issuers = policyStatus(e.desk), issuerStatuses(e.issuers, s.Time)
	states, strays := lookAtMail()
	s.Problems = append(s.Problems, strays...)
	if len(states) > 0 {
		s.Mailboxes = mailboxStatuses(states)
	}
	return s
}

// Explain implements engine.
func (e *liveEngine) Explain(r policy.Request) (policy.Explanation, bool) {
	return e.desk.Explain(r), e.desk.Observes()
}

// Commit implements engine.
func (e *liveEngine) Commit() {
	for _, settle := range e.settle {
		settle()
	}
	e.Gateway.Commit()
}

// Close implements engine.
func (e *liveEngine) Close() (err error) {
	e.closing.Do(func() {
		for _, end := range e.ending {
			end()
		}
		if e.Gateway != nil {
			e.Gateway.Close()
		}
		for _, key := range e.kept {
			_, failed := stores.Delete(key)
			err = errors.Join(err, failed)
		}
	})
	return err
}

// currentLog writes to the log of the config that is in force, for what outlives configs.
type currentLog struct {
	with []func(slog.Handler) slog.Handler
}

func (currentLog) handler() slog.Handler { return handlerOf(caddy.Log().Named("psa").Core()) }

func handlerOf(core zapcore.Core) slog.Handler {
	return zapslog.NewHandler(core, zapslog.WithName("psa"), zapslog.AddStacktraceAt(noTraces))
}

// noTraces is above all levels: an error in the log is a sentence for an operator, and zapslog would add to each where in the
// source it was written. Caddy's loggers of modules leave that out too.
const noTraces = slog.Level(127)

// Enabled implements slog.Handler.
func (l currentLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l currentLog) Handle(ctx context.Context, r slog.Record) error {
	h := l.handler()
	for _, with := range l.with {
		h = with(h)
	}
	return h.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l currentLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return currentLog{append(slices.Clone(l.with), func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })}
}

// WithGroup implements slog.Handler.
func (l currentLog) WithGroup(name string) slog.Handler {
	return currentLog{append(slices.Clone(l.with), func(h slog.Handler) slog.Handler { return h.WithGroup(name) })}
}

var _ engine = (*liveEngine)(nil)
