package call

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/limits"
)

// Gateway is one config at work. Its handlers write every answer themselves.
type Gateway struct {
	shared *Shared
	keys   *recordKeys
	book   *identity.Book
	lanes  []*lane
	byName map[string]*lane
	pools  []*pool
	ways   map[string]way // logins and pools
	stores map[string]Store
	policy Judge
	prover identity.Prover // nil: no JWT is taken
	// integrations are those of the config, by name.
	integrations map[string]Integration
	insiders     map[string]*Inside // by the mailbox's name
	freeze       []limits.Window
	log          *slog.Logger
	audit        Auditor // nil: nobody writes calls down
	said         said

	mu     sync.Mutex
	closed chan struct{}
}

// New builds a gateway. It opens no store and sends nothing: until Commit the calls that come wait.
func New(cfg Config, shared *Shared) (*Gateway, error) {
	keys, book, err := readBook(cfg, &shared.keys)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		shared: shared, keys: keys, book: book, byName: make(map[string]*lane), ways: make(map[string]way), stores: cfg.Stores, log: cfg.Log, audit: cfg.Audit,
		policy: cfg.Policy, prover: cfg.Prover, integrations: make(map[string]Integration), insiders: make(map[string]*Inside), freeze: cfg.Freeze, closed: make(chan struct{}),
	}
	if g.policy == nil {
		g.policy = byDefault()
	}
	users := cfg.users()
	var errs []error
	for _, l := range cfg.Logins {
		n, err := newLane(cfg, l, shared, users[l.Name])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		g.lanes = append(g.lanes, n)
		g.byName[l.Name], g.ways[l.Name] = n, n
	}
	for _, p := range cfg.Pools {
		errs = append(errs, g.addPool(p))
	}
	for _, i := range cfg.Integrations {
		errs = append(errs, g.mayCall(&i.Integration))
		g.integrations[i.Name] = i
	}
	for _, m := range cfg.Mailboxes {
		errs = append(errs, g.addMailbox(m))
	}
	g.shareHours(cfg.Mailboxes)
	if err := errors.Join(errs...); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// mayCall says why there is no way for an integration's calls.
func (g *Gateway) mayCall(i *identity.Integration) error {
	switch {
	case g.ways[i.Login] == nil:
		return fmt.Errorf("integration %s: there is no login or pool %q", i.Name, i.Login)
	case len(i.PassThrough) > 0 && g.pool(i.Login) != nil:
		return fmt.Errorf("integration %s: passthrough needs a login, whose zone and limits hold for its users: %q is a pool", i.Name, i.Login)
	}
	return nil
}

// Commit puts the config into force: its records are read from now on, or once what it shares can be used.
func (g *Gateway) Commit() {
	g.keys.commit()
	select {
	case <-g.shared.ready:
		g.commit()
	default:
		go func() {
			select {
			case <-g.shared.ready:
				g.commit()
			case <-g.closed:
			}
		}()
	}
}

func (g *Gateway) commit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over() {
		return
	}
	for _, n := range g.lanes {
		n.commit()
	}
}

// over reports whether the gateway was closed. Called with the mutex held.
func (g *Gateway) over() bool {
	select {
	case <-g.closed:
		return true
	default:
		return false
	}
}

// Drain answers all who wait, in this config or an earlier one: the process is about to stop. Calls in flight get their time.
func (g *Gateway) Drain() { g.shared.drain() }

// Close gives back what the config held. Calls under way end with what they have.
func (g *Gateway) Close() {
	g.mu.Lock()
	if !g.over() {
		close(g.closed)
	}
	g.mu.Unlock()
	g.shared.unknown.tell()
	g.keys.close()
	for _, n := range g.lanes {
		n.close()
	}
}
