package totp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fail guesses once.
func (w *world) fail(a Attempt, of app) error {
	_, err := w.Verify(w.t.Context(), a, w.wrong(of))
	return err
}

func TestWhoFailsOftenWaitsLongerEachTime(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	at := from(ann, home)
	at.Browser = a.browser // so that of the person's own limit nothing is seen but this
	for i := range 5 {
		if err := w.fail(at, a); err != ErrWrong {
			t.Fatalf("failure %d: %v", i, err)
		}
	}
	for i, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
		_, err := w.Verify(t.Context(), at, w.code(a, 0))
		limit := new(LimitError)
		if !errors.As(err, limit) || limit.After != pause {
			t.Fatalf("pause %d: a right code: %v", i, err)
		}
		w.pass(pause - time.Microsecond)
		if err := w.fail(at, a); !errors.As(err, limit) || !strings.HasSuffix(err.Error(), "of this session: wait for 1s") {
			t.Errorf("pause %d, just before its end: %v", i, err)
		}
		w.pass(time.Microsecond)
		if err := w.fail(at, a); err != ErrWrong {
			t.Errorf("pause %d, at its end: %v", i, err)
		}
	}
	w.pass(8 * time.Minute)
	if _, err := w.Verify(t.Context(), at, w.code(a, 0)); err != nil {
		t.Fatalf("after the pause: %v", err)
	}
	w.pass(time.Minute)
	if err := w.fail(at, a); err != ErrWrong {
		t.Errorf("a right code does not forgive: %v", err)
	}
}

func TestAStrangerKeepsNobodyOut(t *testing.T) {
	w := newWorld(t)
	a, b := w.enrol(ann), w.enrol(bob)
	known := from(ann, office)
	known.Session, known.Browser = "ann's own", a.browser
	// Who has ann's password guesses from everywhere, from ann's own office too, in as many sessions.
	guesses := 0
	for i := range 3000 {
		at := Attempt{Person: ann, Session: fmt.Sprint("stolen", i), Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}
		if i%2 == 0 {
			at.Address = office
		}
		if err := w.fail(at, a); err == ErrWrong {
			guesses++
		}
		w.pass(time.Second)
	}
	if guesses != 10 {
		t.Errorf("%d guesses in 50 minutes", guesses)
	}
	unknown := known
	unknown.Browser = ""
	if _, err := w.Verify(t.Context(), unknown, w.code(a, 0)); !errors.As(err, new(LimitError)) {
		t.Errorf("a browser that is not known: %v", err)
	}
	if _, err := w.Verify(t.Context(), known, w.code(a, 0)); err != nil {
		t.Errorf("a browser that is known: %v", err)
	}
	bobs := from(bob, office)
	bobs.Session = "bob's"
	if _, err := w.Verify(t.Context(), bobs, w.code(b, 0)); err != nil {
		t.Errorf("bob, in the same office: %v", err)
	}
	unknown.Address = home
	if _, err := w.Recover(t.Context(), unknown, a.recovery[0]); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if _, err := w.Reset(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	a = w.enrol(ann)
	if err := w.fail(unknown, a); err != ErrWrong {
		t.Errorf("after a reset: %v", err)
	}
}

// Each sign-in of the person would give whoever guesses ten more, else.
func TestARightCodeGivesAGuesserNoMoreGuesses(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	guesses := 0
	for i := range 60 {
		at := Attempt{Person: ann, Session: fmt.Sprint("stolen", i), Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}
		if w.fail(at, a) == ErrWrong {
			guesses++
		}
		if i < 10 { // while a browser that is not known is let in yet
			if _, err := w.Verify(t.Context(), from(ann, home), w.code(a, 0)); (err == nil) != (i < 9) {
				t.Fatalf("ann, after %d guesses: %v", i+1, err)
			}
		}
		w.pass(time.Minute)
	}
	if guesses != 10 {
		t.Errorf("%d guesses", guesses)
	}
}

// The arithmetic of doc.go, by who does nothing but guess.
func TestADayHasSoManyGuesses(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	var perDay []int
	for day := range 4 {
		n := 0
		for i := range 24 * 60 {
			at := Attempt{Person: ann, Session: fmt.Sprint(day, i), Address: netip.AddrFrom4([4]byte{10, byte(day), byte(i >> 8), byte(i)})}
			if w.fail(at, a) == ErrWrong {
				n++
			}
			w.pass(time.Minute)
		}
		perDay = append(perDay, n)
	}
	if perDay[0] > 20 || perDay[0] < 19 || perDay[1] != 10 || perDay[2] != 10 || perDay[3] != 10 {
		t.Errorf("guesses per day: %v", perDay)
	}
	known := from(ann, home)
	n := 0
	for range 2 * 24 * 60 {
		known.Browser = a.browser
		known.Session += "x"
		if w.fail(known, a) == ErrWrong {
			n++
		}
		w.pass(time.Minute)
	}
	if n > 30 || n < 29 {
		t.Errorf("a stolen mark gives %d guesses in two days", n)
	}
}

func TestAnAddressHasItsLimitOverAllPersons(t *testing.T) {
	w := newWorld(t)
	n := 0
	a := w.enrol(ann)
	for i := range 100 {
		p := Person{ann.Issuer, fmt.Sprint("person", i)}
		one := w.enrolAt(p)
		if w.fail(from(p, home), one) == ErrWrong {
			n++
		}
	}
	if n != 5 { // all of them in one session
		t.Errorf("%d guesses in one session", n)
	}
	for i := range 100 {
		p := Person{ann.Issuer, fmt.Sprint("person", i)}
		at := Attempt{Person: p, Session: fmt.Sprint(i), Address: netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 15: byte(i)})} // one /64
		if w.fail(at, w.enrolAt(p)) == ErrWrong {
			n++
		}
	}
	if n != 65 {
		t.Errorf("%d guesses from one address", n-5)
	}
	at := from(ann, netip.MustParseAddr("2001::77"))
	at.Session = "new"
	if _, err := w.Verify(t.Context(), at, w.code(a, 0)); !errors.As(err, new(LimitError)) {
		t.Errorf("the address goes on: %v", err)
	}
	at.Address = netip.MustParseAddr("2001:0:0:1::77")
	if _, err := w.Verify(t.Context(), at, w.code(a, 0)); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
}

// enrolAt enrols a person anew without letting time pass.
func (w *world) enrolAt(p Person) app {
	before := w.now
	a := w.enrol(p)
	w.now = before
	w.store.people[p].Current.LastStep = 0
	return a
}

func TestSweepRemovesWhatHasEnded(t *testing.T) {
	w := newWorld(t)
	a := w.enrol(ann)
	w.begin(Beginning{Person: bob})
	if err := w.fail(from(ann, home), a); err != ErrWrong {
		t.Fatal(err)
	}
	if n, _, err := w.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("at once %d are swept, error %v", n, err)
	}
	w.pass(24 * time.Hour)
	if n, _, err := w.Sweep(t.Context()); n != 5 || err != nil { // four buckets and bob's beginning
		t.Errorf("%d are swept, error %v", n, err)
	}
	if people, err := w.People(t.Context()); err != nil || len(people) != 1 || people[0].Person != ann || len(w.store.buckets) != 0 {
		t.Errorf("%+v, %d buckets, error %v", people, len(w.store.buckets), err)
	}
}

// A clock that was set back makes nobody wait for longer than a limit lets anybody wait.
func TestAClockThatIsSetBackKeepsNobodyOutForLong(t *testing.T) {
	for _, back := range []time.Duration{time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		now := time.Unix(1_760_000_000, 0)
		b := Bucket{}
		for range 100 {
			b = ofOne.fail(b, now)
		}
		if wait := ofOne.wait(b, now.Add(-back)); wait != time.Hour {
			t.Errorf("%s back: a wait of %s", back, wait)
		}
		b = Bucket{}
		for range 100 {
			b = ofPerson.fail(b, now)
		}
		if wait := ofPerson.wait(b, now.Add(-back)); wait > ofPerson.every {
			t.Errorf("%s back: a wait of %s", back, wait)
		}
	}
}

// history is what the oracle knows of one limit: each failure that counted, and when it was forgiven, no more.
type history struct {
	failures []time.Time
}

// blocked works a limit out of its whole history.
func (h history) blocked(r rule, now time.Time) bool {
	switch r := r.(type) {
	case backoff:
		inRow := 0
		for i, at := range h.failures {
			if i > 0 && at.Sub(h.failures[i-1]) >= r.forgottenWith {
				inRow = 0
			}
			inRow++
		}
		if inRow == 0 || now.Sub(h.failures[len(h.failures)-1]) >= r.forgottenWith || inRow < int(r.free) {
			return false
		}
		pause := r.first
		for n := int(r.free); n < inRow; n++ {
			pause *= 2
			if pause > r.most {
				pause = r.most
				break
			}
		}
		return now.Before(h.failures[len(h.failures)-1].Add(pause))
	case bound:
		// A bath that each failure pours a cup into, and that loses a cup in each time every.
		var level time.Duration
		for i, at := range h.failures {
			if i > 0 {
				level = max(0, level-at.Sub(h.failures[i-1]))
			}
			level += r.every
		}
		if len(h.failures) > 0 {
			level = max(0, level-now.Sub(h.failures[len(h.failures)-1]))
		}
		return level+r.every > time.Duration(r.most)*r.every
	}
	panic("no such rule")
}

// The engine against an oracle that keeps everything that ever happened, and works it all out anew each time: what was used, what
// was forgiven, who is blocked.
func TestTheEngineAgreesWithAnOracle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		people := []Person{ann, bob}
		apps := map[Person]app{ann: w.enrol(ann), bob: w.enrol(bob)}
		marks := map[Person]string{}
		lastStep := map[Person]int64{}
		recovered := map[string]bool{}
		for _, p := range people {
			lastStep[p] = w.store.people[p].Current.LastStep
		}
		limits := map[string]*history{}
		of := func(kind string, names ...any) *history {
			name := fmt.Sprint(kind, names)
			if limits[name] == nil {
				limits[name] = &history{}
			}
			return limits[name]
		}
		addresses := []netip.Addr{home, office, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}
		r.Repeat(map[string]func(*rapid.T){
			"time passes": func(r *rapid.T) {
				w.pass(rapid.SampledFrom([]time.Duration{
					time.Microsecond, time.Second, 29 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 144 * time.Minute, 24 * time.Hour,
				}).Draw(r, "time"))
			},
			"a sweep": func(r *rapid.T) {
				if _, _, err := w.Sweep(t.Context()); err != nil {
					r.Fatal(err)
				}
			},
			"an attempt": func(r *rapid.T) {
				p := rapid.SampledFrom(people).Draw(r, "person")
				a := Attempt{Person: p, Session: rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(r, "session"), Address: rapid.SampledFrom(addresses).Draw(r, "address")}
				known := rapid.Bool().Draw(r, "known") && marks[p] != ""
				if known {
					a.Browser = marks[p]
				}
				recovery := rapid.IntRange(0, 9).Draw(r, "kind") == 0
				limits := map[*history]rule{of("session", a.Session): ofOne}
				forgiven := []*history{of("session", a.Session)}
				network := a.Address.String()
				if a.Address.Is6() {
					network = "2001:db8::/64"
				}
				if known {
					limits[of("browser", p)] = ofPerson
				} else {
					pair := of("pair", p, network)
					limits[pair], limits[of("address", network)] = ofOne, ofAddress
					forgiven = append(forgiven, pair)
					if !recovery {
						limits[of("person", p)] = ofPerson
					}
				}
				count := rapid.IntRange(1, 8).Draw(r, "times")
				for range count {
					var want, got error
					var passed Passed
					good := rapid.IntRange(0, 3).Draw(r, "good") == 0
					step := rapid.Int64Range(-1, 1).Draw(r, "step")
					now := w.now.Unix() / 30
					code := apps[p].recovery[rapid.IntRange(0, 9).Draw(r, "recovery code")]
					blocked := false
					for h, rule := range limits {
						blocked = blocked || h.blocked(rule, w.now)
					}
					switch {
					case blocked:
						want = LimitError{}
					case !good:
						want = ErrWrong
					case recovery && recovered[code], !recovery && now+step <= lastStep[p]:
						want = ErrUsed
					}
					switch {
					case recovery && good:
						passed, got = w.Recover(t.Context(), a, code)
					case recovery:
						passed, got = w.Recover(t.Context(), a, "0000-0000-0000-0000")
					case good:
						passed, got = w.Verify(t.Context(), a, w.code(apps[p], time.Duration(step)*30*time.Second))
					default:
						passed, got = w.Verify(t.Context(), a, w.wrong(apps[p]))
					}
					if errors.As(got, new(LimitError)) {
						got = LimitError{}
					}
					if got != want {
						r.Fatalf("%+v, recovery %v, good %v: got %v, want %v", a, recovery, good, got, want)
					}
					switch want {
					case ErrWrong:
						for h := range limits {
							h.failures = append(h.failures, w.now)
						}
					case nil:
						for _, h := range forgiven {
							h.failures = nil
						}
						if recovery {
							recovered[code] = true
						} else {
							lastStep[p] = now + step
						}
						if passed.Known != known {
							r.Fatal("it is known, or not, against the mark")
						}
						if known || marks[p] == "" { // a browser that had no mark before is another one
							marks[p] = passed.Browser.Reveal()
						}
					}
				}
			},
		})
	})
}
