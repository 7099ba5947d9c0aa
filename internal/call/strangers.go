package call

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// callersKept is how many callers that were not let in are remembered: so many of known integrations, and so many others.
const callersKept = 256

// turnedAway remembers who was not let in, over all configs. Calls of known integrations and of strangers do not push out
// each other, and one address of strangers has a quarter of their places: they choose what they show.
type turnedAway struct {
	mu               sync.Mutex
	known, strangers []report.CallerFailure
}

// note counts a call that was not let in.
func (t *turnedAway) note(why refusal) {
	now := time.Now()
	c := report.CallerFailure{Reason: why.err.Error(), Key: bounded64(why.caller.KeyID), Client: bounded64(why.clientIP), Count: 1, FirstAt: now, LastAt: now}
	t.mu.Lock()
	defer t.mu.Unlock()
	list, most := &t.strangers, callersKept/4
	if i := why.caller.Refused; i != nil {
		c.Integration, c.Login = i.Name, i.Login
		list, most = &t.known, callersKept
	}
	*list = counted(*list, c, most)
}

// counted adds a caller to a list, whoever came last is last; perClient is how many one address may have in it.
func counted(list []report.CallerFailure, c report.CallerFailure, perClient int) []report.CallerFailure {
	first, n := -1, 0
	for i, before := range list {
		if before.Client != c.Client {
			continue
		}
		if before.Reason == c.Reason && before.Key == c.Key && before.Integration == c.Integration {
			c.FirstAt, c.Count = before.FirstAt, before.Count+1
			return append(slices.Delete(list, i, i+1), c)
		}
		if n++; first < 0 {
			first = i
		}
	}
	switch {
	case n >= perClient:
		list = slices.Delete(list, first, first+1)
	case len(list) >= callersKept:
		list = slices.Delete(list, 0, 1)
	}
	return append(list, c)
}

// since returns who was not let in since a moment, of one login or, where that is empty, of all and of none.
func (t *turnedAway) since(at time.Time, of func(login string) bool) []report.CallerFailure {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []report.CallerFailure{}
	for _, c := range slices.Concat(t.known, t.strangers) {
		if !c.LastAt.Before(at) && of(c.Login) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b report.CallerFailure) int { return cmp.Compare(a.LastAt.UnixNano(), b.LastAt.UnixNano()) })
	return all
}

// bounded64 cuts a text that a caller may choose.
func bounded64(text string) string { return text[:min(len(text), 64)] }
