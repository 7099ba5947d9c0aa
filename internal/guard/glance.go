package guard

import "sync/atomic"

// glance is how a login stood at the end of its last transaction, for who has to choose among logins: a look at it takes no
// lock and no transaction. What it tells may be over.
type glance struct {
	held   atomic.Int32 // units in use
	serves atomic.Bool  // a credential is proven, and the gate is open
}

// Writing what others may be reading costs more than looking whether it is so already.

// take notes how the rows stand. Called with the login's mutex held.
func (g *glance) take(r *Rows) {
	n := int32(0)
	for i := range r.Units {
		if r.Units[i].State == Held {
			n++
		}
	}
	if g.held.Load() != n {
		g.held.Store(n)
	}
	if serves := !r.Gate.Shut && !r.Locked && r.proven() != nil; g.serves.Load() != serves {
		g.serves.Store(serves)
	}
}
