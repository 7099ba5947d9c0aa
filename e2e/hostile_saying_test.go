package e2e

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wire is a world whose callers say what they like, byte by byte, and whose PSA keeps every byte that it reads. Its
// access log tells as whom each call was taken.
type wire struct {
	*world
	tape      *tape
	passwords []string // that the login has or had
	callers   int      // how many came from addresses of their own
	resting   int      // the process' goroutines while nobody calls

	// Of newFronts: where it speaks TLS, and by which authority.
	secure string
	roots  *x509.CertPool
}

// newWire starts a psagate whose login serves. servers are further lines of Caddy's servers block. Its tests run one after
// the other: they make so many connections that one might take the port which another test's process is about to listen on.
func newWire(t *testing.T, servers ...string) *wire {
	t.Helper()
	x := newWireWorld(t, servers...)
	x.begin()
	return x
}

// newWireWorld is newWire before the start.
func newWireWorld(t *testing.T, servers ...string) *wire {
	t.Helper()
	x := &wire{world: newWorld(t), tape: &tape{}, passwords: []string{oldPassword}}
	x.moves("Taped")
	x.global = "servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t\t" + strings.Join(servers, "\n\t\t") + "\n\t}"
	x.site = "log_append who {psa.integration}"
	return x
}

// moves moves the tenant to a new zone, which is on the tape too.
func (x *wire) moves(zone string) {
	x.Helper()
	l, err := x.tape.listen()
	if err != nil {
		x.Fatal(err)
	}
	x.tenant.Migrate(x.sim.AddZoneOn(zone, l))
}

// begin starts the process, and looks at it while it rests.
func (x *wire) begin() {
	x.Helper()
	x.start()
	x.served("a")
	http.DefaultClient.CloseIdleConnections()
	x.resting = x.goroutines()
}

// goroutines is how many the process has, its admin endpoint's own among them.
func (x *wire) goroutines() (n int) {
	x.Helper()
	head, _, _ := strings.Cut(x.askPage("/debug/pprof/goroutine?debug=1").body, "\n")
	if _, err := fmt.Sscanf(head, "goroutine profile: total %d", &n); err != nil {
		x.Fatalf("%v: %q", err, head)
	}
	return n
}

// wellAgain demands that whatever was said cost the login nothing, that the process has given back what it took for it,
// and that it serves.
func (x *wire) wellAgain() {
	x.Helper()
	x.unharmed(0)
	x.until("all units are free", func() bool { l := x.loginStatus(); return l.Units.Free == l.Units.Budget && l.Queue.Waiting == 0 })
	if failed := x.sim.Ledger().Failed(); len(failed) > 0 {
		x.Errorf("failed sign-ins: %v", failed)
	}
	x.served("a")
	http.DefaultClient.CloseIdleConnections()
	const few = 10 // kept connections to the PSA have two each
	x.until("the goroutines have ended", func() bool { return x.goroutines() <= x.resting+few })
}

// fill puts the world's own values into what a caller says: {host}, the keys {a}, {b} and {unknown}, which is nobody's,
// and {from}, a header by which the call comes from an address that no call came from before.
func (x *wire) fill(text string) string {
	x.Helper()
	for strings.Contains(text, "{from}") {
		x.callers++
		text = strings.Replace(text, "{from}", fmt.Sprintf("X-Forwarded-For: 10.1.%d.%d\r\n", x.callers/250, x.callers%250+1), 1)
	}
	unknown := ""
	if strings.Contains(text, "{unknown}") {
		unknown = newKey(x.T).Reveal()
	}
	return strings.NewReplacer("{host}", x.address, "{a}", x.keys["a"].Reveal(), "{b}", x.keys["b"].Reveal(), "{unknown}", unknown).Replace(text)
}

// saying is what somebody says on one connection, what is heard back, and what the PSA is sent of it.
type saying struct {
	name string
	text string // see fill
	// hears are the answers in order, and whether the connection is kept: "200 as a, 401, closed". An answer is its status
	// and its reason or as whom the call was taken; one that Caddy's server gives before psagate sees the call is "bare".
	hears string
	// sent is what the PSA is sent, one request a line; "-" for a ticket that is read, as often as hears has a 200 of a caller.
	sent string
	// ends says that the caller ends its side of the connection once it has said all.
	ends bool
}

// lastWord is a call of nobody's that is answered wherever a connection is still in step, and ends it.
const lastWord = "GET /ATServicesRest/VersionInformation?last-word HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"

// hearsEach has each said on a connection of its own, and compares what comes of it.
func (x *wire) hearsEach(all []saying) {
	x.Helper()
	for _, s := range all {
		tape, judged := x.tape.mark(), x.sim.Mark()
		if got := x.converse(s); got != s.hears {
			x.Errorf("%s: heard %q, want %q", s.name, got, s.hears)
		}
		want := s.sent
		if want == "-" {
			want = strings.TrimSuffix(strings.Repeat("GET "+aTicket+"\n", strings.Count(s.hears, "200 as ")), "\n")
		}
		sent := x.sent(tape)
		if got := strings.Join(sent, "\n"); got != want {
			x.Errorf("%s: the PSA was sent %q, want %q", s.name, x.masked(got), x.masked(want))
		}
		if l := x.sim.Ledger().Since(judged); len(l) != len(sent) {
			x.Errorf("%s: %d sign-ins by %d requests", s.name, len(l), len(sent))
		}
	}
}

// converse says it on a connection of its own and returns what is heard back, as a saying has it.
func (x *wire) converse(s saying) string {
	x.Helper()
	before := len(x.read("access.log"))
	conn, err := net.Dial("tcp", x.address)
	if err != nil {
		x.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	said, text := make(chan struct{}), x.fill(s.text)
	go func() {
		defer close(said)
		_, _ = io.WriteString(conn, text) // who is cut off has heard why
		if s.ends {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	heard, kept, err := x.listen(conn, s, said)
	if err != nil {
		x.Errorf("%s: %v", s.name, err)
	}
	x.name(conn.LocalAddr(), before, heard, kept)
	var words []string
	for _, h := range heard {
		words = append(words, h.String())
	}
	return strings.Join(append(words, map[bool]string{true: "open", false: "closed"}[kept]), ", ")
}

// heardAnswer is one answer that was heard.
type heardAnswer struct {
	status int
	reason string
	logged bool // Caddy's handlers have seen the call
	who    string
}

// String is the answer as a saying has it.
func (h heardAnswer) String() string {
	s := strconv.Itoa(h.status)
	switch {
	case h.reason != "":
		s += " " + h.reason
	case h.who != "" && h.status != http.StatusUnauthorized:
		s += " as " + h.who
	case !h.logged:
		s += " bare"
	}
	return s
}

// listen hears the answers that a saying expects, then says the last word, and hears on until the connection ends. It was
// kept if the last word is answered.
func (x *wire) listen(conn net.Conn, s saying, said <-chan struct{}) (heard []heardAnswer, kept bool, err error) {
	x.Helper()
	in, asked := bufio.NewReader(conn), strings.HasPrefix(s.text, "HEAD ")
	for expected := strings.Count(s.hears, ","); ; {
		if len(heard) == expected && !s.ends {
			<-said
			_, _ = io.WriteString(conn, x.fill(lastWord))
		}
		a, err := hear(in, asked && len(heard) == 0)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return heard, false, fmt.Errorf("nothing more is heard after %d answers: %w", len(heard), err)
		case err != nil:
			return heard, false, nil
		case len(heard) >= expected && a.status == http.StatusOK && strings.Contains(a.body, "apiVersions"):
			return heard, true, nil
		}
		x.heard.add(a.place("what comes back of "+s.name, x.keys["a"].Reveal()))
		heard = append(heard, x.judged(a))
	}
}

// hear reads an answer. One without a length ends where its connection does, and where the other side has not read
// everything that is by a reset.
func hear(in *bufio.Reader, toHEAD bool) (answer, error) {
	method := map[bool]string{true: "HEAD", false: "GET"}[toHEAD]
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	if resp.ContentLength < 0 && resp.TransferEncoding == nil && errors.Is(err, syscall.ECONNRESET) {
		err = nil
	}
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// judged says what an answer is. A 401 must be the PSA's bare one.
func (x *wire) judged(a answer) heardAnswer {
	x.Helper()
	if a.status == http.StatusUnauthorized && (a.body != "" || a.reason() != "" || !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Basic Realm=")) {
		x.Errorf("a 401 that is not the PSA's bare one: %v %s", a.header, a.body)
	}
	return heardAnswer{status: a.status, reason: a.reason(), logged: a.header.Get("Server") == "Caddy"}
}

// name finds out as whom the calls of a connection were taken, from what was added to the access log, which has them in
// order.
func (x *wire) name(caller net.Addr, before int, heard []heardAnswer, kept bool) {
	x.Helper()
	_, port, _ := net.SplitHostPort(caller.String())
	want := 0
	for _, h := range heard {
		if h.logged {
			want++
		}
	}
	if kept {
		want++
	}
	var lines []loggedCall
	x.until("the calls are logged", func() bool {
		lines = slices.DeleteFunc(x.accessLines(before), func(l loggedCall) bool { return l.Request.Port != port })
		return len(lines) >= want
	})
	for i := range heard {
		if heard[i].logged {
			heard[i].who, lines = lines[0].Who, lines[1:]
		}
	}
}

// loggedCall is what the access log has of a call.
type loggedCall struct {
	Request struct {
		Port string `json:"remote_port"`
	} `json:"request"`
	Who string `json:"who"` // empty: nobody
}

// accessLines are the lines of the access log, but for its first bytes.
func (x *wire) accessLines(from int) (all []loggedCall) {
	for line := range strings.Lines(x.read("access.log")[from:]) {
		var l loggedCall
		if json.Unmarshal([]byte(line), &l) == nil { // the last line may be half written
			all = append(all, l)
		}
	}
	return all
}
