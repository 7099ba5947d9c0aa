package ates

import (
	"strings"
	"sync"

	"github.com/psagate/psagate/broker/refused"
)

// Memory is what Senders remember beyond their own end: which secret a server has refused, what was sent of late, and from whom a
// server takes mails. Senders of several mailboxes, and of a config and the one after it, that have one Memory do not present a
// refused password again, nor send at once what only one of them may. The zero Memory remembers nothing yet.
type Memory struct {
	// Refused remembers which secrets were; nil for what is remembered by nobody else. It must not be changed once the Memory is used.
	Refused *refused.Memory

	mu     sync.Mutex
	places map[place]*remembered
}

// place is somebody at a server.
type place struct{ server, user string }

// remembered is for whoever has the turn.
type remembered struct {
	turn    chan struct{}
	refused *refused.Memory
	pacer   pacer
	// plain are those whose mails have a plain sender of the envelope, since the server takes no other.
	plain map[string]bool
}

func (m *Memory) of(s Service) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.places == nil {
		m.places = map[place]*remembered{}
	}
	if m.Refused == nil {
		m.Refused = new(refused.Memory)
	}
	at := place{strings.ToLower(s.Server.Address), strings.ToLower(s.Server.User)}
	if m.places[at] == nil {
		m.places[at] = &remembered{turn: make(chan struct{}, 1), refused: m.Refused, plain: map[string]bool{}}
	}
	return m.places[at]
}
