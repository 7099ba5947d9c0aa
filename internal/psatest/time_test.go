package psatest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// bubbled is a PSA in a synctest bubble, on a network in memory.
type bubbled struct {
	sim    *psatest.Sim
	zone   *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
	client *http.Client
	start  time.Time
}

func inBubble(t *testing.T, test func(*testing.T, *bubbled)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		sim := psatest.New()
		defer sim.Close()
		z := sim.AddZoneOn("5", network.Listen("zone5.test:80"))
		z.SetURL("http://zone5.test")
		tenant := sim.AddTenant("Example", z)
		tenant.Seed(1)
		transport := &http.Transport{DialContext: network.DialContext}
		defer transport.CloseIdleConnections()
		test(t, &bubbled{
			sim: sim, zone: z, tenant: tenant, user: tenant.AddUser(userName, secret, code),
			client: &http.Client{Transport: transport}, start: time.Now(),
		})
	})
}

func (b *bubbled) send(ctx context.Context, method, path, body, secret string) (reply, error) {
	return send(ctx, b.client, b.zone.URL(), method, path, body, secret)
}

func (b *bubbled) since() time.Duration { return time.Since(b.start) }

func TestASignInMayBeJudgedLongAfterTheClientGaveUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Fault(psatest.Fault{At: psatest.Received, Gone: true, Delay: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.send(ctx, "POST", "Tickets", printer, "wrong"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the client got %v", err)
		}
		if len(b.sim.Ledger()) != 0 {
			t.Fatal("judged before it was due")
		}
		if err := b.sim.WaitJudged(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if e := b.sim.Ledger()[0]; e.At.Sub(b.start) != 25*time.Second || b.user.FailedSinceSuccess() != 1 {
			t.Fatalf("judged after %v, count %d", e.At.Sub(b.start), b.user.FailedSinceSuccess())
		}
	})
}

func TestATicketMayBeStoredAfterTheClientGaveUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Fault(psatest.Fault{At: psatest.Judged, Gone: true, Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.send(ctx, "POST", "Tickets", printer, secret); err == nil {
			t.Fatal("answered")
		}
		if n := len(b.tenant.Records("Tickets")); n != 1 || len(b.sim.Ledger()) != 1 {
			t.Fatalf("%d tickets, ledger %v: want it judged and not stored", n, b.sim.Ledger())
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(b.tenant.Records("Tickets")); n != 2 {
			t.Fatalf("%d tickets after the late commit", n)
		}
	})
}

func TestDelaysComeWhereTheyAreOrdered(t *testing.T) {
	for name, tc := range map[string]struct {
		at     psatest.Point
		judged time.Duration
	}{
		"before judging": {psatest.Received, 3 * time.Second},
		"after judging":  {psatest.Judged, 0},
		"after applying": {psatest.Applied, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubbled) {
				b.sim.Fault(psatest.Fault{At: tc.at, Delay: 3 * time.Second})
				if r, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil || r.status != 200 {
					t.Fatalf("%v %+v", err, r)
				}
				if got := b.sim.Ledger()[0].At.Sub(b.start); got != tc.judged || b.since() != 3*time.Second {
					t.Fatalf("judged after %v, answered after %v", got, b.since())
				}
			})
		})
	}
}

func TestEveryCallTakesTheLatency(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(func(x *psatest.Behaviour) { x.Latency = 300 * time.Millisecond })
		for range 2 {
			if _, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil {
				t.Fatal(err)
			}
		}
		if b.since() != 600*time.Millisecond {
			t.Fatalf("two calls took %v", b.since())
		}
	})
}

func TestABodyTricklesInPieces(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		whole, err := b.send(t.Context(), "GET", "Tickets/1", "", secret)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		b.sim.Fault(psatest.Fault{At: psatest.Answering, Chunk: 100, Delay: time.Second})
		r, err := b.send(t.Context(), "GET", "Tickets/1", "", secret)
		pieces := (len(whole.body) + 99) / 100
		if err != nil || r.body != whole.body || time.Since(begin) != time.Duration(pieces-1)*time.Second {
			t.Fatalf("%v, %d bytes of %d in %v", err, len(r.body), len(whole.body), time.Since(begin))
		}
	})
}

func TestABodyIsBlockedUntilItIsReleased(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		o := b.sim.Fault(psatest.Fault{At: psatest.Answering, Hold: true})
		req, _ := http.NewRequest("GET", "http://zone5.test/ATServicesRest/versioninformation", nil)
		res, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if err := o.WaitHeld(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 5)
		if _, err := io.ReadFull(res.Body, half); err != nil || string(half) != `{"api` {
			t.Fatalf("%v %q", err, half)
		}
		o.Release()
		if rest, err := io.ReadAll(res.Body); err != nil || string(half)+string(rest) != `{"apiVersions":["V1.0","V2.0"]}` {
			t.Fatalf("%v %q", err, rest)
		}
	})
}

func TestHeldRequestsGoOnOneByOneOrAllAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		o := b.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true})
		if o.ReleaseOne() {
			t.Fatal("released one of none")
		}
		for i := range 4 {
			go func() { _, _ = b.send(context.Background(), "GET", "Version", "", secret) }()
			if err := o.WaitHeld(t.Context(), i+1); err != nil {
				t.Fatal(err)
			}
		}
		o.ReleaseOne()
		synctest.Wait()
		if got := []int{len(b.sim.Ledger()), o.Held(), o.Hits()}; !reflect.DeepEqual(got, []int{1, 3, 4}) {
			t.Fatalf("judged, held, hits: %v", got)
		}
		o.Release()
		synctest.Wait()
		if got := []int{len(b.sim.Ledger()), o.Held()}; !reflect.DeepEqual(got, []int{4, 0}) {
			t.Fatalf("judged, held after Release: %v", got)
		}
		if _, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil || o.Hits() != 4 {
			t.Fatalf("a released order met another request: %v", err)
		}
	})
}

func TestTwoFaultsAtOnePointHappenOneAfterTheOther(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Fault(psatest.Fault{At: psatest.Judged, Delay: time.Second})
		b.sim.Fault(psatest.Fault{At: psatest.Judged, Delay: time.Second, Then: psatest.Answer, Status: 503, Times: 1})
		r, err := b.send(t.Context(), "GET", "Version", "", secret)
		if err != nil || r.status != 503 || b.since() != 2*time.Second {
			t.Fatalf("%v %+v after %v", err, r, b.since())
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := b.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true})
		for name, err := range map[string]error{
			"WaitJudged": b.sim.WaitJudged(ctx, 1), "WaitHeld": o.WaitHeld(ctx, 1), "WaitHits": o.WaitHits(ctx, 1),
		} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNobodyListensOnTheNetworkUntilSomebodyDoes(t *testing.T) {
	network := psatest.NewNetwork()
	if _, err := network.DialContext(t.Context(), "tcp", "x:80"); err == nil {
		t.Fatal("dialed nobody")
	}
	l := network.Listen("x:80")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := network.DialContext(ctx, "tcp", "x:80"); !errors.Is(err, context.Canceled) {
		t.Fatalf("nobody accepts: %v", err)
	}
	_ = l.Close()
	if _, err := network.DialContext(t.Context(), "tcp", "x:80"); err == nil {
		t.Fatal("dialed a closed listener")
	}
}
