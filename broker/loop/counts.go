package loop

import (
	"container/list"
	"time"
)

// counts are moments by key, the last few of each.
type counts struct {
	window time.Duration
	limit  int
	most   int
	byKey  map[string]*list.Element
	order  *list.List // of *count, the one heard of last in front
}

type count struct {
	key    string
	times  []time.Time // at most limit, oldest first
	ticket int64
	over   bool
}

func newCounts(window time.Duration, limit, most int) *counts {
	return &counts{window, limit, most, map[string]*list.Element{}, list.New()}
}

// count adds a moment and tells whether the limit was reached within the window before it.
func (c *counts) count(now time.Time, key string) *count {
	e := c.byKey[key]
	if e == nil {
		if c.order.Len() >= c.most {
			delete(c.byKey, c.order.Remove(c.order.Back()).(*count).key)
		}
		e = c.order.PushFront(&count{key: key})
		c.byKey[key] = e
	}
	c.order.MoveToFront(e)
	k := e.Value.(*count)
	for len(k.times) > 0 && !k.times[0].After(now.Add(-c.window)) {
		k.times = k.times[1:]
	}
	k.over = len(k.times) >= c.limit
	if k.over { // the newest moments count: who goes on stays over
		k.times = k.times[1:]
	}
	k.times = append(k.times, now)
	return k
}

func (c *counts) made(key string, ticket int64) {
	if e := c.byKey[key]; e != nil {
		e.Value.(*count).ticket = ticket
	}
}
