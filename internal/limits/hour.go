package limits

import (
	"sync"
	"time"
)

// Hours counts what those who are named do in an hour, over all configs of a process. The zero value is ready.
type Hours struct {
	mu     sync.Mutex
	byName map[string]*hour
}

// Share is how many times in an hour something may be done by who is named.
type Share struct {
	Name string
	Most int
}

// slots are minutes, of which the one at hand has only begun: so no hour, wherever it begins, has more than the most.
const slots = 61

// hour has how often something was done in each of the last minutes, by the minute's number modulo slots.
type hour struct {
	slots [slots]int
	last  int64 // the number of the minute at hand
	sum   int
}

// Take counts one for each of the shares, if all have room: it is done once, for all. Else it counts nothing, and says which has none
// and after what time it has.
func (h *Hours) Take(now time.Time, shares ...Share) (wait time.Duration, full Share, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range shares {
		if of := h.of(s.Name, now); of.sum >= s.Most {
			return of.until(s.Most, now), s, false
		}
	}
	for _, s := range shares {
		of := h.byName[s.Name]
		of.slots[of.last%slots]++
		of.sum++
	}
	return 0, Share{}, true
}

// of is the hour of a name, as it is now. Where the clock was set back, what was counted stays until it has come that far again.
func (h *Hours) of(name string, now time.Time) *hour {
	minute := now.Unix() / 60
	of := h.byName[name]
	if of == nil {
		if h.byName == nil {
			h.byName = map[string]*hour{}
		}
		of = &hour{last: minute}
		h.byName[name] = of
	}
	if minute-of.last >= slots {
		*of = hour{last: minute}
	}
	for of.last < minute {
		of.last++
		of.sum -= of.slots[of.last%slots]
		of.slots[of.last%slots] = 0
	}
	return of
}

// until is when fewer than the most are counted.
func (o *hour) until(most int, now time.Time) time.Duration {
	left := o.sum
	for n := int64(1); n <= slots; n++ {
		if left -= o.slots[(o.last+n)%slots]; left < most {
			return max(time.Second, time.Unix((o.last+n)*60, 0).Sub(now))
		}
	}
	return time.Hour // nothing is ever allowed
}
