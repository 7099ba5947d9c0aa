package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// DefaultIdle is for how long a session may lie unused, DefaultAbsolute how long it lasts whatever is done.
	DefaultIdle, DefaultAbsolute = 8 * time.Hour, 24 * time.Hour
	// DefaultMost is how many sessions a person has at once, MaxMost the most that may be set.
	DefaultMost, MaxMost = 20, 1000
	// sawEvery is how often it is written down that a session is used: each of a page's parts is a use.
	sawEvery = time.Minute
	// sweepEvery is how often what is over is removed, at most.
	sweepEvery = time.Minute
)

// Limits are how long sessions last.
type Limits struct {
	// Idle is how long one may lie unused, to a minute; Absolute how long it lasts. Defaults: DefaultIdle, DefaultAbsolute.
	Idle, Absolute time.Duration
	// Most is how many sessions a person has at once, of all sites: see Trim. Default: DefaultMost.
	Most int
}

// Check fills in the defaults, and says what is wrong.
func (l *Limits) Check() error {
	if l.Idle == 0 && l.Absolute == 0 {
		l.Idle, l.Absolute = DefaultIdle, DefaultAbsolute
	}
	if l.Most == 0 {
		l.Most = DefaultMost
	}
	switch {
	case l.Most < 0 || l.Most > MaxMost:
		return fmt.Errorf("a person has 1 to %d sessions at once, and not %d", MaxMost, l.Most)
	case l.Idle < 2*sawEvery:
		return fmt.Errorf("a session's idle time of %s is too short: use is written down each minute, so it is 2m or more", l.Idle)
	case l.Absolute < l.Idle:
		return fmt.Errorf("a session cannot lie unused for %s and be over after %s: the second is the longer one", l.Idle, l.Absolute)
	}
	return nil
}

// ErrNone: there is no such session, or not any more. ErrOver: there was one, whose time is over. ErrNoPerson: the issuer calls a person
// what cannot be kept as it is.
var (
	ErrNone = errors.New("there is no such session")
	ErrOver = errors.New("the session's time is over")

	ErrNoPerson = errors.New("a person who signs in has an issuer, and a subject that is a text of one line")
)

// Keeper begins, finds and ends sessions. Any number of callers may use it.
type Keeper struct {
	table  Table
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	swept time.Time
}

// NewKeeper returns a keeper of the sessions in a table, which lasts as long as the limits say.
func NewKeeper(table Table, limits Limits, now func() time.Time) (*Keeper, error) {
	if err := limits.Check(); err != nil {
		return nil, err
	}
	return &Keeper{table: table, limits: limits, now: now}, nil
}

// Use is what is known of who uses a session.
type Use struct{ Address, Agent string }

// Begin begins a session of a person who has just signed in. Its token is always a new one: whoever had the browser use one of his
// own before has nothing by that. The session of the token that the browser held until then, if any, is over. Its errors are
// ErrNoPerson, and those of the store.
func (k *Keeper) Begin(ctx context.Context, p Person, issuerSession string, u Use, before *Token) (Token, Session, error) {
	if p.Subject == "" || p.IssuerURL == "" || p.Subject != cleaned(p.Subject, maxText) || issuerSession != cleaned(issuerSession, maxText) {
		return Token{}, Session{}, ErrNoPerson
	}
	p.Email, p.Name = cleaned(p.Email, maxText), cleaned(p.Name, maxText)
	groups := make([]string, 0, len(p.Groups))
	for _, g := range p.Groups {
		if g == cleaned(g, maxText) { // one that is changed would be another
			groups = append(groups, g)
		}
	}
	p.Groups = groups
	now, token := k.moment(), newToken()
	s := Session{
		ID: rand.Text()[:16], Person: p, IssuerSession: issuerSession, Created: now, Seen: now, Ends: now.Add(k.limits.Absolute),
		Address: cleaned(u.Address, maxText), Agent: cleaned(u.Agent, maxAgent),
	}
	var replaces *Hash
	if before != nil {
		hash := before.Hash()
		replaces = &hash
	}
	if err := k.table.Add(ctx, Row{Session: s, Hash: token.Hash(), Idle: k.limits.Idle}, replaces); err != nil {
		return Token{}, Session{}, fmt.Errorf("the session cannot be stored: %w", err)
	}
	k.sweep(ctx, now)
	return token, s, nil
}

// moment is now, as the store can have it.
func (k *Keeper) moment() time.Time { return time.UnixMicro(k.now().UnixMicro()) }

// Find returns a token's session, and notes that it is used. Its errors are ErrNone, ErrOver, and those of the store, after which
// nothing is known. The keeper's limits count for sessions that another one with longer limits began.
func (k *Keeper) Find(ctx context.Context, t Token, u Use) (Session, error) {
	row, err := k.find(ctx, t)
	if err != nil {
		return Session{}, err
	}
	if now := k.moment(); now.Sub(row.Seen) >= sawEvery {
		row.Seen, row.Address = now, cleaned(u.Address, maxText)
		// Where it cannot be written down the session is over the sooner.
		_ = k.table.Saw(ctx, t.Hash(), now, row.Address)
	}
	return row.Session, nil
}

// Peek is Find for what nobody does: it is no use of the session, which does not last the longer by it.
func (k *Keeper) Peek(ctx context.Context, t Token) (Session, error) {
	row, err := k.find(ctx, t)
	return row.Session, err
}

func (k *Keeper) find(ctx context.Context, t Token) (Row, error) {
	row, there, err := k.table.Find(ctx, t.Hash())
	switch {
	case err != nil:
		return Row{}, fmt.Errorf("sessions cannot be read: %w", err)
	case !there:
		return Row{}, ErrNone
	}
	if row = k.limited(row); row.over(k.moment()) {
		return Row{}, ErrOver
	}
	return row, nil
}

// StepUp notes that a second factor was proven now in a session, by its id. Its errors are ErrNone, where the session has ended
// meanwhile, and those of the store.
func (k *Keeper) StepUp(ctx context.Context, id string) error {
	there, err := k.table.StepUp(ctx, id, k.moment())
	switch {
	case err != nil:
		return fmt.Errorf("the second factor cannot be noted: %w", err)
	case !there:
		return ErrNone
	}
	return nil
}

// limited is a row under this keeper's limits too.
func (k *Keeper) limited(r Row) Row {
	r.Idle = min(r.Idle, k.limits.Idle)
	if ends := r.Created.Add(k.limits.Absolute); ends.Before(r.Ends) {
		r.Ends = ends
	}
	return r
}

// End ends sessions, and returns those that it ended and that were not over already.
func (k *Keeper) End(ctx context.Context, w Which) ([]Session, error) {
	if w.None() {
		return nil, nil
	}
	rows, err := k.table.Remove(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("sessions cannot be ended: %w", err)
	}
	now, gone := k.moment(), []Session{}
	for _, r := range rows {
		if !r.over(now) { // by its own limits: a keeper of longer ones let it go on
			gone = append(gone, r.Session)
		}
	}
	return gone, nil
}

// EndOthers ends all sessions of a session's person but that one, and returns those that it ended. Those that are over by this keeper's
// limits are among them: one with longer limits lets them go on. With an error some may have ended.
func (k *Keeper) EndOthers(ctx context.Context, but Session) (gone []Session, err error) {
	rows, err := k.table.Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("sessions cannot be read: %w", err)
	}
	now := k.moment()
	for _, r := range rows {
		if r.ID == but.ID || r.Person.IssuerURL != but.Person.IssuerURL || r.Person.Subject != but.Person.Subject {
			continue
		}
		removed, err := k.table.Remove(ctx, Which{ID: r.ID})
		if err != nil {
			return gone, fmt.Errorf("sessions cannot be ended: %w", err)
		}
		for _, r := range removed {
			if !r.over(now) {
				gone = append(gone, r.Session)
			}
		}
	}
	return gone, nil
}

// Trim ends the oldest sessions of a person who has more than the limit, but never the one that has just begun, and returns them. Two
// sign-ins at once may end one more than one alone. With an error some may have ended.
func (k *Keeper) Trim(ctx context.Context, begun Session) (gone []Session, err error) {
	rows, err := k.table.Rows(ctx) // the newest first
	if err != nil {
		return nil, fmt.Errorf("sessions cannot be read: %w", err)
	}
	now, left := k.moment(), k.limits.Most-1
	for _, r := range rows {
		if r.ID == begun.ID || r.Person.IssuerURL != begun.Person.IssuerURL || r.Person.Subject != begun.Person.Subject || r.over(now) {
			continue
		}
		if left--; left >= 0 {
			continue
		}
		removed, err := k.table.Remove(ctx, Which{ID: r.ID})
		if err != nil {
			return gone, fmt.Errorf("sessions cannot be ended: %w", err)
		}
		for _, r := range removed {
			gone = append(gone, r.Session)
		}
	}
	return gone, nil
}

// List returns the sessions that are not over, the newest first.
func (k *Keeper) List(ctx context.Context) ([]Session, error) {
	rows, err := k.table.Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("sessions cannot be read: %w", err)
	}
	return k.living(rows), nil
}

// Once reports whether a thing, which psagate names, happens for the first time until a moment: over all processes.
func (k *Keeper) Once(ctx context.Context, what string, until time.Time) (first bool, err error) {
	first, err = k.table.Once(ctx, what, until)
	if err == nil {
		k.sweep(ctx, k.moment())
	}
	return first, err
}

func (k *Keeper) living(rows []Row) []Session {
	now, all := k.moment(), []Session{}
	for _, r := range rows {
		if !k.limited(r).over(now) {
			all = append(all, r.Session)
		}
	}
	return all
}

// sweep removes what is over, now and then. Where it fails the next one does.
func (k *Keeper) sweep(ctx context.Context, now time.Time) {
	k.mu.Lock()
	due := now.Sub(k.swept) >= sweepEvery
	if due {
		k.swept = now
	}
	k.mu.Unlock()
	if due {
		_ = k.table.Sweep(ctx, now)
	}
}
