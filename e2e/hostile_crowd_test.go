package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

// callersAtOnce is how many callers come at once, each over a connection of its own.
const callersAtOnce = 2_000

// newCrowd starts a psagate that writes down what is worth it, and no more: what it would print of each of thousands of calls
// is looked into elsewhere. It is built without the race detector, which multiplies memory.
func newCrowd(t *testing.T, login string) *world {
	t.Helper()
	if runtime.GOOS != "linux" {
		realparts.LeftOut(t, "the memory of another process, which is read from Linux' /proc")
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < 2*callersAtOnce {
		realparts.LeftOut(t, "%d connections at once; it needs a limit of as many open files and some (ulimit -n, %d now)", callersAtOnce, files.Cur)
	}
	w := newWorld(t)
	w.binary = binary(t, false)
	w.caddyfile.login, w.caddyfile.global = login, "servers {\n\t\ttrusted_proxies static private_ranges\n\t}"
	w.start()
	w.reloads(login)
	return w
}

// reloads loads the config with other settings of the login.
func (w *world) reloads(login string) {
	w.Helper()
	w.caddyfile.login = login
	if out, status := w.reload("\tdebug\n", "", "output file "+w.accessLog, "output discard"); status != 0 {
		w.Fatalf("%s: exit status %d: %s", login, status, out)
	}
	w.served("a")
	w.served("b")
}

// load is what a process has in use.
type load struct {
	heap, resident int64
	goroutines     int
}

func (l load) String() string {
	return fmt.Sprintf("%d goroutines, %d KiB of heap, %d MB resident", l.goroutines, l.heap>>10, l.resident>>20)
}

// atRest is what the process has in use with nothing to do, once its memory has been tidied up.
func (w *world) atRest() (l load) {
	w.Helper()
	http.DefaultClient.CloseIdleConnections()
	for range 3 { // what is kept in pools lives for two collections
		l.heap = w.profile("heap?debug=1&gc=1", `# HeapAlloc = (\d+)`)
	}
	l.goroutines = int(w.profile("goroutine?debug=1", `goroutine profile: total (\d+)`))
	l.resident = w.memory(w.T, "VmRSS")
	return l
}

// profile asks the admin endpoint for a number of one of the runtime's profiles.
func (w *world) profile(name, pattern string) int64 {
	w.Helper()
	admin := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.admin)
	}}}
	r, err := http.NewRequest("GET", "http://localhost/debug/pprof/"+name, nil)
	if err != nil {
		w.Fatal(err)
	}
	a := send(w.T, &admin, r)
	found := regexp.MustCompile(pattern).FindStringSubmatch(a.body)
	if found == nil {
		w.Fatalf("%s: %d, and no %s in %.200s", name, a.status, pattern, a.body)
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// leavesNothing demands that the login is idle, and that goroutines and memory are where they were, but for more bytes.
func (w *world) leavesNothing(what string, before load, more int64) {
	w.Helper()
	w.until("the login is idle", func() bool {
		l := w.loginStatus()
		return l.Units.Free == l.Units.Budget && l.Queue.Waiting == 0
	})
	var after load
	w.until("goroutines and memory are back", func() bool {
		after = w.atRest()
		return after.goroutines <= before.goroutines && after.resident <= before.resident+more+residentSlack
	})
	w.Logf("%s: %v; before: %v", what, after, before)
	if grown := after.heap - before.heap; grown > more+(2<<20) {
		w.Errorf("%s: %d more bytes are in use", what, grown)
	}
}

// residentSlack is what the runtime may keep of memory that is not in use, for a while.
const residentSlack = 24 << 20

// ring makes a call over a connection of its own.
func (w *world) ring(integration string) (net.Conn, error) {
	c, err := net.Dial("tcp", w.address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: %s\r\nSecret: %s\r\n\r\n", w.address, w.keys[integration].Reveal())
	return c, err
}

// nextAnswer reads an answer.
func nextAnswer(in *bufio.Reader) (answer, error) {
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// crowdHeard counts answers by status and reason.
type crowdHeard struct {
	mu sync.Mutex
	n  map[string]int
}

func (s *crowdHeard) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n[what]++
}

func (s *crowdHeard) sum() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.n {
		n += m
	}
	return n
}

// word is an answer as status and reason. Who may come again is told when.
func (a answer) word() string {
	word := strings.TrimSpace(fmt.Sprint(a.status, " ", a.reason()))
	if (a.status == 503 || a.status == 429) && a.header.Get("Retry-After") == "" {
		word += " without Retry-After"
	}
	return word
}

// rush lets the crowd call all at once, and does something meanwhile. Everybody must hear one of the words.
func (w *world) rush(what string, meanwhile func(heard *crowdHeard), words ...string) *crowdHeard {
	w.Helper()
	heard := crowdHeard{n: map[string]int{}}
	var all sync.WaitGroup
	for i := range callersAtOnce {
		all.Go(func() { heard.add(w.once([]string{"a", "b"}[i%2])) })
	}
	meanwhile(&heard)
	all.Wait()
	w.Logf("%s: %v", what, heard.n)
	for word, n := range heard.n {
		if !slices.Contains(words, word) {
			w.Errorf("%s: %d callers heard %q", what, n, word)
		}
	}
	return &heard
}

// once makes a call over a connection of its own, and returns what it heard, in words.
func (w *world) once(integration string) string {
	c, err := w.ring(integration)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	a, err := nextAnswer(bufio.NewReader(c))
	if err != nil {
		return err.Error()
	}
	return a.word()
}

const (
	queueFull     = "503 queue-full"
	queueDeadline = "503 queue-deadline"
)

func TestTwoThousandCallersAtOnceAreServedOrToldToWaitAndLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, "queue 256 5s")
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Threads, b.Latency = inFlight, 5*time.Millisecond }) // one call more at once, and the PSA tells
	idly := func(*crowdHeard) {}
	w.rush("the first of them", idly, "200", queueFull, queueDeadline)
	w.leavesNothing("the first of them", load{goroutines: callersAtOnce}, 1<<40)
	before, mark := w.atRest(), w.sim.Mark()

	n := w.rush("a PSA that is well", idly, "200", queueFull, queueDeadline).n["200"]
	if signIns := len(w.sim.Ledger().Since(mark)); n < inFlight || signIns != n {
		t.Errorf("%d were served by %d sign-ins", n, signIns)
	}
	w.leavesNothing("a PSA that is well", before, 0)

	w.reloads("queue 4096 1m")
	w.hangUpAtOnce()
	w.leavesNothing("callers who hang up at once", before, 0)

	w.reloads("queue 256 1s")
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Hold: true})
	n = w.rush("a PSA that hangs", func(heard *crowdHeard) {
		w.until("all have heard but those whose call the PSA has", func() bool { return heard.sum() == callersAtOnce-inFlight })
		held.Release()
	}, "200", queueFull, queueDeadline).n["200"]
	if n != inFlight {
		t.Errorf("%d were served by a PSA that hung", n)
	}
	w.leavesNothing("a PSA that hangs", before, 0)

	w.reloads("queue 256 5s")
	w.user.SetSecret(newPassword)
	w.rush("a credential that is dead", idly, "503 credential-refused", queueFull, queueDeadline)
	w.save(newPassword)
	w.until("the new password serves", func() bool { return w.call("a", "GET", "/Tickets/1", "").ticket() })
	w.leavesNothing("a credential that is dead", before, 0)
	w.unharmed(inFlight)
	if n := w.sim.Requests().Limited; n > 0 {
		t.Errorf("the PSA had more than %d calls at once, %d times", inFlight, n)
	}
}

// hangUpAtOnce lets the crowd call a PSA that holds its calls, and hang up when all have come.
func (w *world) hangUpAtOnce() {
	w.Helper()
	mark := w.sim.Mark()
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Hold: true})
	conns := make([]net.Conn, callersAtOnce)
	parallel(callersAtOnce, func(i int) {
		c, err := w.ring([]string{"a", "b"}[i%2])
		if err != nil {
			w.Error(err)
		}
		conns[i] = c
	})
	w.until("all have come", func() bool {
		l := w.loginStatus()
		return l.Units.Held == inFlight && l.Queue.Waiting == callersAtOnce-inFlight
	})
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
	w.until("those who waited are gone", func() bool { return w.loginStatus().Queue.Waiting == 0 })
	if held := w.loginStatus().Units.Held; held != inFlight {
		w.Errorf("%d units are held while the PSA has not judged", held)
	}
	held.Release()
	w.until("the PSA has judged", func() bool { return w.loginStatus().Units.Held == 0 })
	if n := len(w.sim.Ledger().Since(mark)); n != inFlight {
		w.Errorf("%d sign-ins for those who hung up", n)
	}
}

// strangers is how many wrong keys come.
const strangers = 100_000

// stranger is the address from which the i-th wrong key comes: one in ten from one and the same, the others from addresses of
// their own, of IPv4 and of IPv6.
func stranger(i int) (address string, same bool) {
	switch {
	case i%10 == 0:
		return "198.51.100.1", true
	case i%2 == 0:
		return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)}).String(), false
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i), 0, 15: 1}).String(), false
}

func TestAHundredThousandWrongKeysHoldNobodyUpAndLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, "queue 256 5s")
	wrong := make([]string, 20)
	for i := range wrong {
		wrong[i] = newKey(t).Reveal()
		w.hide("a wrong key", wrong[i])
	}
	w.strangersTry(0, strangers/10, wrong)
	before, mark := w.atRest(), w.sim.Mark()

	var done atomic.Bool
	served := make(chan int)
	go func() {
		n := 0
		for ; !done.Load(); n++ {
			w.servedNow("a")
		}
		served <- n
	}()
	start := time.Now()
	heard := w.strangersTry(strangers/10, strangers, wrong)
	done.Store(true)
	n := <-served
	t.Logf("%v in %v; %d calls of a were served meanwhile", heard, time.Since(start).Round(time.Millisecond), n)
	if signIns := len(w.sim.Ledger().Since(mark)); n == 0 || signIns != n {
		t.Errorf("%d calls were served by %d sign-ins", n, signIns)
	}
	r := w.request("b", "GET", "/Tickets/1", nil)
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	if a := send(t, http.DefaultClient, r); !a.ticket() {
		t.Errorf("a good key from an address with many wrong ones: %d %s", a.status, a.reason())
	}
	w.leavesNothing("a hundred thousand wrong keys", before, limiterMost)
	before = w.atRest()
	w.strangersTry(0, strangers/10, wrong)
	w.leavesNothing("ten thousand more", before, 0)
	w.unharmed(0)
}

// limiterMost is what the addresses take that are remembered, for a minute.
const limiterMost = 16 << 20

// servedNow is served, for other goroutines than the test's.
func (w *world) servedNow(integration string) {
	if word := w.once(integration); word != "200" {
		w.Errorf("%s heard %s", integration, word)
	}
}

// strangersTry presents wrong keys, over few connections and many at once on each. It returns what was heard by whom.
func (w *world) strangersTry(from, to int, wrong []string) (heard map[string]int) {
	w.Helper()
	const lines, batch = 8, 125
	var all crowdHeard
	all.n = map[string]int{}
	parallel(lines, func(line int) {
		c, err := net.Dial("tcp", w.address)
		if err != nil {
			w.Error(err)
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for first := from + line*batch; first < to; first += lines * batch {
			if err := w.tryMany(c, in, first, min(first+batch, to), wrong, &all); err != nil {
				w.Error(err)
				return
			}
		}
	})
	for word := range all.n {
		if !slices.Contains([]string{"401", "401 many times", "429 too-many-failures"}, word) {
			w.Errorf("%d heard %q", all.n[word], word)
		}
	}
	if others := (to - from) - (to-from)/10; all.n["401"] != others || all.sum() != to-from {
		w.Errorf("of %d strangers who came once, %d heard a bare 401; %v", others, all.n["401"], all.n)
	}
	return all.n
}

// tryMany presents wrong keys one behind the other and hears the answers.
func (w *world) tryMany(c net.Conn, in *bufio.Reader, from, to int, wrong []string, all *crowdHeard) error {
	var out strings.Builder
	for i := from; i < to; i++ {
		address, _ := stranger(i)
		fmt.Fprintf(&out, "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nSecret: %s\r\n\r\n", w.address, address, wrong[i%len(wrong)])
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, out.String())
		sent <- err
	}()
	for i := from; i < to; i++ {
		a, err := nextAnswer(in)
		if err != nil {
			return err
		}
		word := a.word()
		switch _, same := stranger(i); {
		case a.status == 401 && (a.body != "" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ")):
			word = "401 that is not bare"
		case a.status == 401 && same:
			word = "401 many times"
		}
		all.add(word)
	}
	return <-sent
}
