package issuer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	// fresh is for how long what is known of a provider is not read again.
	fresh = 15 * time.Minute
	// between is the least time between two readings that strangers can bring about, with tokens of unknown keys.
	between = 5 * time.Second
	// firstPause and longestPause are between readings that fail.
	firstPause, longestPause = time.Second, time.Minute
)

// ErrDown: the provider cannot be asked, and what is known of it does not answer the question. Nothing is said about the token
// or the code that was shown.
var ErrDown = errors.New("the issuer cannot be asked")

// ErrRefused: the provider was asked, or need not be, and the token or the code that was shown is not good.
var ErrRefused = errors.New("refused")

// Issuer is one provider. Any number of callers may use it.
type Issuer struct {
	cfg    Config
	client *http.Client
	life   context.Context
	end    context.CancelFunc

	mu       sync.Mutex
	known    *known
	flight   chan struct{} // closed when the reading under way ends; nil: none is
	tried    time.Time     // when the last reading began; zero: none did
	failures int           // of readings, since one succeeded
	problem  error         // of the last reading
}

// New returns an issuer. It asks the provider nothing yet. Its error tells all that is wrong with the config.
func New(cfg Config) (*Issuer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.GroupsClaim = cmp.Or(cfg.GroupsClaim, DefaultGroupsClaim)
	cfg.MaxStale = cmp.Or(cfg.MaxStale, DefaultMaxStale)
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"profile", "email"}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	i := &Issuer{cfg: cfg, client: newClient(cfg)}
	i.life, i.end = context.WithCancel(context.Background())
	return i, nil
}

// Adopt takes over what another issuer knows of the same provider, asked in the same way, where this one knows nothing yet: a provider
// that is down when a config is loaded anew is no more unknown than before.
func (i *Issuer) Adopt(other *Issuer) {
	other.mu.Lock()
	k := other.known
	other.mu.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil && i.cfg.URL == other.cfg.URL {
		i.known = k
	}
}

// Close ends what is under way with the provider.
func (i *Issuer) Close() {
	i.end()
	i.client.CloseIdleConnections()
}

// Name is the issuer's name in the config.
func (i *Issuer) Name() string { return i.cfg.Name }

// URL is what the provider calls itself.
func (i *Issuer) URL() string { return i.cfg.URL }

// State is what is known of a provider, and how it was.
type State struct {
	// Since is when what is known was read; zero: nothing is known. Until is when it is believed no longer, if it cannot be read anew.
	Since, Until time.Time
	// Tried is when the provider was asked last; zero: never.
	Tried time.Time
	// Problem is what was wrong then, or nil. While it is being asked it is what was wrong before.
	Problem error
}

// State says how the provider stands. It asks nothing.
func (i *Issuer) State() State {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := State{Tried: i.tried, Problem: i.problem}
	if i.known != nil {
		s.Since, s.Until = i.known.at, i.known.at.Add(i.cfg.MaxStale)
	}
	return s
}

// current returns what is known of the provider. It waits for a reading only where nothing is known, or nothing that may still
// be believed; where what is known is merely old, it has it read for the next one who asks. Its error is ErrDown, or ctx's.
func (i *Issuer) current(ctx context.Context) (*known, error) {
	i.mu.Lock()
	k := i.known
	age := time.Duration(0)
	if k != nil {
		age = time.Since(k.at)
	}
	if k != nil && age < fresh {
		i.mu.Unlock()
		return k, nil
	}
	flight := i.begin(0)
	i.mu.Unlock()
	if k != nil && age < i.cfg.MaxStale {
		return k, nil
	}
	if err := wait(ctx, flight); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || time.Since(i.known.at) >= i.cfg.MaxStale {
		return nil, i.down()
	}
	return i.known, nil
}

// newer returns what is known of the provider after what did not answer a question. It has it read again, but not more often than
// once in between: who asks may be a stranger with a token of his own making. The error is ErrDown where it cannot be told
// whether there is anything newer.
func (i *Issuer) newer(ctx context.Context, than *known) (*known, error) {
	i.mu.Lock()
	if i.known != than {
		defer i.mu.Unlock()
		return i.known, nil
	}
	flight := i.begin(between)
	i.mu.Unlock()
	if err := wait(ctx, flight); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == than && i.problem != nil {
		return nil, i.down()
	}
	return i.known, nil
}

// begin has the provider read, and returns what is closed when that has ended: of the reading under way, or of a new one unless
// the last one began less than pause ago, or failed and its time has not come; nil then. Called with the mutex held.
func (i *Issuer) begin(pause time.Duration) <-chan struct{} {
	if i.flight != nil {
		return i.flight
	}
	if i.failures > 0 {
		pause = max(pause, min(firstPause<<min(i.failures-1, 10), longestPause))
	}
	if !i.tried.IsZero() && time.Since(i.tried) < pause || i.life.Err() != nil {
		return nil
	}
	i.tried, i.flight = time.Now(), make(chan struct{})
	go i.reading(i.flight)
	return i.flight
}

// reading reads the provider once, for all who wait: none of them ends it by hanging up.
func (i *Issuer) reading(flight chan struct{}) {
	ctx, cancel := context.WithTimeout(i.life, 2*answerWithin)
	defer cancel()
	k, err := i.read(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tell(err)
	if i.problem = err; err == nil {
		i.known, i.failures = k, 0
	} else {
		i.failures++
	}
	i.flight = nil
	close(flight)
}

// tell logs that the provider cannot be read any more, or can again. Called with the mutex held.
func (i *Issuer) tell(err error) {
	log := i.cfg.Log.With("issuer", i.cfg.Name, "url", i.cfg.URL)
	switch {
	case err != nil && (i.problem == nil || i.problem.Error() != err.Error()):
		log.Warn("an issuer cannot be read; what is known of it serves on for its time", "error", err)
	case err == nil && i.problem != nil:
		log.Info("an issuer can be read again")
	}
}

// down is ErrDown with what is known of why. Called with the mutex held.
func (i *Issuer) down() error {
	if i.problem == nil {
		return fmt.Errorf("issuer %s: %w", i.cfg.Name, ErrDown)
	}
	return fmt.Errorf("issuer %s: %w: %w", i.cfg.Name, ErrDown, i.problem)
}

// wait waits for a reading's end; nil has none.
func wait(ctx context.Context, flight <-chan struct{}) error {
	if flight == nil {
		return nil
	}
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrDown, ctx.Err())
	}
}
