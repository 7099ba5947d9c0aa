package ates

import (
	"net"
	"time"
)

// bounded is a connection that nobody can use longer than the context lasts: the library sets, and takes away, deadlines of its own.
type bounded struct {
	net.Conn
	most time.Time
}

func (b *bounded) limit(t time.Time) time.Time {
	if !b.most.IsZero() && (t.IsZero() || t.After(b.most)) {
		return b.most
	}
	return t
}

func (b *bounded) SetDeadline(t time.Time) error      { return b.Conn.SetDeadline(b.limit(t)) }
func (b *bounded) SetReadDeadline(t time.Time) error  { return b.Conn.SetReadDeadline(b.limit(t)) }
func (b *bounded) SetWriteDeadline(t time.Time) error { return b.Conn.SetWriteDeadline(b.limit(t)) }
