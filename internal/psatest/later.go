package psatest

import "net/http"

// later has the call done after the order's wait, with nobody left to answer, and cuts its connection. A sign-in that was refused
// asks for nothing. It never returns.
func (c *call) later(o *Order) {
	alone := *c
	alone.w = nobody{}
	c.sim.running.Go(func() {
		// The request's context ends with its connection: that the client is gone is no wait any more.
		if alone.await(o) && alone.who != nil && alone.limit == "" {
			alone.perform(inside)
		}
	})
	c.cut(false)
}

// nobody is whom a call is answered that has no connection.
type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(p []byte) (int, error) { return len(p), nil }
func (nobody) WriteHeader(int)             {}
