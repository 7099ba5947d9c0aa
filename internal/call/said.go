package call

import (
	"sync"
	"time"
)

// said bounds how often something is logged that callers could repeat as they like. Its keys must be of a closed set.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

// again reports whether it is to be logged: at first, and when it was not for a minute.
func (s *said) again(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, known := s.at[key]; known && now.Sub(last) < time.Minute {
		return false
	}
	if s.at == nil {
		s.at = make(map[string]time.Time)
	}
	s.at[key] = now
	return true
}
