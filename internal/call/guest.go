package call

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// What operators see of PSA users whose credentials callers bring. Each has a name as a login has: its login's, a slash, and
// the canonical user name.

// name is what the PSA user is called in reports.
func (s *seat) name() string {
	if s.user == "" {
		return s.lane.Name
	}
	return s.lane.Name + "/" + s.user
}

// seats returns the PSA users of the lane's calls: the one that its record names, and those whose credentials callers bring.
func (n *lane) seats() (all []*seat) {
	if s := n.sitting(); s != nil {
		all = append(all, s)
	}
	return append(all, n.guestSeats()...)
}

// guestSeats returns those whose credentials callers bring, by name.
func (n *lane) guestSeats() []*seat {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.SortedFunc(maps.Values(n.guests), func(a, b *seat) int { return strings.Compare(a.user, b.user) })
}

// guest returns the PSA user of a name whose credentials callers bring, or nil.
func (g *Gateway) guest(name string) *seat {
	for _, n := range g.lanes {
		for _, s := range n.guestSeats() {
			if s.name() == name {
				return s
			}
		}
	}
	return nil
}

// outdate forgets secrets that callers brought and that serve no more.
func (s *seat) outdate(e guard.Effect) {
	if !e.Proven && !e.Refused {
		return
	}
	st, err := s.guard.Status()
	if err != nil {
		return
	}
	s.guard.Forgotten(s.lane.shared.guests.drop(s.guard.Key(), func(fp guard.Fingerprint) bool {
		return slices.ContainsFunc(st.Credentials, func(c guard.Credential) bool { return c.Fingerprint == fp && c.State == guard.StateProven })
	})...)
}

// zoneURL is where its calls go, as far as that is known.
func (s *seat) zoneURL() string {
	if s.user == "" {
		return s.lane.zoneStatus().URL
	}
	var z report.ZoneStatus
	s.lane.fillZone(&z, secret.Credential{UserName: s.user})
	return z.URL
}

// maxBrought is how many of the credentials that callers brought are shown: those that are proven, and the last of the others.
const maxBrought = 10

func (s *seat) status(keys map[guard.Key][]string) report.LoginStatus {
	out := s.lane.untouched(s.name())
	out.State = report.LoginIdle
	st, err := s.guard.Status()
	if err != nil {
		noStore(&out)
		return out
	}
	s.fill(&out, st, keys)
	out.Serving, out.Newest = nil, nil // the record's, of a login of the same user
	brought := broughtOf(st)
	for _, c := range brought[:min(len(brought), maxBrought)] {
		out.Brought = append(out.Brought, broughtStatus(c))
	}
	if out.State == report.LoginServing || out.State == report.LoginRefused || out.State == report.LoginIdle {
		out.State = stateOf(brought)
	}
	return out
}

// broughtOf returns the credentials that callers brought: those that are proven first, then the last tried.
func broughtOf(st guard.Status) []guard.Credential {
	all := slices.DeleteFunc(slices.Clone(st.Credentials), func(c guard.Credential) bool { return c.Code.IsZero() })
	slices.SortStableFunc(all, func(a, b guard.Credential) int {
		if proven := a.State == guard.StateProven; proven != (b.State == guard.StateProven) {
			if proven {
				return -1
			}
			return 1
		}
		return b.TriedAt.Compare(a.TriedAt)
	})
	return all
}

// stateOf says how calls with the brought credentials are served.
func stateOf(brought []guard.Credential) report.LoginState {
	switch {
	case len(brought) == 0:
		return report.LoginIdle
	case brought[0].State == guard.StateProven:
		return report.LoginServing
	case brought[0].State == guard.StateRefused:
		return report.LoginRefused
	}
	return report.LoginIdle
}

func broughtStatus(c guard.Credential) report.BroughtStatus {
	return report.BroughtStatus{
		Fingerprint: c.Fingerprint.String(), State: c.State.String(), Integration: c.By, Client: c.Address,
		AcceptedAt: orNil(c.ProvenAt), TriedAt: orNil(c.TriedAt),
	}
}

// releaseGuest is Release for a PSA user whose credentials callers bring.
func (g *Gateway) releaseGuest(s *seat, seq uint64, nextSeq *uint64) error {
	if nextSeq != nil {
		return fmt.Errorf("%w: callers bring its credentials, so there is no next user", report.ErrNotShown)
	}
	if err := s.lane.releaseSeat(s, seq); err != nil {
		return err
	}
	g.tellReleased(s)
	return nil
}

// checked is Check for it: there is nothing to sign in with but what callers bring.
func (s *seat) checked(ctx context.Context) report.CheckResult {
	out := report.CheckResult{Login: s.name(), OK: true}
	detail, err := s.lane.checkZoneOf(ctx, secret.Credential{UserName: s.user})
	if err != nil {
		detail, out.OK = err.Error(), false
	}
	out.Steps = append(out.Steps, report.CheckStep{Name: "zone", OK: err == nil, Detail: detail})
	if out.OK {
		out.Steps = append(out.Steps, s.checkedSignIn())
		out.OK = out.Steps[1].OK
	}
	return out
}

// checkedSignIn says how it stands with the sign-ins of those who bring their own, and ends the pause of a gate that is shut.
func (s *seat) checkedSignIn() report.CheckStep {
	step := report.CheckStep{Name: "sign-in", Detail: "nothing was sent: callers bring its credentials, and each is tried when its caller comes"}
	switch now := s.status(nil); now.State {
	case report.LoginIdle, report.LoginServing:
		step.OK = true
	case report.LoginGateShut:
		if err := s.guard.EndPause(); err != nil {
			step.Detail = err.Error()
			break
		}
		step.Detail = "nothing was sent: callers bring its credentials, and the next one's is tried; its gate was shut, for which nobody need wait any more"
	default:
		step.Detail = "nothing was sent: callers bring its credentials. " + now.Advise()
	}
	return step
}
