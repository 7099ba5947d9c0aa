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
	c.openEnvelope()
	c.run()
}

// run takes the call past the points at which faults may wait for it.
func (c *call) run() {
	if c.signsIn() {
		defer c.sim.occupy(c)()
	}
	if !c.sim.pause(c.sim.behaviour().Latency) {
		c.cut(false)
	}
	if c.at(Received) {
		return
	}
	switch {
	case c.tooLong():
		c.send(html(http.StatusNotFound, "File or directory not found."))
	case !c.signsIn():
		c.apply(open)
	case c.sim.precheck(c):
		c.send(c.limited())
	default:
		c.signIn()
	}
}

// signIn has the sign-in judged, and goes on if it is accepted and within the limits.
func (c *call) signIn() {
	e := c.sim.judge(c)
	switch {
	case c.at(Judged):
	case !e.OK():
		c.send(c.refusal(e))
	case e.Limit != "":
		c.send(c.limited())
	case !c.sim.pause(c.slow):
		c.cut(false)
	default:
		c.apply(inside)
	}
}

// apply does what the call asks for and answers.
func (c *call) apply(table []route) {
	if a := c.perform(table); !c.at(Applied) {
		c.send(a)
	}
}

// tooLong tells whether the URL is longer than the server takes. What a POST may have is not known.
func (c *call) tooLong() bool {
	most := c.sim.behaviour().URLCap
	return most > 0 && c.method == http.MethodGet && len(c.zone.URL())+len(c.uri) > most
}

// perform does what the call asks for, unless its body never came whole.
func (c *call) perform(table []route) answer {
	switch {
	case errors.Is(c.bodyErr, errTooLarge):
		return html(http.StatusRequestEntityTooLarge, "The page was not displayed because the request entity is too large.")
	case c.soap != nil:
		return c.serveSOAP()
	case c.bodyErr != nil:
		return failed("The request body could not be read.")
	}
	return c.route(table)
}

// refusal is the same for every cause: bare, so that nobody can tell a locked user from a typing error. SOAP may say
// more.
func (c *call) refusal(e SignIn) answer {
	if a, says := c.refusedSOAP(e); says {
		return a
	}
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
