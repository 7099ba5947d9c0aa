package imap

import (
	"slices"
	"time"
)

// trouble is a mail that could not be brought over, so many times, and not again before Next.
type trouble struct {
	times int
	next  time.Time
}

const (
	// troubleFree is how many times it is tried again at once: mostly it was not the mail.
	troubleFree  = 3
	troubleFirst = time.Minute
	troubleMost  = time.Hour
)

func (t trouble) more(now time.Time) trouble {
	t.times++
	t.next = now
	if over := t.times - troubleFree; over >= 0 {
		t.next = now.Add(min(troubleFirst<<min(over, 10), troubleMost))
	}
	return t
}

// due are those of the missing that may be tried now. Those come last that have made trouble before, so that they keep none of
// the others waiting, and cost a connection only now and then. What is not missing any more is forgotten.
func (s *Source) due(missing []string, now time.Time) (due []string, held int) {
	troubles := map[string]trouble{}
	for _, object := range missing {
		t, is := s.troubles[object]
		if is {
			troubles[object] = t
		}
		if is && now.Before(t.next) {
			held++
		} else {
			due = append(due, object)
		}
	}
	s.troubles = troubles
	slices.SortStableFunc(due, func(a, b string) int { return troubles[a].times - troubles[b].times })
	return due, held
}
