package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// soakPatience is how long a caller waits for an answer: the gateway gives the PSA five minutes, and has a queue.
	soakPatience = 5*time.Minute + 30*time.Second
	// bodyPatience is how long a caller waits for the rest of an answer that has begun.
	bodyPatience = 10 * time.Second
	// bodyMost is how much of an answer a caller takes, in bytes.
	bodyMost = 8 << 20
	// pagesMost is how many pages a caller follows.
	pagesMost = 10
)

// soakCaller is one program that calls: an integration may have several.
type soakCaller struct {
	*soak
	login *soakLogin
	name  string // of the integration
	rand  *rand.Rand

	kept, fresh, h2c *http.Transport
}

// callers are two of each integration.
func (s *soak) callers() (all []*soakCaller) {
	for _, l := range s.logins {
		for i := range 2 * l.callers {
			c := &soakCaller{soak: s, login: l, name: fmt.Sprintf("%s-%d", l.name, i/2), rand: s.rand(uint64(1000 + len(all)))}
			c.kept, c.fresh, c.h2c = &http.Transport{}, &http.Transport{DisableKeepAlives: true}, &http.Transport{Protocols: new(http.Protocols)}
			c.h2c.Protocols.SetUnencryptedHTTP2(true)
			all = append(all, c)
		}
	}
	return all
}

// calls makes one call after the other until the end. Calls that have begun go on.
func (c *soakCaller) calls(ctx context.Context) {
	defer c.done()
	for pause(ctx, c.rand, 0, 900*time.Millisecond) {
		if c.rand.IntN(40) == 0 {
			c.breaksOff()
			continue
		}
		c.makes(c.someCall(c.rand))
	}
}

func (c *soakCaller) done() {
	for _, t := range []*http.Transport{c.kept, c.fresh, c.h2c} {
		t.CloseIdleConnections()
	}
}

// makes makes a call, and all those that its answer leads to.
func (c *soakCaller) makes(call soakCall) {
	for pages := 1; ; pages++ {
		o := c.sends(call)
		c.books.enter(o)
		next := c.nextPage(o)
		if next == "" || pages == pagesMost {
			return
		}
		call.kind, call.path = "next page", next
	}
}

// nextPage is the path to which a page's answer leads. It must lead through the gateway.
func (c *soakCaller) nextPage(o soakOutcome) string {
	if o.call.right == nil || o.flaw != "" || o.status != http.StatusOK || !bytes.Contains(o.body, []byte(`"pageDetails"`)) {
		return ""
	}
	var page struct {
		PageDetails struct{ NextPageURL, PrevPageURL string }
	}
	if err := json.Unmarshal(o.body, &page); err != nil {
		return ""
	}
	for _, text := range []string{page.PageDetails.NextPageURL, page.PageDetails.PrevPageURL} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "http" || u.Host != c.address) {
			c.Errorf("a page of %s leads to %s", c.name, text)
		}
	}
	next, err := url.Parse(page.PageDetails.NextPageURL)
	if err != nil || next.Host == "" {
		return ""
	}
	return next.RequestURI()
}

// transport is the way of the next call: over a kept connection, a fresh one, or over HTTP/2.
func (c *soakCaller) transport() *http.Transport {
	return []*http.Transport{c.kept, c.kept, c.fresh, c.h2c}[c.rand.IntN(4)]
}

// sends makes one call and says what came of it.
func (c *soakCaller) sends(call soakCall) soakOutcome {
	o := soakOutcome{call: call, login: c.login, caller: c.name, own: c.keys[c.name].Reveal(), began: time.Now()}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if call.hangsUp > 0 {
		defer time.AfterFunc(call.hangsUp, func() { cancel(errHungUp) }).Stop()
	}
	defer time.AfterFunc(soakPatience, func() { cancel(errNever) }).Stop()
	resp, err := c.transport().RoundTrip(c.request(ctx, call))
	if err == nil {
		defer resp.Body.Close()
		o.status, o.header = resp.StatusCode, resp.Header
		defer time.AfterFunc(bodyPatience, func() { cancel(errTooSlow) }).Stop()
		o.body, err = io.ReadAll(io.LimitReader(c.pace(call, resp.Body), bodyMost))
		o.whole(call, err)
	}
	o.ended = time.Now()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	o.breaks(err)
	return o
}

var (
	errHungUp  = errors.New("the caller hung up")
	errTooSlow = errors.New("the caller hung up, for the rest of the answer came too slowly")
	errNever   = errors.New("there was no answer in time")
)

// request is a call as it leaves.
func (c *soakCaller) request(ctx context.Context, call soakCall) *http.Request {
	var body io.Reader
	if len(call.body) > 0 {
		body = bytes.NewReader(call.body)
	}
	if call.pieces {
		body = &inPieces{rest: call.body}
	}
	r, err := http.NewRequestWithContext(ctx, call.method, "http://"+c.address+call.path, body)
	if err != nil {
		c.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/json")
	if call.kind != "stranger" {
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.1.%d.%d", c.rand.IntN(256), c.rand.IntN(256)))
		r.Header.Set("UserName", c.name)
		r.Header.Set("Secret", c.keys[c.name].Reveal())
		r.Header.Set("ApiIntegrationCode", "anything")
	}
	maps.Copy(r.Header, call.header)
	return r
}

// pace is an answer's body as the caller reads it.
func (c *soakCaller) pace(call soakCall, body io.Reader) io.Reader {
	if call.slow {
		return &slowly{body}
	}
	return body
}

// slowly reads little at once, and waits in between.
type slowly struct{ io.Reader }

// Read implements io.Reader.
func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 16<<10)])
}

// inPieces is a body of unknown length, sent in ten pieces at most, with a pause before each.
type inPieces struct {
	rest  []byte
	piece int
}

// Read implements io.Reader.
func (b *inPieces) Read(p []byte) (int, error) {
	if b.piece == 0 {
		b.piece = 1 + len(b.rest)/10
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	time.Sleep(10 * time.Millisecond)
	n := copy(p, b.rest[:min(len(b.rest), b.piece)])
	b.rest = b.rest[n:]
	return n, nil
}

// breaksOff sends a part of a request and hangs up.
func (c *soakCaller) breaksOff() {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		c.Errorf("the gateway takes no connection: %v", err)
		return
	}
	defer conn.Close()
	body := strings.Repeat("x", 100_000)
	text := fmt.Sprintf("POST %s/Tickets HTTP/1.1\r\nHost: %s\r\nSecret: %s\r\nContent-Length: %d\r\n\r\n%s", restV1, c.address, c.keys[c.name].Reveal(), len(body)+1, body)
	// The gateway may be quicker to close.
	_, _ = io.WriteString(conn, text[:c.rand.IntN(len(text))])
	time.Sleep(some(c.rand, 100*time.Millisecond))
	c.deeds.add("a caller breaks off a request")
}

// everybody calls until the end, and returns when all calls have ended.
func (s *soak) everybody(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range s.callers() {
		all.Go(func() { c.calls(ctx) })
	}
	all.Wait()
}
