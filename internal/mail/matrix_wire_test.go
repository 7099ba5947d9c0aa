//go:build linux

package mail

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
)

// snip is a place in what goes over a connection, where something happens, and where it may be cut, once.
type snip struct {
	sent bool // by us; else by the server
	is   *regexp.Regexp
	plus int  // so many bytes after what matches
	cut  bool // nothing goes further than that. What we send that matches is not sent
	do   func()
}

// wires are the connections to a server.
type wires struct {
	mu    sync.Mutex
	snips []*snip
	said  strings.Builder // all that we said
	met   int
}

func (w *wires) at(s snip) { w.snips = append(w.snips, &s) }

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: conn, all: w}, nil
}

// find is the snip that text comes to, and how far it may go.
func (w *wires) find(sent bool, text []byte) (*snip, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.snips {
		if s.sent != sent {
			continue
		}
		if at := s.is.FindIndex(text); at != nil && len(text) >= at[1]+s.plus {
			w.snips = append(w.snips[:i:i], w.snips[i+1:]...)
			w.met++
			return s, at[1] + s.plus
		}
	}
	return nil, 0
}

// says counts what we said.
func (w *wires) says(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(regexp.MustCompile(what).FindAllString(w.said.String(), -1))
}

// wire is one connection. What comes is looked at as a whole, however it comes.
type wire struct {
	net.Conn
	all  *wires
	came []byte
	over bool
}

func (c *wire) Read(p []byte) (int, error) {
	if c.over {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p)
	before := len(c.came)
	c.came = append(c.came, p[:n]...)
	s, end := c.all.find(false, c.came)
	if s == nil {
		return n, err
	}
	if s.do != nil {
		s.do()
	}
	if !s.cut {
		return n, err
	}
	c.over = true
	_ = c.Conn.Close()
	return max(0, min(n, end-before)), nil
}

func (c *wire) Write(p []byte) (int, error) {
	s, _ := c.all.find(true, p)
	if s != nil && s.do != nil {
		s.do()
	}
	if s != nil && s.cut {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	c.all.mu.Lock()
	c.all.said.Write(p)
	c.all.mu.Unlock()
	return c.Conn.Write(p)
}

// somebody is another client of the mailbox, as a person's mail program is: it opens a folder, and says commands.
func somebody(t testing.TB, server *imaptest.Server, folder string, commands ...string) (said string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Plain)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(conn)
	if _, err := r.ReadString('\n'); err != nil {
		t.Error(err)
		return ""
	}
	all := append([]string{fmt.Sprintf("LOGIN %s %s", imaptest.User, imaptest.Password), "SELECT " + folder}, commands...)
	for i, command := range all {
		tag := fmt.Sprintf("s%d ", i)
		if _, err := io.WriteString(conn, tag+command+"\r\n"); err != nil {
			t.Error(err)
			return said
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Errorf("%s: %v", strings.Fields(command)[0], err)
				return said
			}
			if said += line; strings.HasPrefix(line, tag) {
				if !strings.HasPrefix(line, tag+"OK") {
					t.Errorf("%s: %s", strings.Fields(command)[0], line)
				}
				break
			}
		}
	}
	return said
}
