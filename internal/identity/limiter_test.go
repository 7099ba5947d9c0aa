package identity

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// handClock is moved by hand.
type handClock struct{ at time.Time }

func (c *handClock) now() time.Time { return c.at }

func newLimiter() (*Limiter, *handClock) {
	clock := &handClock{at: time.Unix(2e9, 0)}
	return NewLimiter(clock.now), clock
}

var here = netip.MustParseAddr("192.0.2.1")

func TestTheEleventhFailureOfAMinuteIsBlocked(t *testing.T) {
	l, clock := newLimiter()
	for i := range 10 {
		if after, blocked := l.Fail(here); blocked || after != 0 {
			t.Fatalf("failure %d: blocked for %s", i+1, after)
		}
		clock.at = clock.at.Add(time.Second)
	}
	for range 100 { // those that are blocked do not prolong it
		if after, blocked := l.Fail(here); !blocked || after != 50*time.Second {
			t.Fatalf("blocked: %v, for %s; want 50s", blocked, after)
		}
	}
	if _, blocked := l.Fail(netip.MustParseAddr("192.0.2.2")); blocked {
		t.Error("the neighbour is blocked")
	}
	clock.at = clock.at.Add(50*time.Second - 1)
	if after, blocked := l.Fail(here); !blocked || after != 1 {
		t.Errorf("a nanosecond early: blocked %v for %s", blocked, after)
	}
	clock.at = clock.at.Add(1)
	if _, blocked := l.Fail(here); blocked {
		t.Error("after Retry-After: still blocked")
	}
	if after, blocked := l.Fail(here); !blocked || after != time.Second {
		t.Errorf("only one more is due: blocked %v for %s, want 1s", blocked, after)
	}
}

func TestAddressesThatOneHostHasCountAsOne(t *testing.T) {
	for name, test := range map[string]struct {
		a, b string
		same bool
	}{
		"two hosts of IPv4":          {"192.0.2.1", "192.0.2.2", false},
		"IPv4 mapped to IPv6":        {"192.0.2.1", "::ffff:192.0.2.1", true},
		"two mapped ones":            {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		"one /64":                    {"2001:db8::1", "2001:db8:0:0:ffff::2", true},
		"two /64":                    {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		"one link by two interfaces": {"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if same := group(netip.MustParseAddr(test.a)) == group(netip.MustParseAddr(test.b)); same != test.same {
			t.Errorf("%s: same is %v", name, same)
		}
	}
	if group(netip.Addr{}) != (netip.Addr{}) {
		t.Error("the zero address is not itself")
	}
}

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func TestAHundredThousandAddressesAreNotAllRemembered(t *testing.T) {
	l, clock := newLimiter()
	for i := range 100_000 {
		l.Fail(address(i))
	}
	if len(l.byAddress) != maxAddresses || l.order.Len() != maxAddresses {
		t.Errorf("%d remembered, in an order of %d; want %d", len(l.byAddress), l.order.Len(), maxAddresses)
	}
	if _, kept := l.byAddress[address(99_999)]; !kept {
		t.Error("the last is forgotten")
	}
	if _, kept := l.byAddress[address(0)]; kept {
		t.Error("the first is not forgotten")
	}
	clock.at = clock.at.Add(time.Minute)
	l.Fail(here)
	if len(l.byAddress) != 1 {
		t.Errorf("%d remembered after a minute, want 1", len(l.byAddress))
	}
}

// TestTheLimiterDoesWhatAListOfAllFailuresWould compares it, step by step, with one that remembers everything and
// keeps as many addresses.
func TestTheLimiterDoesWhatAListOfAllFailuresWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, clock := newLimiter()
		l.most = 3
		counted := map[netip.Addr][]time.Time{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			clock.at = clock.at.Add(time.Duration(rapid.IntRange(1, 8000).Draw(t, "ms")) * time.Millisecond)
			if rapid.IntRange(0, 30).Draw(t, "pause") == 0 {
				clock.at = clock.at.Add(time.Minute)
			}
			a := address(rapid.IntRange(0, 4).Draw(t, "address"))
			wantAfter := naive(counted, a, clock.at, l.most)
			after, blocked := l.Fail(a)
			if after != wantAfter || blocked != (wantAfter > 0) {
				t.Fatalf("%s at %s: %s, %v; want %s", a, clock.at, after, blocked, wantAfter)
			}
			if len(l.byAddress) > l.most || len(l.byAddress) != l.order.Len() {
				t.Fatalf("%d remembered in an order of %d", len(l.byAddress), l.order.Len())
			}
		}
	})
}

func naive(counted map[netip.Addr][]time.Time, a netip.Addr, now time.Time, most int) time.Duration {
	var recent []time.Time
	for _, at := range counted[a] {
		if now.Sub(at) < failureWindow {
			recent = append(recent, at)
		}
	}
	if len(recent) >= failuresAllowed {
		return failureWindow - now.Sub(recent[0])
	}
	counted[a] = append(recent, now)
	if len(counted) <= most {
		return 0
	}
	oldest := a
	for other, times := range counted {
		if times[len(times)-1].Before(last(counted[oldest])) && other != a {
			oldest = other
		}
	}
	delete(counted, oldest)
	return 0
}

func last(times []time.Time) time.Time { return times[len(times)-1] }

func TestManyCallersAreCountedTogether(t *testing.T) {
	l, _ := newLimiter()
	var allowed atomic.Int64
	var callers sync.WaitGroup
	for i := range 50 {
		callers.Go(func() {
			for j := range 100 {
				if _, blocked := l.Fail(here); !blocked {
					allowed.Add(1)
				}
				l.Fail(address(i*100 + j))
			}
		})
	}
	callers.Wait()
	if allowed.Load() != failuresAllowed {
		t.Errorf("%d failures allowed to 50 callers, want %d", allowed.Load(), failuresAllowed)
	}
}
