package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// flow is how a valve lets bytes through.
type flow int

const (
	flows    flow = iota
	cut           // connections are reset, and new ones too
	hangs         // nothing goes through, and nobody is told
	trickles      // each piece takes a while
)

// slowPiece is how long a piece takes through a valve that trickles.
const slowPiece = 60 * time.Millisecond

// valve is what a process's connections to somebody go through.
type valve struct {
	mu      sync.Mutex
	flow    flow
	changed chan struct{}
	conns   map[*valved]struct{}
}

func newValve() *valve {
	return &valve{changed: make(chan struct{}), conns: map[*valved]struct{}{}}
}

// set changes how bytes go through.
func (v *valve) set(f flow) {
	v.mu.Lock()
	v.flow = f
	close(v.changed)
	v.changed = make(chan struct{})
	v.mu.Unlock()
	if f == cut {
		v.reset()
	}
}

// reset resets the connections that there are.
func (v *valve) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for c := range v.conns {
		c.reset()
	}
}

// valved is a connection through a valve.
type valved struct {
	net.Conn
	v      *valve
	closed context.Context
	close  context.CancelFunc
}

// through puts a connection through the valve.
func (v *valve) through(c net.Conn) *valved {
	out := &valved{Conn: c, v: v}
	out.closed, out.close = context.WithCancel(context.Background())
	v.mu.Lock()
	v.conns[out] = struct{}{}
	isCut := v.flow == cut
	v.mu.Unlock()
	if isCut {
		out.reset()
	}
	return out
}

// reset is called with and without the valve's mutex held, so it takes none.
func (c *valved) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.close()
	_ = c.Conn.Close()
}

// pass waits until a piece may go through.
func (c *valved) pass() {
	for {
		c.v.mu.Lock()
		f, changed := c.v.flow, c.v.changed
		c.v.mu.Unlock()
		switch f {
		case hangs:
			select {
			case <-changed:
			case <-c.closed.Done():
				return
			}
		case trickles:
			wait(c.closed, slowPiece)
			return
		default:
			return
		}
	}
}

// Read reads a piece, which is held up after it came.
func (c *valved) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.pass()
	}
	return n, err
}

func (c *valved) Write(b []byte) (int, error) {
	c.pass()
	return c.Conn.Write(b)
}

func (c *valved) Close() error {
	c.v.mu.Lock()
	delete(c.v.conns, c)
	c.v.mu.Unlock()
	c.close()
	return c.Conn.Close()
}

// relay listens on a port of its own and passes on what comes to somebody.
type relay struct {
	*valve
	net.Listener
	to   string
	work sync.WaitGroup
}

func (f *fleet) newRelay(to string) *relay {
	f.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	r := &relay{valve: newValve(), Listener: l, to: to}
	r.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.work.Go(func() { r.carry(r.through(c)) })
		}
	})
	f.Cleanup(func() {
		_ = l.Close()
		r.set(cut)
		r.work.Wait()
	})
	return r
}

func (r *relay) carry(c *valved) {
	defer c.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
		both.Go(func() {
			pour(way[0], way[1])
			_ = way[0].Close() // one that ends ends the other
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func pour(from, to net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, failed := to.Write(b[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// doorway is the listener of a PSA that knows which of the fleet's processes comes in: all of them know it by one address, as
// the budget of a PSA user goes by that.
type doorway struct {
	net.Listener
	of func(net.Conn) *valve
}

// Accept waits for the next connection, and puts it through the valve of its process.
func (d doorway) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return d.of(c).through(c), nil
}

// owner returns which of some processes has the other end of a connection on this machine, or -1.
func owner(c net.Conn, ids []int) int {
	inode := inodeOf(c.RemoteAddr().(*net.TCPAddr), c.LocalAddr().(*net.TCPAddr))
	for i, id := range ids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", id))
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && to == "socket:["+inode+"]" {
				return i
			}
		}
	}
	return -1
}

// inodeOf finds the socket of a connection between two addresses, as proc_pid_net(5) lists them.
func inodeOf(from, to *net.TCPAddr) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	local, remote := fmt.Sprintf(":%04X", from.Port), fmt.Sprintf(":%04X", to.Port)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], local) && strings.HasSuffix(fields[2], remote) {
			return fields[9]
		}
	}
	return ""
}
