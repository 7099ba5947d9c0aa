package call

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
)

// callersAtOnce is how many callers come at once.
const callersAtOnce = 2_000

// inCrowd runs a test in a world for thousands.
func inCrowd(t *testing.T, f func(w *world)) {
	t.Helper()
	// Thousands of timers in a bubble crash the runtime under the race detector, unless one processor runs them all: go.dev/issue/78156.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	goroutinesKnown()
	inWorld(t, f)
}

// goroutinesKnown has the runtime make as many goroutines as a crowd has: what it needs for one it keeps for the next, so that it
// does not count as the crowd's.
var goroutinesKnown = sync.OnceFunc(func() {
	var all, here sync.WaitGroup
	here.Add(3*callersAtOnce + 500)
	for range 3*callersAtOnce + 500 {
		all.Go(func() {
			here.Done()
			here.Wait()
		})
	}
	all.Wait()
})

// trace is what is left of a crowd once it has gone.
type trace struct {
	heap       uint64
	goroutines int
}

// trace waits until nothing is under way any more: kept connections to the PSA are closed, and what was lost has lingered.
func (w *world) trace() trace {
	w.Helper()
	w.client.CloseIdleConnections()
	time.Sleep(2 * time.Minute)
	w.safeNow()
	w.log.Reset() // it is the test's, and grows
	return trace{inUse(), runtime.NumGoroutine()}
}

// asBefore demands that memory and goroutines are back where they were.
func (w *world) asBefore(before trace) {
	w.Helper()
	after := w.trace()
	grown := int64(after.heap) - int64(before.heap)
	w.Logf("%d KiB more in use, %d goroutines and %d before", grown>>10, after.goroutines, before.goroutines)
	if grown > 2<<20 { // a kilobyte for each of them
		w.Errorf("%d more bytes are in use", grown)
	}
	if after.goroutines > before.goroutines {
		w.Errorf("%d goroutines, %d before", after.goroutines, before.goroutines)
	}
}

// idle demands that all units are free, and that nobody waits.
func (w *world) idle() {
	w.Helper()
	synctest.Wait()
	if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget || l.Queue.Waiting != 0 || !l.Gate.Open {
		w.Errorf("units %+v, queue %+v, gate %+v", l.Units, l.Queue, l.Gate)
	}
}

// throng stands before the PSA and counts who is in it at once.
type throng struct{ now, most, all atomic.Int32 }

func (w *world) throng() *throng {
	c := new(throng)
	w.standIn(func(rw http.ResponseWriter, r *http.Request) {
		defer c.now.Add(-1)
		n := c.now.Add(1)
		c.all.Add(1)
		for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
		}
		w.z5.ServeHTTP(rw, r)
	})
	time.Sleep(time.Minute) // kept connections to the real zone are closed by now
	return c
}

// ring makes a call over a connection of its own, without a goroutine beside the caller's: the race detector bears 8,128.
func (w *world) ring(integration string) (net.Conn, error) {
	c, err := w.net.DialContext(context.Background(), "tcp", "gateway.test:80")
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\n\r\n", w.keys[integration].Reveal())
	return c, err
}

// hear reads the answer to a call.
func hear(c net.Conn) (answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

// rush lets the crowd call all at once, and returns what it heard when everybody has heard something. Whoever is told to
// come again is told when.
func (w *world) rush() *tally {
	w.Helper()
	said := newTally()
	parallel(callersAtOnce, func(i int) {
		c, err := w.ring([]string{"a", "b"}[i%2])
		if err != nil {
			said.add(answer{}, err)
			return
		}
		defer c.Close()
		a, err := hear(c)
		if a.status == 503 && a.header.Get("Retry-After") == "" {
			w.Errorf("%d %s without Retry-After", a.status, a.reason())
		}
		said.add(a, err)
	})
	return said
}

func TestTwoThousandCallersAtOnceAreEachServedOrToldToWait(t *testing.T) {
	for _, c := range []struct {
		name    string
		warm    bool // the login has served before
		queue   int
		trouble func(w *world) (over func())
		answers []string
		served  int // how many, at least
		failed  int // sign-ins, at most
	}{
		{name: "a PSA that is well", warm: true, answers: []string{"200", "503 queue-full", "503 queue-deadline"}, served: 256},
		{name: "a login that was never asked for", answers: []string{"200", "503 queue-full", "503 queue-deadline"}, served: 256},
		{name: "a queue for half of them", warm: true, queue: callersAtOnce / 2, answers: []string{"200", "503 queue-full", "503 queue-deadline"}, served: 256},
		{
			name: "a credential that died while it served", warm: true, trouble: (*world).wrongPassword, failed: 3,
			answers: []string{"503 credential-refused", "503 queue-full", "503 queue-deadline"},
		},
		{
			name: "a credential that was never good", trouble: (*world).wrongPassword, failed: 1,
			answers: []string{"503 credential-refused", "503 queue-full", "503 queue-deadline"},
		},
		{
			name: "a PSA that hangs", warm: true, trouble: (*world).hangingPSA,
			answers: []string{"504 upstream-timeout", "503 queue-full", "503 queue-deadline", "503 gate-shut"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inCrowd(t, func(w *world) {
				w.T = t
				w.cfg.Logins[0].Settings.QueueLength = max(c.queue, w.cfg.Logins[0].Settings.QueueLength)
				w.load()
				w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 200 * time.Millisecond })
				inside := w.throng()
				if c.warm {
					w.served("a")
					w.served("b")
				}
				before := w.trace()
				over := func() {}
				if c.trouble != nil {
					over = c.trouble(w)
				}
				said := w.rush()
				t.Logf("%v; the PSA saw %d of them, %d at once", said.n, inside.all.Load(), inside.most.Load())
				if n := said.all(t, c.answers...); n != callersAtOnce || said.n["200"] < c.served {
					t.Errorf("%d heard something, %d were served", n, said.n["200"])
				}
				if most := int(inside.most.Load()); most > w.cfg.Logins[0].Settings.InFlight {
					t.Errorf("%d calls were in the PSA at once", most)
				}
				if n := w.failed(); n > c.failed {
					t.Errorf("%d failed sign-ins", n)
				}
				over()
				w.idle()
				w.asBefore(before)
			})
		})
	}
}

// wrongPassword makes the store's password a wrong one, until it is told the right one.
func (w *world) wrongPassword() (over func()) {
	w.user.SetSecret("new-password")
	return func() {
		w.safe.put("main", user, "new-password")
		time.Sleep(time.Minute)
		w.served("a")
	}
}

// hangingPSA makes the PSA take calls and say nothing.
func (w *world) hangingPSA() (over func()) {
	order := w.sim.Fault(psatest.Fault{Only: psatest.SignInCall, At: psatest.Received, Gone: true, Then: psatest.HangUp})
	return func() {
		order.Release()
		time.Sleep(2 * time.Hour) // the gate's longest pause, and what was lost meanwhile
		w.served("a")
	}
}

func TestTwoThousandCallersWhoHangUpAtOnceFreeTheirPlacesAndNotTheirUnits(t *testing.T) {
	inCrowd(t, func(w *world) {
		w.cfg.Logins[0].Settings.QueueLength = 2 * callersAtOnce
		w.load()
		inside := w.throng()
		w.served("a")
		w.served("b")
		before, mark := w.trace(), w.sim.Mark()
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true})
		conns := make([]net.Conn, callersAtOnce)
		parallel(callersAtOnce, func(i int) {
			c, err := w.ring([]string{"a", "b"}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = c
		})
		synctest.Wait()
		const inFlight = 3
		if l := w.g.Status().Logins[0]; l.Units.Held != inFlight || l.Queue.Waiting != callersAtOnce-inFlight {
			t.Fatalf("units %+v, queue %+v", l.Units, l.Queue)
		}
		for _, c := range conns {
			_ = c.Close()
		}
		synctest.Wait()
		if l := w.g.Status().Logins[0]; l.Units.Held != inFlight || l.Queue.Waiting != 0 {
			t.Errorf("units %+v, queue %+v while the PSA has not judged", l.Units, l.Queue)
		}
		held.Release()
		synctest.Wait()
		if n := len(w.sim.Ledger().Since(mark)); n != inFlight || int(inside.most.Load()) != inFlight {
			t.Errorf("%d sign-ins, %d at once", n, inside.most.Load())
		}
		w.idle()
		w.served("a")
		if n := w.failed(); n != 0 {
			t.Errorf("%d failed sign-ins", n)
		}
		w.asBefore(before)
	})
}

// integrations share one login; a is the one that misbehaves.
const integrations = 200

// office is what the other integrations do, and what is promised to each: as a holds in_flight-1 units at most, one unit at least
// is left to them, and there each waits for one call of each other one at most, for the queue serves them in turn.
type office struct {
	takes   time.Duration // a call, in the PSA
	beat    time.Duration // between two calls of an integration
	beats   int
	apart   bool          // they call one after the other, not all at the same moment
	longest time.Duration // that one of them may wait
}

// busy calls every few seconds, everybody at the same moment.
var busy = office{takes: 20 * time.Millisecond, beat: 5 * time.Second, beats: 2, longest: integrations * 20 * time.Millisecond}

// calm calls all at the same moment, and leaves others time in between.
var calm = office{takes: 20 * time.Millisecond, beat: 15 * time.Second, beats: 3, longest: integrations * 20 * time.Millisecond}

// slow has a PSA that is as slow as the real one. On one unit it serves 2 calls a second, and they come slower: so a call finds
// one that is being served at most, and one that waits in the turn before it.
var slow = office{takes: 500 * time.Millisecond, beat: 120 * time.Second, beats: 1, apart: true, longest: 3 * 500 * time.Millisecond}

// misbehaving is what integration a does until the context ends; it must have ended then itself.
var misbehaving = []struct {
	name string
	does func(w *world, ctx context.Context)
	office
}{
	{"floods with 500 calls at once", (*world).floods, busy},
	{"floods with 500 calls at once, before a slow PSA", (*world).floods, slow},
	{"sends bodies that never end", (*world).sendsForever, busy},
	{"hangs up each time after sending", (*world).hangsUp, busy},
	{"times out and retries", (*world).retries, calm},
	{"reads nothing of its answers", (*world).readsNothing, busy},
	{"sends wrong keys half the time", (*world).guesses, busy},
	{"sends calls that are malformed", (*world).babbles, busy},
	{"makes calls that the PSA dislikes", (*world).isDisliked, busy},
	{"makes calls that take the PSA long", (*world).asksForAll, calm},
}

func TestOneIntegrationThatMisbehavesDoesNotHoldUpTheOther199(t *testing.T) {
	for _, c := range misbehaving {
		t.Run(c.name, func(t *testing.T) {
			inCrowd(t, func(w *world) {
				w.T = t
				w.sim.KeepLedger(100)
				w.employ(integrations)
				w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = c.takes })
				w.served("a")
				w.served("b")
				before := w.trace()
				ctx, stop := context.WithCancel(context.Background())
				var bad sync.WaitGroup
				bad.Go(func() { c.does(w, ctx) })
				time.Sleep(time.Second)
				said, longest := c.works(w)
				t.Logf("%v, the longest wait was %v", said.n, longest)
				if n := said.all(t, "200"); n != (integrations-1)*c.beats {
					t.Errorf("%d answers", n)
				}
				if longest > c.longest {
					t.Errorf("one waited for %v, more than %v", longest, c.longest)
				}
				stop()
				bad.Wait()
				time.Sleep(2 * time.Minute)
				if n := w.user.MaxFailedSinceSuccess(); n != 0 {
					t.Errorf("%d failed sign-ins", n)
				}
				w.idle()
				w.asBefore(before)
			})
		})
	}
}

// works lets all integrations but a call, and returns what they heard and how long one of them waited at most.
func (o office) works(w *world) (said *tally, longest time.Duration) {
	said = newTally()
	var mu sync.Mutex
	parallel(integrations-1, func(i int) {
		name := w.cfg.Integrations[i+1].Name
		if o.apart {
			time.Sleep(o.beat / integrations * time.Duration(i))
		}
		for range o.beats {
			start := time.Now()
			said.add(w.try(context.Background(), name, "GET", "/Tickets/1", ""))
			took := time.Since(start)
			mu.Lock()
			longest = max(longest, took)
			mu.Unlock()
			time.Sleep(o.beat - took)
		}
	})
	return said, longest
}

// employ makes it n integrations.
func (w *world) employ(n int) {
	w.Helper()
	for i := len(w.cfg.Integrations); i < n; i++ {
		key, err := identity.NewKey(rand.Reader)
		if err != nil {
			w.Fatal(err)
		}
		name := fmt.Sprintf("integration-%03d", i)
		w.keys[name] = key
		w.cfg.Integrations = append(w.cfg.Integrations, Integration{Integration: identity.Integration{Name: name, Login: "main", Keys: []identity.Hash{key.Hash()}}})
	}
	w.load()
}

// again does something at once, and then each second until the context ends, without waiting for what it did before.
func again(ctx context.Context, do func()) {
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		all.Go(do)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// floods calls 500 times at once, and then as often as keeps the queue full.
func (w *world) floods(ctx context.Context) {
	said := newTally()
	for n := 500; ctx.Err() == nil; n = 100 {
		parallel(n, func(int) {
			if a, err := w.try(ctx, "a", "GET", "/Tickets/1", ""); ctx.Err() == nil {
				said.add(a, err)
			}
		})
	}
	w.Logf("the flood got %v", said.n)
	said.all(w.T, "200", "503 queue-full", "503 queue-deadline")
}

// speak opens a connection and says something, until the context ends; it returns the connection.
func (w *world) speak(ctx context.Context, format string, args ...any) net.Conn {
	c, err := w.net.DialContext(ctx, "tcp", "gateway.test:80")
	if err != nil {
		return nil
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	_, _ = fmt.Fprintf(c, format, args...)
	return c
}

// postAs is the head of a call with a body.
const postAs = "POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nSecret: %s\r\n"

// sendsForever sends bodies a little each second, and now and then one as fast as it is taken.
func (w *world) sendsForever(ctx context.Context) {
	var n atomic.Int32
	again(ctx, func() {
		parallel(20, func(int) {
			pause := time.Second
			c := w.speak(ctx, postAs+"Transfer-Encoding: chunked\r\n\r\n", w.keys["a"].Reveal())
			if c == nil {
				return
			}
			defer c.Close()
			go func() { _, _ = io.Copy(io.Discard, c) }()
			chunk := "1\r\nx\r\n"
			if n.Add(1)%100 == 1 {
				pause, chunk = 0, fmt.Sprintf("%x\r\n%s\r\n", 1<<16, strings.Repeat(" ", 1<<16))
			}
			for {
				if _, err := io.WriteString(c, chunk); err != nil || ctx.Err() != nil {
					return
				}
				time.Sleep(pause)
			}
		})
	})
}

func (w *world) hangsUp(ctx context.Context) {
	again(ctx, func() {
		parallel(20, func(int) {
			if c := w.speak(ctx, postAs+"Content-Length: 2\r\n\r\n{}", w.keys["a"].Reveal()); c != nil {
				_ = c.Close()
			}
		})
	})
}

// retries makes calls for which the PSA takes longer than the caller waits.
func (w *world) retries(ctx context.Context) {
	order := w.sim.Fault(psatest.Fault{At: psatest.Judged, Path: "/Companies", Delay: 7 * time.Second})
	defer order.Release()
	parallel(20, func(int) {
		for ctx.Err() == nil {
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			_, _ = w.try(short, "a", "GET", "/Companies/1", "")
			cancel()
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func (w *world) readsNothing(ctx context.Context) {
	again(ctx, func() {
		parallel(20, func(int) {
			body := `{"filter":[{"op":"gte","field":"id","value":0}]}`
			if c := w.speak(ctx, postAs+"Content-Length: %d\r\n\r\n%s", w.keys["a"].Reveal(), len(body), body); c != nil {
				<-ctx.Done()
			}
		})
	})
}

func (w *world) guesses(ctx context.Context) {
	said := newTally()
	again(ctx, func() {
		parallel(20, func(i int) {
			req, _ := http.NewRequestWithContext(ctx, "GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
			req.Header.Set("Secret", w.keys["a"].Reveal())
			if i%2 == 0 {
				req.Header.Set("Secret", "psagate_wrong")
			}
			if a, err := w.do(req); ctx.Err() == nil {
				said.add(a, err)
			}
		})
	})
	w.Logf("it got %v", said.n)
	said.all(w.T, "200", "401", "429 too-many-failures", "503 queue-full")
}

// nonsense is what no program of good sense sends. Some of it reaches the PSA, which does not like it either.
var nonsense = []string{
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"GET / \r\n\r\n",
	"GET /ATServicesRest/V1.0/Tickets/%zz HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\n\r\n",
	"GET /ATServicesRest/V1.0/../../etc HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\n\r\n",
	"GET /ATServicesRest/V1.0/Tickets/query?search=%7b HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\n\r\n",
	"BREW /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\n\r\n",
	"GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: x\r\nImpersonationResourceId: x\r\nSecret: KEY\r\n\r\n",
	"GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\nSecret: psagate_another\r\n\r\n",
	"POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\nContent-Length: 1\r\n\r\n{",
	"POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{",
	"POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\nTransfer-Encoding: chunked\r\n\r\nxyz",
	"POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: x\r\nSecret: KEY\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n{",
}

func (w *world) babbles(ctx context.Context) {
	again(ctx, func() {
		parallel(2*len(nonsense), func(i int) {
			c := w.speak(ctx, "%s", strings.ReplaceAll(nonsense[i%len(nonsense)], "KEY", w.keys["a"].Reveal()))
			if c == nil {
				return
			}
			defer c.Close()
			if _, err := hear(c); err == nil {
				_, _ = io.Copy(io.Discard, io.LimitReader(c, 1))
			}
		})
	})
}

// isDisliked makes calls that the PSA answers with errors of every kind that says nothing of the sign-in.
func (w *world) isDisliked(ctx context.Context) {
	for _, status := range []int{400, 404, 409, 429, 500} {
		order := w.sim.Fault(psatest.Fault{Path: fmt.Sprintf("/Companies/%d", status), At: psatest.Judged, Then: psatest.Answer, Status: status, Body: errorsJSON("Title is required")})
		defer order.Release()
	}
	again(ctx, func() {
		parallel(20, func(i int) {
			_, _ = w.try(ctx, "a", "GET", fmt.Sprintf("/Companies/%d", []int{400, 404, 409, 429, 500}[i%5]), "")
		})
	})
}

// asksForAll makes calls for which the PSA needs a while each.
func (w *world) asksForAll(ctx context.Context) {
	order := w.sim.Fault(psatest.Fault{At: psatest.Judged, Path: "/Companies", Delay: 7 * time.Second})
	defer order.Release()
	parallel(20, func(int) {
		for ctx.Err() == nil {
			_, _ = w.try(ctx, "a", "GET", "/Companies/1", "")
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// strangers is how many wrong keys come.
const strangers = 100_000

// wrongKeys are what strangers present, in every form.
func (w *world) wrongKeys() (texts []string) {
	w.Helper()
	for range 8 {
		key, err := identity.NewKey(rand.Reader)
		if err != nil {
			w.Fatal(err)
		}
		texts = append(texts, key.Reveal(), key.Reveal()[:40], "guess-"+key.Reveal()[10:30])
	}
	return texts
}

// addressOf is the i-th of the addresses that strangers call from: of IPv4 and of IPv6 in turn, each of the latter in a /64
// of its own.
func addressOf(i int) string {
	if i%2 == 0 {
		return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)}).String()
	}
	return addressIn(uint32(i), 1)
}

// addressIn is the i-th address of a /64.
func addressIn(net uint32, i int) string {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], net)
	binary.BigEndian.PutUint64(a[8:], uint64(i))
	return netip.AddrFrom16(a).String()
}

// tries presents a wrong key from an address.
func (w *world) tries(address, key string) answer {
	req := w.request("nobody", "GET", "/ATServicesRest/V1.0/Tickets/1")
	req.Header.Set("Secret", key)
	return w.knock(address, req)
}

func TestAHundredThousandWrongKeysFromManyAddressesReachNobodyAndLeaveNothing(t *testing.T) {
	inCrowd(t, func(w *world) {
		w.served("a")
		guesses := w.wrongKeys()
		flood := func(n int) {
			w.Helper()
			bare := 0
			for i := range n {
				if w.bare(w.tries(addressOf(i), guesses[i%len(guesses)])) {
					bare++
				}
			}
			if bare != n {
				t.Errorf("%d of %d heard a bare 401", bare, n)
			}
		}
		before, mark := w.trace(), w.sim.Requests().Total
		flood(strangers)
		w.neverLogged(guesses)
		w.log.Reset()
		full := inUse()
		if grown := int64(full) - int64(before.heap); grown > 20<<20 {
			t.Errorf("%d more bytes are in use for the addresses", grown)
		}
		flood(strangers / 5) // from addresses that are known no more, as the first that came
		w.log.Reset()
		again := inUse()
		if grown := int64(again) - int64(full); grown > 1<<20 {
			t.Errorf("%d more bytes are in use after more of them", grown)
		}
		if n := w.sim.Requests().Total; n != mark {
			t.Errorf("%d requests reached the PSA", n-mark)
		}
		time.Sleep(time.Minute)
		w.tries(addressOf(0), guesses[0]) // what no longer counts is forgotten with the next failure
		left := int64(inUse()) - int64(before.heap)
		t.Logf("in use for the addresses: %d KiB, %d KiB after more of them, %d KiB a minute later", (full-before.heap)>>10, (again-before.heap)>>10, left>>10)
		if left > 6<<20 {
			t.Errorf("%d more bytes are in use a minute later", left)
		}
		w.idle()
		w.served("a")
	})
}

// inUse is how much memory is in use.
func inUse() uint64 {
	for range 3 { // what is kept in pools lives for two collections
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// neverLogged demands that nothing of these texts is in the log but their ends, which are no use to anybody.
func (w *world) neverLogged(texts []string) {
	w.Helper()
	synctest.Wait()
	log := w.log.String()
	for i, text := range texts {
		if body := strings.TrimPrefix(text, "psagate_"); strings.Contains(log, body[:12]) || strings.Contains(log, body[len(body)-12:]) {
			w.Errorf("the log has text %d", i)
		}
	}
}

func TestAnAddressThatFailsTooOftenIsToldToWaitAndAGoodKeyFromItIsNot(t *testing.T) {
	for name, address := range map[string]func(i int) string{
		"an IPv4 address":         func(int) string { return "203.0.113.9" },
		"the same as IPv6":        func(i int) string { return []string{"203.0.113.9", "::ffff:203.0.113.9"}[i%2] },
		"addresses of one /64":    func(i int) string { return addressIn(7, i) },
		"addresses that are none": func(i int) string { return []string{"", "unix", "@", "300.1.1.1"}[i%4] },
		"addresses with a zone":   func(i int) string { return fmt.Sprintf("fe80::%x%%eth%d", i+1, i) },
		"an address among many":   func(int) string { return "198.51.100.2" },
	} {
		inWorld(t, func(w *world) {
			guesses := w.wrongKeys()
			w.served("a")
			mark := w.sim.Requests().Total
			for i := range 1000 {
				a := w.tries(address(i), guesses[i%len(guesses)])
				if retry, _ := strconv.Atoi(a.header.Get("Retry-After")); i < 10 && !w.bare(a) || i >= 10 && (a.status != 429 || a.reason() != "too-many-failures" || retry < 1 || retry > 60) {
					t.Fatalf("%s, failure %d: %d %v", name, i+1, a.status, a.header)
				}
				if strings.Contains(name, "among") {
					w.tries(addressOf(i), guesses[0])
				}
			}
			start := time.Now()
			if a := w.knock(address(0), w.ticket("b")); a.status != 200 || time.Since(start) > 0 {
				t.Errorf("%s: a good key hears %d %s after %v", name, a.status, a.reason(), time.Since(start))
			}
			if n := w.sim.Requests().Total - mark; n != 1 {
				t.Errorf("%s: %d requests reached the PSA", name, n)
			}
			w.neverLogged(guesses)
			time.Sleep(time.Minute)
			if a := w.tries(address(0), guesses[0]); !w.bare(a) {
				t.Errorf("%s, a minute later: %d %v", name, a.status, a.header)
			}
			w.safeNow()
		})
	}
}
