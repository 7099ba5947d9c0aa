// Package worstpsa is the PSA at its worst, as a state and nothing else, for the tests that search what the guard may do to it.
// It imports nothing of this module: what it counts was written from what is known of the PSA, not from the guard.
//
// It counts failed sign-ins per user, locks a user at the threshold, and forgives nothing by time. It judges a request at any
// time from when it was sent until a while after it was given up, in any order, or never.
package worstpsa

import (
	"strings"
	"time"
)

// PSA is one PSA.
type PSA struct {
	// Threshold is how many failed sign-ins lock a user.
	Threshold int
	// NeverResets: a successful sign-in does not take the count back.
	NeverResets bool
	// Linger is for how long after it was given up a request may be judged.
	Linger time.Duration

	users map[string]*User
	open  []*Request
}

// User is one user of it.
type User struct {
	Password string
	Failed   int  // sign-ins since the last that succeeded, or the last unlocking
	Outside  int  // how many of them were other programs'
	Most     int  // the highest that Failed was without those, until somebody makes it zero
	Locked   bool // no password signs in
	WasEver  bool // locked
}

// Request is one sign-in that was sent.
type Request struct {
	User, Password string
	// Judged: the PSA has counted it, as a success where Good.
	Judged, Good bool
	// GivenUp: whoever sent it has stopped to wait, or is gone.
	GivenUp bool
	Until   time.Time // of one that was given up: the last moment at which it may be judged
}

// User returns the user that a name means: letters' case and spaces around it mean nothing.
func (p *PSA) User(name string) *User {
	key := strings.ToLower(strings.TrimSpace(name))
	if p.users[key] == nil {
		if p.users == nil {
			p.users = make(map[string]*User)
		}
		p.users[key] = new(User)
	}
	return p.users[key]
}

// Receive takes a request, to be judged at some time.
func (p *PSA) Receive(user, password string) *Request {
	r := &Request{User: user, Password: password}
	p.open = append(p.open, r)
	return r
}

// GiveUp notes that nobody waits for a request any more. Only the first time counts.
func (p *PSA) GiveUp(r *Request, now time.Time) {
	if !r.GivenUp {
		r.GivenUp, r.Until = true, now.Add(p.Linger)
	}
}

// Open returns the requests that may still be judged, oldest first.
func (p *PSA) Open(now time.Time) (open []*Request) {
	for _, r := range p.open {
		if !r.Judged && (!r.GivenUp || now.Before(r.Until)) {
			open = append(open, r)
		}
	}
	p.open = open
	return append([]*Request(nil), open...)
}

// Judge counts a request.
func (p *PSA) Judge(r *Request, now time.Time) {
	if r.Judged || r.GivenUp && !now.Before(r.Until) {
		panic("a request that cannot be judged any more")
	}
	u := p.User(r.User)
	r.Judged, r.Good = true, r.Password == u.Password && !u.Locked
	switch {
	case !r.Good:
		u.fail(p.Threshold)
	case !p.NeverResets:
		u.Failed, u.Outside = 0, 0
	}
}

// Fail is a failed sign-in of another program's.
func (p *PSA) Fail(user string) {
	u := p.User(user)
	u.Outside++
	u.fail(p.Threshold)
}

// Known says that the last failure of another program's counts as one of those that are not.
func (p *PSA) Known(user string) {
	u := p.User(user)
	u.Outside--
	u.Most = max(u.Most, u.Failed-u.Outside)
}

// Unlock is what an administrator does.
func (p *PSA) Unlock(user string) {
	u := p.User(user)
	u.Failed, u.Outside, u.Locked = 0, 0, false
}

func (u *User) fail(threshold int) {
	u.Failed++
	u.Most = max(u.Most, u.Failed-u.Outside)
	u.Locked = u.Locked || u.Failed >= threshold
	u.WasEver = u.WasEver || u.Locked
}
