package call

import (
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// hangsAfter is how long an attempt may be without an answer before operators are told.
const hangsAfter = 10 * time.Second

// underWay are the attempts of this process that may be at the PSA, over all configs: what a login's room is taken by while
// nothing has failed yet.
type underWay struct {
	mu sync.Mutex
	of map[sent]sending
}

// sent names an attempt.
type sent struct {
	key   guard.Key
	token guard.Token
}

// sending is where and when an attempt went out, and whose it is.
type sending struct {
	at          time.Time
	zone        autotask.Base
	integration string
}

func (u *underWay) begin(key guard.Key, a guard.Attempt, zone autotask.Base) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = make(map[sent]sending)
	}
	u.of[sent{key, a.Token}] = sending{time.Now(), zone, a.Source()}
}

func (u *underWay) end(key guard.Key, a guard.Attempt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.of, sent{key, a.Token})
}

// hanging returns the attempts of a PSA user that have had no answer for long; nil where there is none.
func (u *underWay) hanging(key guard.Key, now time.Time) *report.HangingStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := report.HangingStatus{Integrations: []string{}}
	for id, s := range u.of {
		if id.key != key || now.Sub(s.at) <= hangsAfter {
			continue
		}
		out.Calls++
		if out.Since.IsZero() || s.at.Before(out.Since) {
			out.Since, out.Zone = s.at, s.zone.String()
		}
		if s.integration != "" && !slices.Contains(out.Integrations, s.integration) {
			out.Integrations = append(out.Integrations, s.integration)
		}
	}
	if out.Calls == 0 {
		return nil
	}
	slices.Sort(out.Integrations)
	return &out
}

// hanging tells of attempts without an answer where others wait for them: they take all the room, or an integration's part of it,
// or callers wait beside them for what is left.
func (s *seat) hanging(st guard.Status) *report.HangingStatus {
	h := s.lane.shared.underWay.hanging(s.guard.Key(), time.Now())
	if h == nil || st.Settings.Observe {
		return nil
	}
	full := st.Settings.Budget-st.Free() >= st.Settings.InFlight
	if h.AllRoom = full && h.Calls >= st.Held; h.AllRoom || st.Waiting > 0 {
		return h
	}
	return nil
}
