package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/inject"
	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/zone"
)

// DefaultDiscover is where a login's zone is looked up.
const DefaultDiscover = "https://webservices.autotask.net"

// Config is what a gateway is made of.
type Config struct {
	Stores       map[string]Store
	Logins       []Login
	Pools        []Pool
	Integrations []Integration
	// Mailboxes are those of the mail broker, which call from within the process: see Inside.
	Mailboxes []Mailbox
	// Zones keeps zones over restarts; nil for memory alone.
	Zones zone.Storage
	Log   *slog.Logger
	// Freeze are the windows in which nothing may be written.
	Freeze []limits.Window
	// Audit writes calls down; nil: nobody does.
	Audit Auditor
	// Policy is asked by Police. Default: what package policy has for none.
	Policy Judge
	// Prover looks at the JWTs that callers bring; nil: none is taken.
	Prover identity.Prover
	// Dial is for tests that connect in memory.
	Dial inject.Dial
}

// Store is a secret store and what it is called in reports.
type Store struct {
	*secret.Store
	Kind string
}

// Ref names a record of a secret store. The zero Ref names none.
type Ref struct{ Store, Path string }

// Integration is one integration of the config.
type Integration struct {
	identity.Integration
	// KeyFrom names the record that holds hashes of its keys, beside those in Keys: a field for each, named by the key's
	// id. Zero: none.
	KeyFrom Ref
	// Limits are when, and how often, it may call.
	Limits Limits
}

// Login is one login of the config.
type Login struct {
	Name string
	// Store and Path name the record that holds its credential.
	Store, Path string
	// Discover is the base URL that is asked for its zone. Default: DefaultDiscover.
	Discover string
	// Zone is its zone's base URL; empty: discovered.
	Zone string
	// Hosts are further hosts that its credential may go to.
	Hosts        []string
	InsecureHTTP bool
	Settings     guard.Settings
}

// Pool is several logins of the config that carry the same data, for integrations to call through whichever is free.
type Pool struct {
	Name string
	// Logins are the names of its logins, in the order in which a rotation goes through them.
	Logins []string
}

// Shared is what outlives a config. The zero value is not ready: use NewShared.
type Shared struct {
	guard   *guard.Guard
	tables  guard.Tables
	ready   chan struct{} // closed once the tables can be asked
	wallet  wallet
	guests  guests
	limits  *identity.Limiter
	rates   limits.Rates // of integrations
	hours   limits.Hours // of mailboxes
	refused bounded      // in the log
	unknown unsaid       // in the audit log
	keys    keyring
	applied applied
	shares  *shares
	wsdls   wsdls
	// switches are who is switched off.
	switches *switches
	// accounts, away and people are what is told to operators of what failed, and underWay of what may yet.
	accounts *accounts
	away     turnedAway
	underWay underWay
	people   peoplesFailures
	// observer is told what happens, speakers are the lanes that tell it, and troubles are what they told.
	observer Observer
	speakers speakers
	troubles troubles
	// rotating is held by the one rotation that is under way.
	rotating sync.Mutex
	// puts are the writings of operators under way.
	puts *puts
	// cut ends when even they are not waited for any more.
	cut    context.Context
	cutOff context.CancelFunc
	// draining ends when the process is to stop.
	draining context.Context
	drained  context.CancelFunc
}

// NewShared returns what the configs of a process share.
func NewShared(tables guard.Tables, log *slog.Logger) *Shared {
	s := &Shared{guard: guard.New(tables, log), tables: tables, ready: make(chan struct{}), limits: identity.NewLimiter(time.Now), unknown: unsaid{lines: bounded{most: unknownAMinute}}, shares: newShares(), switches: newSwitches(tables), accounts: newAccounts(), puts: newPuts(), observer: unobserved{}}
	s.draining, s.drained = context.WithCancel(context.Background())
	s.cut, s.cutOff = context.WithCancel(context.Background())
	close(s.ready)
	if d, ok := tables.(durable); ok {
		s.accounts.journal = d.Journal()
	}
	return s
}

// Hold keeps configs from coming into force until begin is called, once, with the keys of the fingerprints in the tables:
// the one that holds, and the one that it has replaced, or nil. It must be called before a config is made that shares this.
func (s *Shared) Hold() (begin func(current, former []byte)) {
	s.ready = make(chan struct{})
	return func(current, former []byte) {
		s.guard.UseKeys(current, former)
		close(s.ready)
	}
}

// Observe says who is told what happens. It must be called before a config is made that shares this.
func (s *Shared) Observe(o Observer) { s.observer = o }

// Grace is how long calls in flight have once the process is to stop.
const Grace = 20 * time.Second

// drain answers all who wait that the process is about to stop, and ends calls in flight after their time.
func (s *Shared) drain() {
	s.drained()
	s.puts.stop()
	s.guard.Drain()
	time.AfterFunc(Grace, func() { s.guard.Lease().Close(errStopping) })
	time.AfterFunc(Grace+lastWords, s.cutOff)
}

// places works out which hosts a login's credential may go to, and its two fixed places.
func (l Login) places() (rule autotask.HostRule, discover, pinned autotask.Base, err error) {
	named := l.Hosts
	for _, place := range [...]string{l.Discover, l.Zone} {
		if place == "" {
			continue
		}
		u, err := url.Parse(place)
		if err != nil || u.Host == "" {
			return rule, discover, pinned, fmt.Errorf("login %s: %q is not a base URL like https://webservices5.autotask.net", l.Name, place)
		}
		named = append(named[:len(named):len(named)], u.Host)
	}
	if rule, err = autotask.NewHostRule(named, l.InsecureHTTP); err != nil {
		return rule, discover, pinned, fmt.Errorf("login %s: %w", l.Name, err)
	}
	if l.Discover == "" {
		l.Discover = DefaultDiscover
	}
	var errs [2]error
	discover, errs[0] = autotask.ParseBase(l.Discover, rule)
	if l.Zone != "" {
		pinned, errs[1] = autotask.ParseBase(l.Zone, rule)
	}
	if err = errors.Join(errs[:]...); err != nil {
		return rule, discover, pinned, fmt.Errorf("login %s: %w", l.Name, err)
	}
	return rule, discover, pinned, nil
}
