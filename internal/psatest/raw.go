package psatest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// seize takes the connection from the server, so that anything at all can be written on it. It is cut when the
// Sim is closed, and by free, which never returns. A ResponseWriter that has no connection to give is cut at once.
func (c *call) seize() (conn net.Conn, free func()) {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		c.cut(false)
	}
	freed := make(chan struct{})
	c.sim.running.Go(func() {
		select {
		case <-freed:
		case <-c.sim.done:
		}
		// Closing it twice fails, which is no matter.
		_ = conn.Close()
	})
	return conn, func() {
		close(freed)
		panic(http.ErrAbortHandler)
	}
}

// writeRaw writes the order's Body and nothing that a server would add to it. It never returns.
func (c *call) writeRaw(f *Fault) {
	conn, free := c.seize()
	defer free()
	// Writing fails when the client is gone; then reading ends as well.
	_, _ = io.WriteString(conn, c.fill(f.Body))
	if f.Stay {
		_, _ = io.Copy(io.Discard, conn)
	}
}

// writeHeaders never comes to the end of a head. It never returns.
func (c *call) writeHeaders() {
	conn, free := c.seize()
	defer free()
	_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
	for n := 1; err == nil; n++ {
		_, err = fmt.Fprintf(conn, "X-Endless-%d: %s\r\n", n, strings.Repeat("x", 1000))
	}
}

// writeBodies never comes to the end of a body. It never returns.
func (c *call) writeBodies(f *Fault) {
	c.writeHead(f, http.StatusOK)
	piece := c.fill(f.Body)
	if piece == "" {
		piece = " "
	}
	piece = strings.Repeat(piece, 1+4096/len(piece))
	for {
		if _, err := io.WriteString(c.w, piece); err != nil {
			c.cut(false)
		}
		select {
		case <-c.gone:
			c.cut(false)
		case <-c.sim.done:
			c.cut(false)
		default:
		}
	}
}
