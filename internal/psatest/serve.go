package psatest

import (
	"errors"
	"net"
	"net/http"
)

// ServeHTTP answers one request. Where a Fault cuts the connection it panics with http.ErrAbortHandler, which
// http.Server understands.
func (z *Zone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !z.sim.enter() {
		panic(http.ErrAbortHandler)
	}
	defer z.sim.running.Done()
	c := newCall(z, w, r)
	z.count(!c.signsIn())
	c.readBody(r)
	c.run()
}

// run takes the call past the points at which faults may wait for it.
func (c *call) run() {
	if !c.sim.pause(c.sim.behaviour().Latency) {
		c.cut(false)
	}
	if c.at(Received) {
		return
	}
	a := answer{}
	if c.signsIn() {
		e := c.sim.judge(c)
		if c.at(Judged) {
			return
		}
		if !e.OK() {
			c.send(c.refusal())
			return
		}
		a = c.perform(inside)
	} else {
		a = c.perform(open)
	}
	if c.at(Applied) {
		return
	}
	c.send(a)
}

// perform does what the call asks for, unless its body never came whole.
func (c *call) perform(table []route) answer {
	switch {
	case errors.Is(c.bodyErr, errTooLarge):
		return html(http.StatusRequestEntityTooLarge, "The page was not displayed because the request entity is too large.")
	case c.bodyErr != nil:
		return failed("The request body could not be read.")
	}
	return c.route(table)
}

// refusal is the same for every cause: bare, so that nobody can tell a locked user from a typing error.
func (c *call) refusal() answer {
	if c.elsewhere != "" {
		return answer{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {c.elsewhere + c.uri}}}
	}
	return answer{
		status: http.StatusUnauthorized,
		header: http.Header{"Www-Authenticate": {`Basic Realm="` + c.zone.host() + `"`}},
	}
}

// cut closes the connection without an answer, by a reset or in order. It never returns.
func (c *call) cut(reset bool) {
	if reset {
		conn, _, err := http.NewResponseController(c.w).Hijack()
		if err == nil {
			dropHard(conn)
		}
	}
	panic(http.ErrAbortHandler)
}

// dropHard makes the kernel send RST instead of FIN where there is a kernel in between.
func dropHard(conn net.Conn) {
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		// Failing to set it leaves an ordinary close: still no answer.
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}
