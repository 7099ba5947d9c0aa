package psatest

// judge decides a sign-in, moves its user's counter and writes the ledger: one step, nothing between.
func (s *Sim) judge(c *call) SignIn {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[canonical(c.user)]
	e := SignIn{
		No: s.dropped + len(s.ledger) + 1, At: s.now(), Zone: c.zone.name, User: canonical(c.user), Secret: stranger(c.secret),
		Cause: s.cause(u, c), Method: c.method, Path: c.path, Operation: c.operation(), Remote: c.remote,
	}
	if u != nil {
		e.Secret = u.present(c.secret)
		u.count(e.OK(), e.Cause != CauseWrongZone || !s.behave.WrongZoneFree)
		e.Count, e.Locked = u.failed, u.locked
	}
	if e.OK() {
		c.who = u
		s.meter(c, u.tenant, e.At)
		e.Limit = c.limit
	} else if e.Cause == CauseWrongZone && s.behave.WrongZone == WrongZoneRedirect {
		c.elsewhere = u.tenant.zone.url
	}
	c.zone.requests.Judged++
	s.ledger = append(s.ledger, e)
	s.drop()
	s.judged.beat()
	return e
}

// cause is the first thing that is wrong. A lock comes before all else, so that a right secret does not get
// through, nor reset; a missing secret or code is a failure like another where the user is known.
func (s *Sim) cause(u *User, c *call) Cause {
	switch {
	case canonical(c.user) == "":
		return CauseMissing
	case u == nil:
		return CauseUnknownUser
	case u.locked:
		return CauseLocked
	case u.tenant.zone != c.zone && s.behave.WrongZone != WrongZoneForward:
		return CauseWrongZone
	case c.secret == "" || c.code == "":
		return CauseMissing
	case u.present(c.secret).Standing != SecretCurrent:
		return CauseWrongSecret
	case digested(c.code) != u.code:
		return CauseWrongCode
	case c.refuse:
		return CauseOrdered
	}
	return CauseOK
}

// stranger labels the secret of a user whom nobody knows.
func stranger(secret string) Presented {
	if secret == "" {
		return Presented{Standing: SecretNone}
	}
	return Presented{Standing: SecretUnknown}
}
