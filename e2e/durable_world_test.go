package e2e

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
)

// shortLinger is a login's settings where a test waits for units that are lost.
const shortLinger = "queue 64 5s\n\t\t\tlockout 7 {\n\t\t\t\tlinger 1s\n\t\t\t}"

// storePath is where the store is by default.
const storePath = "data/caddy/psagate/store/psagate.db"

// newDurable makes a world whose PSA takes a moment to answer, so that calls are under way at any time.
func newDurable(t *testing.T, psa string) *world {
	t.Helper()
	w := newWorld(t)
	w.caddyfile.login, w.caddyfile.psa = shortLinger, psa
	w.sim.Adjust(slowish)
	return w
}

// kill ends the process at once, as kill -9 and a loss of power do.
func (w *world) kill() {
	w.Helper()
	if err := w.server.Process.Kill(); err != nil {
		w.Fatal(err)
	}
	<-w.server.ended
}

// restart ends the process in order and starts it again.
func (w *world) restart() {
	w.Helper()
	w.server.stop(w)
	w.start()
}

// refusesToStart runs the server, which must end by itself, and returns what it printed.
func (w *world) refusesToStart() string {
	w.Helper()
	w.write("Caddyfile", w.caddyfile.String())
	out, status := w.run("run", "--config", w.path("Caddyfile"), "--adapter", "caddyfile")
	if status == 0 {
		w.Errorf("it started: %s", out)
	}
	return out
}

// servesAgain waits until a call is served, and returns how long that took.
func (w *world) servesAgain() time.Duration {
	w.Helper()
	begin := time.Now()
	var last answer
	defer func() {
		if w.Failed() {
			w.Logf("the last answer: %d %s %s", last.status, last.reason(), last.body)
		}
	}()
	w.until("it serves again", func() bool {
		last = w.call("a", "GET", "/Tickets/1", "")
		return last.ticket()
	})
	return time.Since(begin)
}

// forgives is what an operator does: unlock the user at the PSA, and release the login.
func (w *world) forgives() {
	w.Helper()
	w.user.Unlock()
	w.says("release main --yes", 0, "login main released")
}

// callers are calls that go on whatever becomes of the server.
type callers struct {
	end  context.CancelFunc
	done sync.WaitGroup

	mu sync.Mutex
	of map[string]int // by what came of them
}

// callOn lets n callers call, one call after the other, until stop.
func (w *world) callOn(n int) *callers { return w.callOnAs("", n) }

// callOnAs is callOn for one integration; without a name a and b take turns.
func (w *world) callOnAs(integration string, n int) *callers {
	ctx, end := context.WithCancel(context.Background())
	c := &callers{end: end, of: map[string]int{}}
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	client := &http.Client{Transport: transport, Timeout: patience}
	for i := range n {
		r := w.request(cmp.Or(integration, []string{"a", "b"}[i%2]), "GET", "/Tickets/1", nil)
		c.done.Go(func() {
			for ctx.Err() == nil {
				came := whatCame(client, r)
				c.count(came)
				if came != "ticket" {
					wait(ctx, 5*time.Millisecond)
				}
			}
			transport.CloseIdleConnections()
		})
	}
	return c
}

// stop ends the calls and says what came of them.
func (c *callers) stop() map[string]int {
	c.end()
	c.done.Wait()
	return c.of
}

func (c *callers) count(came string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[came]++
}

// whatCame makes a call and says in a word what came of it: ticket, a reason or a status, or "no answer".
func whatCame(client *http.Client, r *http.Request) string {
	resp, err := client.Do(r)
	if err != nil {
		return "no answer"
	}
	return whatAnswered(resp)
}

// whatAnswered reads an answer to its end.
func whatAnswered(resp *http.Response) string {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answer{resp.StatusCode, resp.Header, string(body)}
	switch {
	case err != nil:
		return "no answer"
	case a.ticket():
		return "ticket"
	case a.reason() != "":
		return a.reason()
	}
	return resp.Status
}

// standing is what must not change where nothing happens to a login.
type standing struct {
	state    report.LoginState
	units    report.UnitCounts
	seq      uint64
	distance int
}

func (w *world) stands() standing {
	w.Helper()
	l := w.loginStatus()
	return standing{l.State, l.Units, l.Seq, l.Lockout.Distance}
}

// putStore puts a copy in the place of the store, as whoever restores a disk does.
func (w *world) putStore(text string) {
	w.Helper()
	w.takeStore()
	w.write(storePath+".new", text)
	if err := os.Rename(w.path(storePath+".new"), w.path(storePath)); err != nil {
		w.Fatal(err)
	}
}

// takeStore takes the store's files away.
func (w *world) takeStore() {
	w.Helper()
	files, err := filepath.Glob(w.path(storePath) + "*")
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			w.Fatal(err)
		}
	}
}

// logged is how often a text is in what the process printed.
func (w *world) logged(text string) int { return strings.Count(w.read("output.log"), text) }

// so is how many calls came to a word until now.
func (c *callers) so(word string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[word]
}
