package main

import "slices"

const (
	stampede = 64         // callers of a stampede
	crowd    = "stampede" // what they are called
)

func begin(s *scene) error {
	s.traffic = start(s.ctx, s.tally, s.clients())
	return nil
}

func end(s *scene) error {
	s.traffic.stop()
	return nil
}

// beginWithWrongKey lets all integrations call, one of them with a key that the gateway does not know.
func beginWithWrongKey(name string) func(*scene) error {
	return func(s *scene) error {
		clients := s.clients()
		i := slices.IndexFunc(clients, func(c client) bool { return c.name == name })
		clients[i].secret = s.replaced.Reveal()
		s.traffic = start(s.ctx, s.tally, clients)
		return nil
	}
}

func inStore(password string) func(*scene) error {
	return func(s *scene) error { return s.putInStore(password) }
}

func inPSA(password string) func(*scene) error {
	return func(s *scene) error {
		s.user.SetSecret(password)
		return nil
	}
}

// rush makes one call each of many callers, spread over the integrations.
func rush(s *scene) error {
	s.crowd = new(traffic)
	clients := s.clients()
	for i := range stampede {
		c, n := clients[i%len(clients)], s.tally.enter()
		c.name = crowd
		s.crowd.all.Go(func() { s.tally.finish(s.ctx, c, c.jobs[0], n) })
	}
	return nil
}

func rushOver(s *scene) error {
	s.crowd.all.Wait()
	return nil
}

func move(s *scene) error {
	s.tenant.Migrate(s.second)
	return nil
}

// direct makes calls straight to the PSA with a password of the PSA's.
func direct(password string, calls int) func(*scene) error {
	return func(s *scene) error {
		c := client{name: "direct", base: s.first.URL(), user: s.direct.Name(), secret: password, code: integrationCode}
		for range calls {
			s.tally.call(s.ctx, c, readTicket)
		}
		return nil
	}
}

// untilLocked is how many failed sign-ins it took to lock a user.
func untilLocked(o outcome) int {
	for i, signIn := range o.ledger.Failed() {
		if signIn.Locked {
			return i + 1
		}
	}
	return threshold + 1 // or more: it was not locked
}

func unservedOf(name string) func(outcome) int {
	return func(o outcome) int { return o.count(func(m made) bool { return m.reason != "" && m.client == name }) }
}

func unservedOfOthers(name string) func(outcome) int {
	return func(o outcome) int { return o.unserved() - unservedOf(name)(o) }
}

func toldRefused(o outcome) int {
	return o.count(func(m made) bool { return m.client == crowd && m.reason == "credential-refused" })
}

func toldPolicy(o outcome) int {
	return o.count(func(m made) bool { return m.client == "reports" && m.reason == "policy" })
}

func servedBySecond(o outcome) int { return o.at("Second") }
