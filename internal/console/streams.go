package console

import "sync"

const (
	// maxStreams is how many live pages there are at once, maxPerSession how many of one session.
	maxStreams, maxPerSession = 256, 8
)

// streams are the live pages that are under way.
type streams struct {
	mu    sync.Mutex
	of    map[string]int // by session
	all   int
	ended chan struct{} // closed when there are to be none any more
	over  bool
}

func newStreams() *streams { return &streams{of: map[string]int{}, ended: make(chan struct{})} }

// begin lets one begin where there is room. It must be given back by end.
func (s *streams) begin(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.all >= maxStreams || s.of[session] >= maxPerSession {
		return false
	}
	s.of[session]++
	s.all++
	return true
}

func (s *streams) end(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[session]--; s.of[session] == 0 {
		delete(s.of, session)
	}
}

// close ends all of them, and lets none begin any more.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over = true
		close(s.ended)
	}
}
