package tickets

import (
	"sync"
	"time"
)

// answers are what the PSA said of addresses or domains a short while ago: each question counts against its hourly limit, and those who
// send many mails send them one after the other. The zero value is ready. They are not taken over by the next config: what another policy
// permits is asked anew.
type answers[V any] struct {
	mu    sync.Mutex
	all   map[string]answer[V]
	order []string // the keys of all, the one that was put first at first
}

type answer[V any] struct {
	value V
	at    time.Time
	lasts time.Duration
}

// How long an answer is good for, and how many are kept of each kind: of a flood of senders the last.
const (
	personFor   = time.Minute      // who has an address
	noCompany   = time.Minute      // that nobody has a domain
	companyFor  = 10 * time.Minute // which companies have one
	answersMost = 1000
	answerMost  = 50 // longer ones are not kept
)

// get is the answer of a key, if there is one that is good still.
func (a *answers[V]) get(key string, now time.Time) (value V, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, known := a.all[key]
	if age := now.Sub(of.at); !known || age < 0 || age >= of.lasts { // a clock may be set back
		return value, false
	}
	return of.value, true
}

// put keeps an answer, in the place of the oldest where there are too many.
func (a *answers[V]) put(key string, value V, now time.Time, lasts time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, there := a.all[key]; !there {
		if len(a.order) >= answersMost {
			delete(a.all, a.order[0])
			a.order = a.order[1:]
		}
		a.order = append(a.order, key)
	}
	if a.all == nil {
		a.all = map[string]answer[V]{}
	}
	a.all[key] = answer[V]{value, now, lasts}
}
