package guard

import (
	"cmp"
	"slices"
	"time"
)

// Status is a login as it stands, for people. It holds no secret.
type Status struct {
	Key         Key
	Settings    Settings
	Seq         uint64
	Locked      bool
	Gate        Gate
	LastRefusal time.Time // of all processes'
	Refusal     Refusal   // this process's last
	Held        int
	Lost        int
	LostUntil   time.Time // when the PSA can judge the last of them no more; zero where another process counts for one
	Failed      int
	Unknown     int
	Units       []Unit // those that are not free
	Waiting     int
	Credentials []Credential // the newest last
	Newest      Fingerprint
	Last        Fingerprint // the one that last became proven
	Serving     Fingerprint // the proven one, or zero
	Next        time.Time   // when the guard may try by itself again; zero where nothing is due
	Unreachable error       // why the last call without sign-in failed, or nil
	Attempts    map[Verdict]uint64
	Blocked     []Blocked // calls that are refused without being sent
}

// Blocked is one integration's calls of one path, which the PSA refused while it took the same credential for others.
type Blocked struct {
	Source, Path string
	Until        time.Time
}

// Refusal is a refused sign-in.
type Refusal struct {
	At      time.Time // zero: there was none
	Version string
	Source  string // the integration whose call it was; empty for the guard's own
	Verdict Verdict
	// WrongZone: it came from a zone that the login had left.
	WrongZone bool
}

// Free returns how many units are free.
func (s Status) Free() int { return max(0, s.Settings.Budget-s.Held-s.Lost-s.Failed-s.Unknown) }

// Status returns the login as it stands.
func (l *Login) Status() (Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Key: l.key, Settings: l.settings, Waiting: l.queue.n, Unreachable: l.free.err, Refusal: l.refusal, Attempts: make(map[Verdict]uint64)}
	for v, n := range l.settled {
		s.Attempts[Verdict(v)] = n
	}
	failed := l.tx(func(r *Rows, now time.Time) {
		s.Blocked = l.blockedNow(now)
		s.Seq, s.Locked, s.Gate, s.LastRefusal, s.Newest = r.Seq, r.Locked, r.Gate, r.LastRefusal, r.Newest
		s.Last = r.Last
		s.Gate.Until = l.ownAt(r)
		s.Held, s.Lost, s.Failed, s.Unknown = r.count(Held), r.count(Lost), r.count(Failed), r.count(Unknown)
		s.LostUntil, s.Units = l.lostUntil(r), slices.Clone(r.Units)
		s.Credentials = slices.Clone(r.Credentials)
		if c := r.proven(); c != nil {
			s.Serving = c.Fingerprint
		}
		s.Next = r.next(&l.settings, now)
	})
	if failed != nil {
		return s, failed
	}
	slices.SortFunc(s.Credentials, func(a, b Credential) int { return int(a.Rank) - int(b.Rank) })
	return s, nil
}

// blockedNow returns what is blocked, in order.
func (l *Login) blockedNow(now time.Time) (all []Blocked) {
	for p, until := range l.findings.blocked {
		if now.Before(until) {
			all = append(all, Blocked{Source: p.source, Path: p.path, Until: until})
		}
	}
	slices.SortFunc(all, func(a, b Blocked) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Path, b.Path))
	})
	return all
}
