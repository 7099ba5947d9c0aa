package guard_test

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// How long the processes of the model live by one beat. They are long, so that hours pass in few beats.
const (
	ttl       = time.Minute
	beatEvery = ttl / 3
	leased    = ttl * 2 / 3
	tryEvery  = 2 * time.Second // while the store cannot be used
)

// step beats, and joins first where this process is not in the store. It returns when the next one is due.
func (m *membership) step() time.Duration {
	look, again := false, beatEvery
	m.tables.mu.Lock()
	if !m.paused {
		if look = m.stepLocked(); m.down || m.Holder() == "" {
			again = tryEvery
		}
	}
	m.tables.mu.Unlock()
	if look {
		m.look(nil)
	}
	return again
}

// stepLocked reports whether the logins have to look at their rows.
func (m *membership) stepLocked() (look bool) {
	if m.cut {
		m.down, m.missed = true, true
		return false
	}
	if m.forgot || m.older {
		m.startAnew()
	}
	if m.Holder() == "" {
		m.join()
	}
	return m.beat()
}

// startAnew: what is under way ends, and the process joins as another one.
func (m *membership) startAnew() {
	m.distrust = m.distrust || m.older
	m.lease.End()
	m.former, m.known, m.mine, m.forgot, m.older = m.Holder(), make(map[guard.Key]int), make(map[guard.Key][]guard.Token), false, false
	m.setHolder("")
}

func (m *membership) join() {
	now := &m.tables.now
	now.tick++
	if m.distrust || m.host.doubts(now) {
		now.epoch++
	}
	m.tables.named++
	m.distrust, m.seen = false, make(map[string]sighting)
	m.setHolder("p" + strconv.Itoa(m.tables.named))
	delete(now.beats, m.former)
	now.beats[m.Holder()] = 0
	m.host.store, m.host.tick = now.store, now.tick
}

func (m *membership) beat() (look bool) {
	now := &m.tables.now
	now.tick++
	_, there := now.beats[m.Holder()]
	if m.older = m.host.doubts(now); m.older || !there {
		m.forgot = true
		return m.stepLocked()
	}
	now.beats[m.Holder()]++
	m.host.store, m.host.tick = now.store, now.tick
	over := m.lease.Ended() || m.missed
	m.down, m.missed = false, false
	m.lease.Extend(time.Now(), leased)
	buried := m.bury()
	m.several.Store(len(now.beats) > 1)
	return buried || over
}

// bury takes the rows of dead processes away.
func (m *membership) bury() (any bool) {
	now := &m.tables.now
	for _, id := range slices.Sorted(maps.Keys(now.beats)) {
		last, known := m.seen[id]
		switch {
		case id == m.Holder():
		case m.tables.lockFile[id], known && last.beat == now.beats[id] && time.Since(last.at) >= ttl:
			delete(now.beats, id)
			any = true
		case !known || last.beat != now.beats[id]:
			m.seen[id] = sighting{now.beats[id], time.Now()}
		}
	}
	return any
}
