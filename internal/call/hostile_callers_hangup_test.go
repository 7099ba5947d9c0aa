package call

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
)

// createHead is the head of a create up to what says how long its body is.
const createHead = "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nSecret: {key}\r\n"

var (
	wholeCreate = createHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(newTicket), newTicket)
	// attachment is a body that is kept in a file.
	attachment  = `{"id":0,"attachmentType":"FILE_ATTACHMENT","title":"t","fullPath":"t.txt","publish":1,"data":"` + strings.Repeat("QUJD", 3<<17) + `"}`
	attachHead  = strings.Replace(createHead, "/Tickets ", "/Tickets/1/Attachments ", 1) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(attachment))
	wholeAttach = attachHead + attachment
)

// departure is a caller who hangs up in the middle of a create, and what that leaves.
type departure struct {
	name string
	cold bool                       // the login has not served before
	set  func(w *world) (on func()) // what stands in the call's way, and what takes that away once he has left
	send string                     // what the caller sends; empty: a whole create
	read int                        // how much he reads of the answer: bytes, or all of it where that is below 0

	waiting, file int    // before he leaves: callers in the queue, bodies in files
	working       int    // likewise: units held
	held, fileYet int    // once he has left: units held, bodies in files
	arrived       int    // calls of his that the PSA got
	stored        int    // records that it made of them
	verdicts      string // of his call, and of what the guard found out by itself because of it
	failed        int    // sign-ins that the PSA refused
	outcome       string // of his call, as the observer hears it; empty: it never became one
}

// meets has the caller come and leave, takes away what stood in his way, and looks at what is left.
func (d departure) meets(t *testing.T) {
	inOwnWorld(t, func(w *world, n *notes) {
		if !d.cold {
			w.served("a")
		}
		on := func() {}
		if d.set != nil {
			on = d.set(w)
		}
		synctest.Wait()
		his := w.sim.Fault(psatest.Fault{At: psatest.Received, Method: "POST"})
		before, mark, records := n.verdicts(), w.sim.Mark(), w.records()

		c := w.dial()
		go fmt.Fprint(c, strings.Replace(orElse(d.send, wholeCreate), "{key}", w.keys["a"].Reveal(), 1))
		w.listens(c, d.read)
		w.stands(d.waiting, d.working, d.file)
		c.Close()
		synctest.Wait()
		w.stands(0, d.held, d.fileYet)

		on()
		time.Sleep(2 * time.Minute) // the store is read again meanwhile, and a unit that was lost has lingered
		if his.Hits() != d.arrived || w.records()-records != d.stored {
			t.Errorf("the PSA got %d calls of his and made %d records, want %d and %d", his.Hits(), w.records()-records, d.arrived, d.stored)
		}
		if got := n.verdicts().since(before); got != d.verdicts {
			t.Errorf("verdicts %q, want %q", got, d.verdicts)
		}
		if l := w.sim.Ledger().Since(mark).Failed(); len(l) != d.failed {
			t.Errorf("%d sign-ins failed, want %d: %v", len(l), d.failed, l)
		}
		if got := n.creates(); got != d.outcome {
			t.Errorf("outcome %q, want %q", got, d.outcome)
		}
		w.served("a")
		w.served("b")
		w.atRest()
		w.safeNow()
	})
}

// records returns how many records the PSA has that a caller here may have made.
func (w *world) records() int {
	return len(w.tenant.Records("Tickets")) + len(w.tenant.Records("TicketAttachments"))
}

// listens waits until nothing moves, and reads so many bytes of an answer, or all of it.
func (w *world) listens(c io.Reader, bytes int) {
	w.Helper()
	synctest.Wait()
	var err error
	if bytes >= 0 {
		_, err = io.ReadFull(c, make([]byte, bytes))
	} else {
		var resp *http.Response
		if resp, err = http.ReadResponse(bufio.NewReader(c), nil); err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
	}
	if err != nil {
		w.Fatal(err)
	}
	synctest.Wait()
}

// stands demands how many wait, how many units are held, and how many bodies are in files.
func (w *world) stands(waiting, held, files int) {
	w.Helper()
	if l, n := w.g.Status().Logins[0], w.kept(); l.Queue.Waiting != waiting || l.Units.Held != held || n != files {
		w.Errorf("%d wait, %d units are held, %d bodies are in files; want %d, %d, %d", l.Queue.Waiting, l.Units.Held, n, waiting, held, files)
	}
}

// creates returns the outcomes of all creates.
func (n *notes) creates() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, c := range n.answered {
		if c.Action == "create" {
			all = append(all, c.Outcome)
		}
	}
	return strings.Join(all, " ")
}

// holdsAt has the PSA hold creates at a point.
func holdsAt(p psatest.Point) func(*world) func() {
	return func(w *world) func() {
		return w.sim.Fault(psatest.Fault{At: p, Hold: true, Method: "POST"}).Release
	}
}

// engaged has two calls of the same integration in flight, which is all that one may have.
func engaged(w *world) func() {
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Contacts"})
	go parallel(2, func(int) { w.call("a", "GET", "/Contacts/1", "") })
	if err := held.WaitHeld(context.Background(), 2); err != nil {
		w.Fatal(err)
	}
	return held.Release
}

// outdated has the PSA know a newer password than the store.
func outdated(w *world) func() {
	w.user.SetSecret("new-password")
	return func() { w.safe.put("main", user, "new-password") }
}

// outdatedMeanwhile has the PSA look at a create only when the store knows the newer password and it has been accepted.
func outdatedMeanwhile(w *world) func() {
	renew, release := outdated(w), holdsAt(psatest.Received)(w)
	return func() {
		renew()
		time.Sleep(time.Minute)
		release()
	}
}

// closed is a source that reads nothing until it is opened.
type closed struct {
	*safe
	open chan struct{}
}

func (s closed) Read(ctx context.Context, path string) (secret.Record, error) {
	select {
	case <-s.open:
		return s.safe.Read(ctx, path)
	case <-ctx.Done():
		return secret.Record{}, ctx.Err()
	}
}

// notRead has the login's record not been read yet.
func notRead(w *world) func() {
	source := closed{w.safe, make(chan struct{})}
	store := secret.NewStore("file", source, secret.Options{Logger: w.cfg.Log})
	store.Start(context.Background())
	w.after = append(w.after, store.Stop)
	w.cfg.Stores["file"] = Store{store, "file"}
	w.load()
	return func() { close(source.open) }
}

// noZone has lookups of the zone wait.
func noZone(w *world) func() {
	return w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Only: psatest.OpenCall}).Release
}

// ownHeld has the guard's own sign-ins wait.
func ownHeld(w *world) func() {
	return w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/ThresholdInformation"}).Release
}

// inPieces has the zone carry creates out, and answer each with a first piece, and with the rest when that is let go.
func inPieces(first, rest string) func(*world) func() {
	return func(w *world) func() {
		gate := make(chan struct{})
		w.beforeCreates(func(rw http.ResponseWriter, r *http.Request) {
			w.z5.ServeHTTP(httptest.NewRecorder(), r)
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				w.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, first)
			<-gate
			_, _ = io.WriteString(conn, rest)
		})
		return func() { close(gate) }
	}
}

// inHalves is inPieces with an answer that is cut in the middle of its body.
func inHalves(status int, body string) func(*world) func() {
	half := len(body) / 2
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", status, http.StatusText(status), len(body))
	return inPieces(head+body[:half], body[half:])
}

// readsLate has the zone read nothing of a create's body until it is let go.
func readsLate(w *world) func() {
	gate := make(chan struct{})
	w.beforeCreates(func(rw http.ResponseWriter, r *http.Request) {
		<-gate
		w.z5.ServeHTTP(rw, r)
	})
	return func() { close(gate) }
}

// beforeCreates puts a handler before the zone for creates alone.
func (w *world) beforeCreates(h http.HandlerFunc) {
	w.standIn(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			h(rw, r)
			return
		}
		w.z5.ServeHTTP(rw, r)
	})
	time.Sleep(time.Minute) // kept connections to the zone itself are closed by now
}

var departures = []departure{
	{name: "within the method", send: "PO"},
	{name: "within the request line", send: "POST /ATServ"},
	{name: "within the headers", send: createHead},
	{name: "before the body", send: createHead + "Content-Length: 100\r\n\r\n", outcome: "gone"},
	{name: "within a body", send: createHead + `Content-Length: 100` + "\r\n\r\n" + `{"title":`, outcome: "gone"},
	{name: "within a chunk", send: createHead + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + `{"title":`, outcome: "gone"},
	{name: "within a chunk's size", send: createHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1", outcome: "gone"},
	{name: "before the last chunk", send: createHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", outcome: "gone"},
	{name: "within the trailers", send: createHead + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX: ", outcome: "gone"},
	{name: "within a body that goes to a file", send: attachHead + attachment[:5<<18], file: 1, outcome: "gone"},
	{name: "within a body that is too large", send: createHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", 3*DefaultMaxBody, attachment), outcome: "too-large"},

	{name: "before the record was read", cold: true, set: notRead, outcome: "gone"},
	{name: "before the record was read, his body in a file", cold: true, set: notRead, send: wholeAttach, file: 1, outcome: "gone"},
	{name: "before the zone was found", cold: true, set: noZone, waiting: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "while the guard signs in by itself", cold: true, set: ownHeld, waiting: 1, working: 1, held: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "in the queue", set: engaged, waiting: 1, working: 2, held: 2, verdicts: "main accepted:2 ", outcome: "gone"},
	{name: "in the queue, his body in a file", set: engaged, send: wholeAttach, waiting: 1, file: 1, working: 2, held: 2, verdicts: "main accepted:2 ", outcome: "gone"},
	{name: "refused, and waiting for a newer password", set: outdated, waiting: 1, arrived: 1, verdicts: "main accepted:1 main refused:2 ", failed: 2, outcome: "gone"},
	{name: "before he was refused, when a newer password is known by then", set: outdatedMeanwhile, working: 1, held: 1, arrived: 1, verdicts: "main accepted:1 main refused:1 ", failed: 1, outcome: "gone"},
	{name: "refused, and waiting for a newer password, his body in a file", set: outdated, send: wholeAttach, waiting: 1, file: 1, arrived: 1, verdicts: "main accepted:1 main refused:2 ", failed: 2, outcome: "gone"},

	{name: "while the PSA has not read his body", set: readsLate, send: wholeAttach, file: 1, fileYet: 1, working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "before the PSA has judged", set: holdsAt(psatest.Received), working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "once the PSA has judged", set: holdsAt(psatest.Judged), working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "once the PSA has stored", set: holdsAt(psatest.Applied), working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{
		name: "within the answer's head", set: inPieces("HTTP/1.1 200 OK\r\nContent-Ty", "pe: application/json\r\nContent-Length: 13\r\n\r\n{\"itemId\":17}"),
		working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone",
	},
	{
		name: "within an error that has not said yet what it is", set: inHalves(500, errorsJSON("Reference value on field X")),
		working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main neutral:1 ", outcome: "gone",
	},
	{
		name: "within an error that is about to say that the sign-in was refused", set: inHalves(500, errorsJSON("IntegrationCode is invalid")),
		working: 1, held: 1, arrived: 1, stored: 1, verdicts: "main refused:1 ", outcome: "gone",
	},
	{name: "in the middle of the answer", set: inHalves(200, `{"itemId":17}`), read: 20, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "gone"},
	{name: "when he has read some of the answer", read: 10, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "ok"},
	{name: "when he has read the answer", read: -1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "ok"},
	{name: "when he has read the answer, within another request", send: wholeCreate + "POST /ATServ", read: -1, arrived: 1, stored: 1, verdicts: "main accepted:1 ", outcome: "ok"},
}

// A call whose body has not come whole is none. One that was sent is the PSA's to judge, whoever is left to hear.
func TestACallerWhoHangsUpLeavesNothingBehind(t *testing.T) {
	for _, d := range departures {
		t.Run(d.name, d.meets)
	}
}

// The PSA may take longer with its refusal than a caller may wait. There is no time left then for a second try, and nothing is
// wrong with the store.
func TestARefusalThatComesAfterTheCallersTimeIsToldAsOne(t *testing.T) {
	for range 20 {
		inOwnWorld(t, func(w *world, n *notes) {
			w.served("a")
			outdated(w)
			w.sim.Fault(psatest.Fault{At: psatest.Received, Delay: 40 * time.Second, Path: "/Companies"})
			if a := w.call("a", "GET", "/Companies/1", ""); a.status != 503 || a.reason() != "credential-refused" {
				t.Errorf("%d %s %s", a.status, a.reason(), a.body)
			}
			synctest.Wait()
			n.mu.Lock()
			defer n.mu.Unlock()
			for _, h := range n.happened {
				if h.Event == SecretUnavailable {
					t.Errorf("the operator is told that the store gives no credential: %+v", h)
				}
			}
		})
	}
}

// Whoever sends more than his request cannot be seen to leave, for nothing shows that he has once there is something to read
// before it. His place in the queue is his for no longer than anybody's.
func TestACallerWhoLeavesAByteBehindGivesHisPlaceBackWhenHisTimeIsOver(t *testing.T) {
	inOwnWorld(t, func(w *world, n *notes) {
		w.served("a")
		on := engaged(w)
		his := w.sim.Fault(psatest.Fault{At: psatest.Received, Method: "POST"})
		c := w.dial()
		go fmt.Fprint(c, strings.Replace(wholeAttach, "{key}", w.keys["a"].Reveal(), 1), "\r\n")
		synctest.Wait()
		c.Close()
		synctest.Wait()
		w.stands(1, 2, 1)
		time.Sleep(w.cfg.Logins[0].Settings.QueueDeadline)
		synctest.Wait()
		w.stands(0, 2, 0)
		on()
		if got := n.creates(); got != "queue-deadline" || his.Hits() != 0 {
			t.Errorf("outcome %q, and the PSA got %d calls of his", got, his.Hits())
		}
		w.unharmed()
	})
}

// answersAtLength has the PSA answer queries with more than what the buffers on the way take.
func (w *world) answersAtLength() {
	w.sim.Fault(psatest.Fault{
		At: psatest.Judged, Then: psatest.Answer, Status: 200, Path: "/Contacts", Body: longAnswer,
		Header: http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(longAnswer))}},
	})
}

// mute has callers send a query, and read nothing of its answer.
func (w *world) mute(n int) (callers []io.ReadWriteCloser) {
	for range n {
		c := w.dial()
		fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Contacts/query HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nSecret: %s\r\nContent-Length: 2\r\n\r\n{}", w.keys["a"].Reveal())
		callers = append(callers, c)
	}
	synctest.Wait()
	return callers
}

var longAnswer = `{"items":["` + strings.Repeat("0123456789", 100_000) + `"],"pageDetails":null}`

// How long a caller may take with his answer is for the server before the gateway to say. It is no affair of the login's: the
// PSA has judged.
// The PSA counts a thread until its answer has been taken. So an integration has no more answers to read at once than it may
// have calls in flight, and whoever reads none has himself to wait.
func TestACallerWhoReadsNothingForAnHourHoldsUpNobodyElseAndGetsHisAnswerWhole(t *testing.T) {
	inOwnWorld(t, func(w *world, n *notes) {
		w.served("a")
		before := n.verdicts()
		w.answersAtLength()
		callers := w.mute(2)
		if got := n.verdicts().since(before); got != "main accepted:2 " {
			t.Errorf("verdicts %s", got)
		}
		w.atRest()
		for range 60 {
			start := time.Now()
			w.served("b")
			if waited := time.Since(start); waited != 0 {
				t.Errorf("another waited %v", waited)
			}
			time.Sleep(time.Minute)
		}
		if a := w.call("a", "GET", "/Tickets/1", ""); a.reason() != "queue-deadline" {
			t.Errorf("beside two that are not read: %d %s", a.status, a.reason())
		}
		w.atRest()
		for _, c := range callers {
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != longAnswer || resp.StatusCode != 200 {
				t.Errorf("%d, %d bytes, error %v", resp.StatusCode, len(body), err)
			}
			c.Close()
		}
		w.served("a")
		w.unharmed()
	})
}

func TestACallerWhoReadsAByteAMinuteGetsHisAnswerWhole(t *testing.T) {
	inOwnWorld(t, func(w *world, _ *notes) {
		w.served("a")
		w.answersAtLength()
		c := w.mute(1)[0]
		defer c.Close()
		var all strings.Builder
		for range 600 {
			if _, err := io.CopyN(&all, c, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		w.atRest()
		w.served("b")
		if _, err := io.Copy(&all, c); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(all.String())), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != longAnswer {
			t.Errorf("%d bytes, error %v", len(body), err)
		}
		w.unharmed()
	})
}

func TestACallerWhoReadsNothingAndLeavesFreesTheConnectionToThePSA(t *testing.T) {
	inOwnWorld(t, func(w *world, n *notes) {
		var answering atomic.Int64
		w.standIn(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" {
				w.z5.ServeHTTP(rw, r)
				return
			}
			answering.Add(1)
			defer answering.Add(-1)
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Content-Length", fmt.Sprint(len(longAnswer)))
			_, _ = io.WriteString(rw, longAnswer)
		})
		w.served("a")
		callers := w.mute(20)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := answering.Load(); got != 2 { // the others were not let in
			t.Errorf("%d answers are on their way", got)
		}
		for _, c := range callers {
			c.Close()
		}
		synctest.Wait()
		if got := answering.Load(); got != 0 {
			t.Errorf("%d answers are on their way to nobody", got)
		}
		w.unharmed()
	})
}

func TestWhoReadsNothingLeavesTheOthersTheirThreads(t *testing.T) {
	inOwnWorld(t, func(w *world, _ *notes) {
		w.tenant.Seed(400)
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Threads = 3 })
		w.served("a")
		const body = `{"filter":[{"op":"gte","field":"id","value":0}]}`
		for range 4 {
			c := w.dial()
			defer c.Close()
			fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", w.keys["a"].Reveal(), len(body), body)
		}
		synctest.Wait()
		for range 20 {
			if a := w.call("b", "GET", "/Tickets/1", ""); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			time.Sleep(time.Second)
		}
	})
}
