package psatest

import (
	"time"

	"github.com/pquerna/otp/totp"
)

// WebUser is how a user signs in on the web pages. Users whom nothing was said of are for the API alone.
type WebUser struct {
	// Seed is of the one-time codes, base32, 30 seconds and six digits; empty: none is asked for.
	Seed string
	// SSO has the provider sign the user in, after the first step.
	SSO bool
}

// SetWeb lets the user onto the web pages. The password there is the API's secret.
func (u *User) SetWeb(how WebUser) {
	u.sim.mu.Lock()
	defer u.sim.mu.Unlock()
	u.web = &how
}

// codeRight judges a one-time code, a step of drift allowed.
func (w WebUser) codeRight(code string, now time.Time) bool {
	ok, err := totp.ValidateCustom(code, w.Seed, now, totp.ValidateOpts{Period: 30, Skew: 1, Digits: 6})
	return ok && err == nil
}

// Causes of the web pages alone.
const (
	CauseWrongOTP Cause = "wrong-one-time-code" // or one for another host than the one that asks
	CauseNotWeb   Cause = "api-only"            // right, and the user is for the API alone
)

// try is one whole sign-in on the web pages.
type try struct {
	user, password, code string
	coded                bool // a code was asked for, or given
	sso                  bool // the provider vouches for the user
}

// judgeWeb decides a sign-in on the web pages as judge does one of the API, in the same ledger.
func (v *visit) judgeWeb(t try) SignIn {
	s := v.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[canonical(t.user)]
	e := SignIn{
		No: s.dropped + len(s.ledger) + 1, At: s.now(), Zone: v.name(), User: canonical(t.user), Secret: stranger(t.password),
		Cause: s.causeWeb(u, v.Web, t), Method: v.r.Method, Path: v.r.URL.Path, Remote: v.r.RemoteAddr, Web: true,
	}
	if u != nil {
		e.Secret = u.present(t.password)
		free := e.Cause == CauseWrongZone && s.behave.WrongZoneFree || e.Cause == CauseWrongOTP && s.behave.WrongOTPFree
		e.Count = u.countWeb(e.OK(), !free, s.behave.WebCountsApart)
		e.Locked = u.locked
	}
	s.ledger = append(s.ledger, e)
	s.drop()
	s.judged.beat()
	return e
}

// causeWeb is the first thing that is wrong. A code is bound to the zone whose page asks for it: for any other host it is wrong.
func (s *Sim) causeWeb(u *User, w *Web, t try) Cause {
	switch {
	case canonical(t.user) == "":
		return CauseMissing
	case u == nil:
		return CauseUnknownUser
	case u.locked:
		return CauseLocked
	case w.zone != u.tenant.zone && t.coded && u.web != nil && u.web.Seed != "":
		return CauseWrongOTP
	case w.zone != u.tenant.zone:
		return CauseWrongZone
	case t.sso && u.web != nil && u.web.SSO:
		return CauseOK
	case u.present(t.password).Standing != SecretCurrent:
		return CauseWrongSecret
	case u.web == nil:
		return CauseNotWeb
	case u.web.Seed != "" && !u.web.codeRight(t.code, s.now()):
		return CauseWrongOTP
	}
	return CauseOK
}

// countWeb moves the user's counter, or the one that the web pages have apart, and returns it. Called with sim.mu held.
func (u *User) countWeb(ok, burns, apart bool) int {
	if !apart {
		u.count(ok, burns)
		return u.failed
	}
	u.failed, u.failedWeb = u.failedWeb, u.failed
	u.count(ok, burns)
	u.failed, u.failedWeb = u.failedWeb, u.failed
	return u.failedWeb
}
