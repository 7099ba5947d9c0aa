package e2e

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// trouble is all that goes wrong, one after the other but for what is stopped meanwhile.
func (s *mailSoak) trouble(r *rand.Rand, length time.Duration) {
	s.Helper()
	kill := func(apart time.Duration) time.Time { return time.Now().Add(apart*3/4 + some(r, apart/2)) }
	at := func(percent int) time.Time { return s.began.Add(length * time.Duration(percent) / 100) }
	stopped := r.IntN(len(s.seats))
	var from time.Time // when it was stopped
	plan := []struct {
		at   time.Time
		does func()
	}{
		{at(10), s.reload},
		{at(25), func() { from = s.stop(stopped) }},
		{at(50), func() { s.postgresDies(r) }},
	}
	for next, lost := kill(mailKill), at(5); time.Now().Before(at(100)) || !from.IsZero(); time.Sleep(20 * time.Millisecond) {
		for len(plan) > 0 && time.Now().After(plan[0].at) {
			plan[0].does()
			plan = plan[1:]
		}
		if !from.IsZero() && time.Since(from) > mailStop {
			s.goesOn(stopped)
			from = time.Time{}
		}
		if time.Now().After(lost) && lost.Before(at(100)) {
			s.losesAnswers(r)
			lost = lost.Add(length / 6)
		}
		if time.Now().After(next) {
			i := r.IntN(len(s.seats))
			next = kill(mailKill)
			if !from.IsZero() {
				i, next = (stopped+1)%len(s.seats), kill(mailKillOne)
			}
			s.kill(i)
			s.start(i)
			s.kills++
		}
	}
}

// operates is what an operator does whom the status tells to: where calls got no answer that use up all units but the last, the guard asks
// the PSA after an hour, and at once when it is told to.
func (s *mailSoak) operates(ctx context.Context) {
	for ; ctx.Err() == nil; wait(ctx, 5*time.Second) {
		for i := range s.seats {
			var status report.Status
			out, err := s.commandIn(5*time.Second, i, "status", "--json")
			if err != nil || json.Unmarshal(out, &status) != nil || len(status.Logins) != 1 {
				continue // it is killed, or stopped
			}
			units := status.Logins[0].Units
			if status.Logins[0].State != report.LoginGateShut || units.Unknown+units.Failed < units.Budget-1 {
				continue
			}
			out, err = s.command(i, "check", "main")
			s.says("an operator has the PSA asked, as %d of %d units are recorded (%v): %.200s", units.Unknown+units.Failed, units.Budget, err, out)
		}
	}
}

// losesAnswers has the PSA store something without an answer, and something late: within the time that the rules allow for that, but for
// the first, which makes a second ticket, and must be flagged.
func (s *mailSoak) losesAnswers(r *rand.Rand) {
	late := some(r, 4*time.Minute)
	if len(s.orders) == 0 {
		late = mailTooLate
	}
	s.orders = append(
		s.orders,
		s.sim.Fault(psatest.Fault{Path: "/Tickets", Method: "POST", At: psatest.Judged, Then: psatest.Later, Delay: late, Times: 1}),
		s.sim.Fault(psatest.Fault{Path: "/Tickets", Method: "POST", At: psatest.Applied, Then: psatest.Reset, Times: 1}),
	)
}

// postgresDies: PostgreSQL dies at once, and is run again.
func (s *mailSoak) postgresDies(r *rand.Rand) {
	s.pg.Kill()
	time.Sleep(500*time.Millisecond + some(r, time.Second))
	s.pg.Run()
	s.says("PostgreSQL was killed, and run again")
}

// stop has a process do nothing, which it does not know.
func (s *mailSoak) stop(i int) time.Time {
	_ = s.seats[i].cmd.Process.Signal(syscall.SIGSTOP)
	s.says("replica %d is stopped for %v", i, mailStop)
	return time.Now()
}

func (s *mailSoak) goesOn(i int) {
	_ = s.seats[i].cmd.Process.Signal(syscall.SIGCONT)
	s.says("replica %d goes on", i)
}

// reload gives all another config, with a rule more.
func (s *mailSoak) reload() {
	s.rule = "rule late {\nwhen `subject.contains('soak')`\npriority 1\n}\n"
	for i := range s.seats {
		s.writeConfig(i)
		out, err := s.command(i, "reload", "--config", s.path(i, "Caddyfile"), "--adapter", "caddyfile")
		if err != nil {
			s.Errorf("replica %d is not given another config: %v: %s", i, err, out)
		}
	}
	s.says("both have another config")
}
