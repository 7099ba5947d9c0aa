package call

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// attachmentOf is the data of one, as JSON, padded to a post of about a size. The PSA takes 7,000,000 bytes, which are a post
// of 10 MB with some room.
func attachmentOf(size int) string {
	return strings.Repeat(" ", size/20) + `"` + base64.StdEncoding.EncodeToString(make([]byte, size/10*7)) + `"`
}

// A post of more than 1 MiB is kept in a file, and replayed from there. What waits for a unit is sent once: it may be small.
var tenMegabytes, inAFile, tenKilobytes = attachmentOf(10_000_000), attachmentOf(1_200_000), attachmentOf(10_000)

// flight is one call that may be under way when a password changes. Its title tells its record from all others.
type flight struct {
	integration, entity, title, data string
	status                           int
	reason                           string
}

// flightEntities are, in turn, what a flight creates; empty for a query.
var flightEntities = []string{"Tickets", "", "TicketAttachments", "TicketNotes", ""}

func newFlight(round, i int) *flight {
	return &flight{
		integration: []string{"a", "b"}[i%2], entity: flightEntities[i%len(flightEntities)], title: fmt.Sprintf("round %d call %d.", round, i), data: tenKilobytes,
	}
}

// newFlights are calls of a round. The kind that comes first is another each time. The first three are with the PSA when the
// password changes, and replayed; their attachments are large.
func newFlights(round, n int, large string) (all []*flight) {
	for i := range n {
		f := newFlight(round, round+i)
		if i < 3 {
			f.data = large
		}
		all = append(all, f)
	}
	return all
}

// send makes the call and notes its answer.
func (f *flight) send(w *world) {
	path, body := "/Tickets/query", `{"MaxRecords":1,"filter":[{"op":"gt","field":"id","value":0}]}`
	switch f.entity {
	case "Tickets":
		path, body = "/Tickets", fmt.Sprintf(`{"companyID":0,"title":%q,"status":1,"priority":1,"queueID":5,"dueDateTime":"2026-01-01T00:00:00Z"}`, f.title)
	case "TicketNotes":
		path, body = "/Tickets/1/Notes", fmt.Sprintf(`{"title":%q,"description":"d","noteType":1,"publish":1}`, f.title)
	case "TicketAttachments":
		path, body = "/Tickets/1/Attachments", fmt.Sprintf(`{"id":0,"attachmentType":"FILE_ATTACHMENT","title":%q,"fullPath":"t.txt","publish":1,"data":%s}`, f.title, f.data)
	}
	a := w.call(f.integration, "POST", path, body)
	f.status, f.reason = a.status, a.reason()
	if a.status != 200 && f.reason != "credential-refused" || a.reason() == "credential-refused" && a.header.Get("Retry-After") == "" {
		w.Errorf("%s: %d %s %s", f.title, a.status, a.reason(), a.body)
	}
}

// fly sends flights at once; the first three are with the PSA, at a point of their lives, when change is called, and all
// others wait. It returns when all are answered.
func (w *world) fly(all []*flight, at psatest.Point, change func()) {
	w.Helper()
	held := w.sim.Fault(psatest.Fault{At: at, Hold: true, Only: psatest.SignInCall, Path: "/Tickets", Times: 3})
	var calls sync.WaitGroup
	for i, f := range all {
		calls.Go(func() { f.send(w) })
		if i == 2 {
			if err := held.WaitHeld(context.Background(), 3); err != nil {
				w.Fatal(err)
			}
		}
	}
	synctest.Wait()
	change()
	held.Release()
	calls.Wait()
}

// createdOnce demands that each flight that was answered with success has made its record once, and each that was denied
// has made none.
func (w *world) createdOnce(all []*flight) {
	w.Helper()
	made := map[string]int{}
	for _, entity := range flightEntities {
		if entity == "" {
			continue
		}
		for _, r := range w.tenant.Records(entity) {
			made[fmt.Sprint(r["title"])]++
		}
	}
	for _, f := range all {
		want := 0
		if f.entity != "" && f.status == 200 {
			want = 1
		}
		if got := made[f.title]; got != want {
			w.Errorf("%s: %d %s, and %d records in %s, want %d", f.title, f.status, f.reason, got, f.entity, want)
		}
	}
}

// rotations are the orders in which a round of the next test changes the password.
var rotations = []struct {
	name   string
	at     psatest.Point // where the calls in flight are
	before time.Duration // how long before the PSA the store is changed
	after  time.Duration // or how long after it
	denied bool          // the store comes too late for those who wait
}{
	{name: "store first, not judged", at: psatest.Received, before: time.Minute},
	{name: "PSA first, not judged", at: psatest.Received, after: 5 * time.Second},
	{name: "PSA first and the store too late", at: psatest.Received, after: 2 * time.Minute, denied: true},
	{name: "store first, judged and not carried out", at: psatest.Judged, before: time.Minute},
	{name: "PSA first, carried out and not answered", at: psatest.Applied, after: 5 * time.Second},
}

// 200 calls over ten rotations: whatever was refused because the password changed under it is sent again and carried out
// once; whatever is answered with 503 was not carried out.
func TestCallsInFlightOverManyRotationsAreCarriedOutOnce(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		var all []*flight
		for round := range 10 {
			c := rotations[round%len(rotations)]
			password := fmt.Sprint("new-password-", round)
			put := func() { w.safe.put("main", user, password) }
			if c.before > 0 {
				put()
				time.Sleep(c.before)
				w.served("b") // which forgives the first try
			}
			calls := newFlights(round, 20, tenMegabytes)
			mark := w.sim.Mark()
			w.fly(calls, c.at, func() {
				w.user.SetSecret(password)
				if c.after > 0 {
					later(c.after, put)
				}
			})
			time.Sleep(5 * time.Minute)
			denied := w.landed(calls, c.name, mark)
			if (denied > 0) != c.denied {
				t.Errorf("%s: %d of 20 calls were denied", c.name, denied)
			}
			all = append(all, calls...)
			w.allFree()
		}
		w.createdOnce(all)
		w.safeNow()
	})
}

// landed logs what became of a round's calls, and returns how many were denied.
func (w *world) landed(calls []*flight, name string, mark int) (denied int) {
	for _, f := range calls {
		if f.status != 200 {
			denied++
		}
	}
	l := w.sim.Ledger().Since(mark)
	n := countOf(l)
	var under []string
	for _, e := range l.Failed() {
		if !isOwn(e) {
			under = append(under, strings.TrimPrefix(e.Path, "/ATServicesRest/V1.0/"))
		}
	}
	w.Logf("%s: %d served, %d denied, %+v, refused under way: %s", name, len(calls)-denied, denied, n, strings.Join(under, ", "))
	if n.callsFailed > 3 || w.user.MaxFailedSinceSuccess() > 4 {
		w.Errorf("%s: %+v, at most %d failed without a success between", name, n, w.user.MaxFailedSinceSuccess())
	}
	return denied
}

// A call is sent once more and no more: one that meets a second change as well hears 503, and was not carried out.
func TestACallThatMeetsTwoChangesIsDeniedAndNotCarriedOut(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.steady(0)
		w.served("a")
		w.safe.put("main", user, "new-password-2")
		time.Sleep(time.Minute)
		held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Path: "/Tickets", Times: 2})
		f := newFlight(0, 0)
		var call sync.WaitGroup
		call.Go(func() { f.send(w) })
		for _, password := range []string{"new-password-2", "new-password-3"} {
			if err := held.WaitHeld(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
			w.user.SetSecret(password)
			held.ReleaseOne()
			synctest.Wait()
		}
		call.Wait()
		if f.status != 503 {
			t.Errorf("%d", f.status)
		}
		w.createdOnce([]*flight{f})
		w.safe.put("main", user, "new-password-3")
		time.Sleep(time.Minute)
		w.served("a")
		w.allFree()
		w.safeNow()
	})
}

// The login moves to another zone at the moment at which its password changes: the old zone refuses what is in flight, and
// the new one what is sent there with the old password. Whoever can wait for the store is served all the same.
func TestARotationAtTheMomentOfAZoneMigration(t *testing.T) {
	for _, c := range []struct {
		name        string
		storeBefore bool
		calls       int // three of them in flight
	}{
		{"store first, others wait", true, 20},
		{"store first, nobody waits", true, 3},
		{"PSA first, others wait", false, 20},
		{"PSA first, nobody waits", false, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLongWorld(t, func(w *world) {
				w.T = t
				w.steady(0)
				w.served("a")
				put := func() { w.safe.put("main", user, "new-password") }
				if c.storeBefore {
					put()
					time.Sleep(time.Hour)
					w.served("b")
				}
				calls := newFlights(0, c.calls, inAFile)
				mark := w.sim.Mark()
				w.fly(calls, psatest.Received, func() {
					w.tenant.Migrate(w.z6)
					w.user.SetSecret("new-password")
					if !c.storeBefore {
						later(5*time.Second, put)
					}
				})
				w.createdOnce(calls)
				for _, f := range calls {
					if f.status != 200 {
						t.Errorf("%s by %s: %d %s", f.title, f.integration, f.status, f.reason)
					}
				}
				l := w.sim.Ledger().Since(mark)
				t.Logf("%+v, at most %d failed without a success between: %v", countOf(l), w.user.MaxFailedSinceSuccess(), l.Failed())
				time.Sleep(5 * time.Minute)
				w.served("a")
				w.allFree()
				w.safeNow()
			})
		})
	}
}

// A PSA may refuse a large post by its headers, and hang up on the rest: it is a refusal like any, and the post is sent
// again whole.
func TestALargePostThatIsRefusedBeforeItWasReadIsSentAgain(t *testing.T) {
	inLongWorld(t, func(w *world) {
		w.served("a")
		var early atomic.Int32
		w.z5.Down()
		srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "Attachments") && early.Add(1) == 1 {
				w.user.SetSecret("new-password")
				later(time.Second, func() { w.safe.put("main", user, "new-password") })
				_, _ = io.CopyN(io.Discard, r.Body, 1000)
				rw.Header().Set("Www-Authenticate", `Basic realm="127.0.0.1"`)
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.z5.ServeHTTP(rw, r)
		})}
		go srv.Serve(w.net.Listen("127.0.0.1:5005"))
		w.after = append(w.after, func() { srv.Close() })
		time.Sleep(time.Minute)
		f := newFlights(0, 3, tenMegabytes)[2]
		f.send(w)
		if f.status != 200 || early.Load() != 2 {
			t.Errorf("%d %s, sent %d times", f.status, f.reason, early.Load())
		}
		w.createdOnce([]*flight{f})
		w.safeNow()
	})
}
