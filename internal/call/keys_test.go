package call

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/secret"
)

// keySafe is a second store, for keys: its troubles leave the login's credential alone.
type keySafe struct {
	*safe
	store *secret.Store
}

func (w *world) keySafe() *keySafe {
	k := &keySafe{safe: &safe{records: map[string]secret.Record{}}}
	k.store = secret.NewStore("vault", k.safe, secret.Options{Logger: w.cfg.Log})
	k.store.Start(context.Background())
	w.cfg.Stores["vault"] = Store{k.store, "vault"}
	w.after = append(w.after, k.store.Stop)
	return k
}

func (k *keySafe) set(path string, fields map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rec := secret.Record{Path: path, Version: k.records[path].Version + 1, Fields: map[string]secret.Value{}}
	for name, text := range fields {
		rec.Fields[name] = secret.NewValue(text)
	}
	k.records[path] = rec
}

// hold writes a record of keys.
func (k *keySafe) hold(path string, keys ...identity.Key) {
	fields := map[string]string{}
	for _, key := range keys {
		fields[key.Hash().ID()] = key.Hash().String()
	}
	k.set(path, fields)
}

func (k *keySafe) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = err
}

// newKey makes a key by which requests of that name are made.
func (w *world) newKey(name string) identity.Key {
	w.Helper()
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	w.keys[name] = key
	return key
}

// who says what a request comes to: the integration's name, or status and reason.
func who(g *Gateway, req *http.Request, clientIP string) string {
	rec := httptest.NewRecorder()
	if _, info, done := g.Identify(rec, req, clientIP); !done {
		return info.Integration
	}
	return strings.TrimSpace(fmt.Sprint(rec.Code) + " " + rec.Header().Get("Psagate-Reason"))
}

func requestWith(key identity.Key) *http.Request {
	req := httptest.NewRequest("GET", gatewayURL+"/ATServicesRest/V1.0/Tickets/1", nil)
	req.Header.Set("Secret", key.Reveal())
	return req
}

func (w *world) who(key string) string { return who(w.g, w.ticket(key), home) }

func TestTheKeysOfARecordAreTheIntegrations(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		one, two := w.newKey("one"), w.newKey("two")
		k.hold("a", one)
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		for key, want := range map[string]string{"one": "a", "two": "401", "a": "a", "b": "b"} {
			if got := w.who(key); got != want {
				t.Errorf("at first, %s: %s, want %s", key, got, want)
			}
		}
		k.hold("a", one, two)
		time.Sleep(20 * time.Second) // a poll
		if got := w.who("two"); got != "a" {
			t.Errorf("once it is there, two: %s", got)
		}
		k.hold("a", two)
		k.store.Refresh("a")
		time.Sleep(2 * time.Second)
		for key, want := range map[string]string{"one": "401", "two": "a", "a": "a"} {
			if got := w.who(key); got != want {
				t.Errorf("once it is rotated, %s: %s, want %s", key, got, want)
			}
		}
		if a := w.knock(home, w.ticket("two")); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if notices := w.g.Notices(); len(notices) != 0 {
			t.Errorf("notices %q", notices)
		}
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{} })
		if got := w.who("two"); got != "401" {
			t.Errorf("once key_from is gone, two: %s", got)
		}
		w.safeNow()
	})
}

func TestAKeyThatWasTakenOutIsDeadBeforeAnybodyIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		k.hold("a", w.newKey("stays"))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		gone := w.newKey("gone").Hash()
		w.shared.keys.ring.Set(record{k.store, "a"}, []identity.Hash{gone, w.keys["stays"].Hash()}, time.Now()) // as it was, and is not any more
		for key, want := range map[string]string{"gone": "401", "stays": "a"} {
			if got := w.who(key); got != want {
				t.Errorf("%s: %s, want %s", key, got, want)
			}
		}
	})
}

func TestAFieldThatIsNoKeyLeavesTheOthersAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		one, two := w.newKey("one"), w.newKey("two")
		wrong := map[string]string{one.Hash().ID(): one.Hash().String(), "ops": two.Hash().String(), "deadbeef": two.Reveal(), two.Hash().ID(): "sha256:00"}
		k.set("a", wrong)
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		if got := w.who("one"); got != "a" {
			t.Errorf("the good one: %s", got)
		}
		if got := w.who("two"); got != "401" {
			t.Errorf("the wrong one: %s", got)
		}
		for _, field := range []string{"ops", "deadbeef", two.Hash().ID()} {
			if n := len(w.logged("level=ERROR", "integration=a", "store=vault", "record=a", `field \"`+field+`\"`)); n != 1 {
				t.Errorf("field %s: %d lines\n%s", field, n, w.log)
			}
		}
		notices := w.g.Notices()
		if len(notices) != 3 || !slices.IsSorted(notices) || !strings.HasPrefix(notices[0], `integration "a", key_from record "a": field "`) {
			t.Errorf("notices:\n%s", strings.Join(notices, "\n"))
		}
		wrong[w.newKey("three").Hash().ID()] = w.keys["three"].Hash().String()
		k.set("a", wrong)
		time.Sleep(20 * time.Second)
		if n := len(w.logged("level=ERROR", "integration=a")); n != 3 || w.who("three") != "a" {
			t.Errorf("the log says again what it has said: %d lines; the new key: %s", n, w.who("three"))
		}
		k.hold("a", one, two)
		time.Sleep(20 * time.Second)
		if got := w.who("two"); got != "a" || len(w.g.Notices()) != 0 {
			t.Errorf("mended: %s, %q", got, w.g.Notices())
		}
		synctest.Wait()
		if strings.Contains(w.log.String(), two.Reveal()) || strings.Contains(strings.Join(notices, ""), two.Reveal()) {
			t.Error("a key is shown")
		}
	})
}

func TestWhileKeysCannotBeReadNobodyIsToldThatHisIsWrong(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		one := w.newKey("one")
		w.newKey("stranger")
		k.hold("a", one)
		k.fail(fmt.Errorf("%w: sealed", secret.ErrUnavailable))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		expect := func(when string, want map[string]string) {
			t.Helper()
			for _, key := range slices.Sorted(maps.Keys(want)) {
				if got := w.who(key); got != want[key] {
					t.Errorf("%s, %s: %s, want %s", when, key, got, want[key])
				}
			}
		}
		unread := map[string]string{"one": "503 secret-unavailable", "stranger": "503 secret-unavailable", "a": "a", "b": "b", "nobody": "401"}
		expect("before the first reading", unread)
		synctest.Wait()
		expect("when the first reading has failed", unread)
		a := w.knock(home, w.ticket("one"))
		if a.header.Get("Retry-After") != "5" || a.header.Get("Www-Authenticate") != "" || len(w.logged("reason=keys-unavailable", "key="+one.Hash().ID(), "client_ip="+home)) == 0 {
			t.Errorf("%v\n%s", a.header, w.log)
		}
		if n := w.g.Notices(); len(n) != 1 || !strings.HasPrefix(n[0], `integration "a", key_from: secret store "vault", record "a": never read`) || !strings.Contains(n[0], "sealed") {
			t.Errorf("notices %q", n)
		}
		k.fail(nil)
		time.Sleep(2 * time.Minute)
		read := map[string]string{"one": "a", "stranger": "401", "a": "a", "b": "b", "nobody": "401"}
		expect("when it can be read", read)
		k.fail(fmt.Errorf("%w: sealed", secret.ErrUnavailable))
		time.Sleep(59 * time.Minute)
		expect("within max_stale", read)
		time.Sleep(2 * time.Minute)
		expect("after max_stale", unread)
		if n := w.g.Notices(); len(n) != 1 || !strings.Contains(n[0], "too old") {
			t.Errorf("notices %q", n)
		}
		k.fail(nil)
		time.Sleep(2 * time.Minute)
		expect("when it is back", read)
		w.safeNow()
	})
}

// Vault is the cause, and not the caller: so he is not taken for one who guesses, and not logged at each call.
func TestAKnownKeyWhoseRecordIsTooOldIsNotSlowed(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		one := w.newKey("one")
		k.hold("a", one)
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		k.fail(fmt.Errorf("%w: sealed", secret.ErrUnavailable))
		time.Sleep(2 * time.Hour)
		for range 25 { // more than any limit of failures
			if got := w.who("one"); got != "503 secret-unavailable" {
				t.Fatalf("it hears %s", got)
			}
		}
		if n := len(w.logged("reason=outdated-key", "key="+one.Hash().ID())); n != 1 {
			t.Errorf("%d lines in the log", n)
		}
		w.safeNow()
	})
}

// A store that answers that there is no such record leaves nothing to wait for: strangers hear what they always hear.
func TestARecordThatIsNotThereCastsNoDoubt(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		w.newKey("stranger")
		k.fail(fmt.Errorf("%w: no such record", secret.ErrNotFound))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		if got := w.who("stranger"); got != "401" {
			t.Errorf("a stranger hears %s", got)
		}
		if n := w.g.Notices(); len(n) != 1 || !strings.Contains(n[0], "no such record") {
			t.Errorf("notices %q", n)
		}
		w.safeNow()
	})
}

// The store has a record before its notification has brought the keys: meanwhile a good one must not hear that it is wrong.
func TestAKeyThatIsReadAndNotYetAnnouncedIsNoStrangers(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		k.hold("a", w.newKey("one"))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		r := record{k.store, "a"}
		w.shared.keys.ring.Set(r, nil, time.Now()) // as it is until then
		w.shared.keys.held[r].read = time.Time{}
		w.g.keys.lookedAt = time.Time{}
		if got := w.who("one"); got != "503 secret-unavailable" {
			t.Errorf("it hears %s", got)
		}
	})
}

func TestTheDoubtEndsWithTheFirstReading(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		k.store.Stop()
		w.newKey("stranger")
		k.hold("a", w.newKey("one"))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		for _, key := range []string{"one", "stranger"} {
			if got := w.who(key); got != "503 secret-unavailable" {
				t.Errorf("before it, %s: %s", key, got)
			}
		}
		k.store.Start(context.Background())
		synctest.Wait() // and no time goes by
		for key, want := range map[string]string{"one": "a", "stranger": "401"} {
			if got := w.who(key); got != want {
				t.Errorf("after it, %s: %s, want %s", key, got, want)
			}
		}
	})
}

func TestADoubtfulKeyIsCountedAsAFailure(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		k.fail(secret.ErrUnavailable)
		w.newKey("stranger")
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		for range 10 {
			if got := w.who("stranger"); got != "503 secret-unavailable" {
				t.Fatal(got)
			}
		}
		if got := w.who("stranger"); got != "503 secret-unavailable" { // it may be a good one, and such are not slowed
			t.Errorf("the eleventh: %s", got)
		}
		if n := len(w.logged("reason=keys-unavailable")); n != 10 {
			t.Errorf("%d lines in the log", n)
		}
		if got := who(w.g, w.request("", "GET", "/ATServicesRest/V1.0/Tickets/1"), home); got != "429 too-many-failures" {
			t.Errorf("without a key: %s", got)
		}
		if got := w.who("a"); got != "a" {
			t.Errorf("a valid key from there: %s", got)
		}
	})
}

// stalled is a store that never answers.
type stalled struct{}

func (stalled) Read(ctx context.Context, _ string) (secret.Record, error) {
	<-ctx.Done()
	return secret.Record{}, ctx.Err()
}

func TestNoCallWaitsForAStore(t *testing.T) {
	inWorld(t, func(w *world) {
		store := secret.NewStore("vault", stalled{}, secret.Options{Logger: w.cfg.Log})
		store.Start(context.Background())
		defer store.Stop()
		w.cfg.Stores["vault"] = Store{store, "vault"}
		w.newKey("one")
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		start := time.Now()
		for key, want := range map[string]string{"one": "503 secret-unavailable", "a": "a", "b": "b"} {
			if got := w.who(key); got != want {
				t.Errorf("%s: %s", key, got)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAKeyThatAnotherHasIsRefusedToTheLater(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		shared := w.newKey("shared")
		k.hold("a", shared)
		k.hold("b", w.newKey("own"))
		for i, path := range []string{"a", "b"} {
			w.cfg.Integrations[i].KeyFrom = Ref{"vault", path}
		}
		w.load()
		synctest.Wait()
		time.Sleep(time.Minute)
		k.hold("b", w.keys["own"], shared, w.keys["a"]) // a's key of a record, and a's key of the config
		time.Sleep(20 * time.Second)
		for key, want := range map[string]string{"shared": "a", "own": "b", "a": "a", "b": "b"} {
			if got := w.who(key); got != want {
				t.Errorf("%s: %s, want %s", key, got, want)
			}
		}
		for _, key := range []string{"shared", "a"} {
			id := w.keys[key].Hash().ID()
			if n := len(w.logged("level=ERROR", "integration=b", "record=b", id, `integration \"a\" has this key already`)); n != 1 {
				t.Errorf("%s: %d lines\n%s", key, n, w.log)
			}
			if n := w.g.Notices(); len(n) != 2 || !strings.Contains(strings.Join(n, "\n"), `integration "b", key_from record "b": field "`+id+`": integration "a" has this key already`) {
				t.Errorf("notices %q", n)
			}
		}
		slices.Reverse(w.cfg.Integrations) // b's record would be read first now
		for range 3 {
			w.load()
			synctest.Wait()
			if got := w.who("shared"); got != "a" {
				t.Errorf("a reload gives a's key to %s", got)
			}
		}
		k.hold("a")
		time.Sleep(20 * time.Second)
		if got := w.who("shared"); got != "b" {
			t.Errorf("when a has given it up, it is %s's", got)
		}
		if n := len(w.logged("level=WARN", "integration=a", shared.Hash().ID(), "to=b")); n != 1 {
			t.Errorf("that it passes is said %d times\n%s", n, w.log)
		}
		if n := w.g.Notices(); len(n) != 1 {
			t.Errorf("notices %q", n)
		}
	})
}

// Which record is read first when a process starts is chance: no restart gives the one's calls to the other.
func TestAKeyThatTwoHaveFromTheStartIsNobodys(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		shared := w.newKey("shared")
		k.hold("a", shared)
		k.hold("b", shared, w.newKey("own"))
		for i, path := range []string{"a", "b"} {
			w.cfg.Integrations[i].KeyFrom = Ref{"vault", path}
		}
		w.load()
		synctest.Wait()
		for key, want := range map[string]string{"shared": "401", "own": "b"} {
			if got := w.who(key); got != want {
				t.Errorf("%s: %s, want %s", key, got, want)
			}
		}
		if n := w.g.Notices(); len(n) != 2 || !strings.Contains(n[0], "it counts for neither") || len(w.logged("reason=disputed-key", "key="+shared.Hash().ID())) != 1 {
			t.Errorf("notices %q\n%s", n, w.log)
		}
		k.hold("b", w.keys["own"])
		time.Sleep(20 * time.Second)
		if got := w.who("shared"); got != "a" {
			t.Errorf("when b has given it up: %s", got)
		}
	})
}

func TestAReloadForgetsNoKeyForAMoment(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		w.newKey("stranger")
		k.hold("a", w.newKey("one"))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		next, err := New(w.cfg, w.shared)
		if err != nil {
			t.Fatal(err)
		}
		old := w.g
		expect := func(when string, g *Gateway) {
			t.Helper()
			for key, want := range map[string]string{"one": "a", "stranger": "401"} {
				if got := who(g, w.ticket(key), ""); got != want {
					t.Errorf("%s, %s: %s, want %s", when, key, got, want)
				}
			}
		}
		expect("before it is in force", next)
		next.Commit()
		expect("once it is in force", next)
		old.Close()
		expect("when the old one is closed", next)
		expect("and for calls that the old one still has", old)
		synctest.Wait()
		expect("when the store has told it", next)
		w.g = next
		refused, err := New(w.cfg, w.shared)
		if err != nil {
			t.Fatal(err)
		}
		refused.Close()
		expect("when another was not put into force", next)
	})
}

func TestClosedGatewaysLeaveNothingBehind(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		k.hold("a", w.newKey("one"))
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{} })
		synctest.Wait()
		if n := len(k.store.Status()); n != 0 || len(w.shared.keys.held) != 0 {
			t.Errorf("%d records in use, %d held", n, len(w.shared.keys.held))
		}
		if _, found, _ := w.shared.keys.ring.Find(w.keys["one"].Hash(), func(record) bool { return true }); found {
			t.Error("the key is remembered")
		}
	})
}

func TestAReadingThatComesTooLateChangesNothing(t *testing.T) {
	var k keyring
	r := record{path: "a"}
	all := func(record) bool { return true }
	if _, current := k.set(r, time.Unix(5, 0), []identity.Hash{{1}}); current {
		t.Error("nobody holds it")
	}
	k.hold(r)
	k.hold(r)
	k.set(r, time.Unix(5, 0), []identity.Hash{{1}})
	if _, current := k.set(r, time.Unix(4, 0), []identity.Hash{{2}}); current {
		t.Error("an older reading counts")
	}
	if _, found, _ := k.ring.Find(identity.Hash{1}, all); !found {
		t.Error("the key is lost")
	}
	k.letGo(r)
	if _, found, _ := k.ring.Find(identity.Hash{1}, all); !found {
		t.Error("the key is lost with the first of two")
	}
	k.letGo(r)
	if _, found, _ := k.ring.Find(identity.Hash{1}, all); found || len(k.held) != 0 {
		t.Error("the key stays")
	}
}

func TestRecordsOfKeysMustBeThereForOneEach(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keySafe()
		cfg := w.cfg
		cfg.Integrations = []Integration{
			{Integration: identity.Integration{Name: "x", Login: "main"}, KeyFrom: Ref{"vault", "keys"}},
			{Integration: identity.Integration{Name: "y", Login: "main"}, KeyFrom: Ref{"vault", "keys"}},
			{Integration: identity.Integration{Name: "z", Login: "main"}, KeyFrom: Ref{"safe", "keys"}},
			{Integration: identity.Integration{Name: "q", Login: "main"}, KeyFrom: Ref{"vault", ""}},
		}
		_, err := New(cfg, w.shared)
		for _, want := range []string{
			"integrations x and y both have key_from vault keys: ", `integration z: key_from: there is no secret store "safe"`, `integration q: key_from names no record of store "vault"`,
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
}

// TestKeysChangeUnderLoad: a key that stays in a record is known at every moment, one that never was in it at none, and
// what is asked for at the same time is asked of a gateway that is being replaced, too.
func TestKeysChangeUnderLoad(t *testing.T) {
	inWorld(t, func(w *world) {
		k := w.keySafe()
		stays := w.newKey("stays")
		w.newKey("stranger")
		k.hold("a", stays)
		w.change("a", func(i *Integration) { i.KeyFrom = Ref{"vault", "a"} })
		synctest.Wait()
		var asked atomic.Int64
		over := make(chan struct{})
		asks := map[string]string{"stays": "a", "stranger": "401", "b": "b"}
		for key, want := range asks {
			for range 3 {
				req := w.ticket(key)
				go func() {
					for n := 0; ; n++ {
						select {
						case <-over:
							return
						case <-time.After(time.Duration(n%7) * 7 * time.Millisecond):
						}
						w.mu.Lock()
						g := w.g
						w.mu.Unlock()
						if got := who(g, req, fmt.Sprintf("10.0.%d.%d", n/200%200, n%200)); got != want {
							t.Errorf("%s: %s, want %s", key, got, want)
						}
						asked.Add(1)
					}
				}()
			}
		}
		for i := range 30 {
			comes, err := identity.NewKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			k.hold("a", stays, comes)
			k.store.Refresh("a")
			if i%10 == 9 {
				w.load()
			}
			time.Sleep(1500 * time.Millisecond)
			if got := who(w.g, requestWith(comes), ""); got != "a" {
				t.Errorf("key %d: %s", i, got)
			}
		}
		close(over)
		synctest.Wait()
		if asked.Load() < 1000 {
			t.Errorf("asked %d times only", asked.Load())
		}
	})
}

// manyRecords are gateways' record keys for n integrations, all read.
func manyRecords(tb testing.TB, n int) (*Gateway, identity.Key, *keySafe) {
	tb.Helper()
	k := &keySafe{safe: &safe{records: map[string]secret.Record{}}}
	quiet := slog.New(slog.DiscardHandler)
	k.store = secret.NewStore("vault", k.safe, secret.Options{Logger: quiet, Poll: time.Hour})
	k.store.Start(context.Background())
	cfg := Config{Stores: map[string]Store{"vault": {k.store, "vault"}}, Log: quiet, Logins: []Login{{Name: "main", Store: "vault", Path: "login", Settings: guard.Settings{}.WithDefaults()}}}
	var last identity.Key
	for i := range n {
		path := fmt.Sprint(i)
		key, err := identity.NewKey(rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		k.hold(path, key)
		last = key
		cfg.Integrations = append(cfg.Integrations, Integration{Integration: identity.Integration{Name: path, Login: "main"}, KeyFrom: Ref{"vault", path}})
	}
	g, err := New(cfg, NewShared(new(guard.Memory), quiet))
	if err != nil {
		tb.Fatal(err)
	}
	g.Commit()
	for _, r := range g.keys.records {
		if _, err := k.store.Wait(context.Background(), r.path); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() { g.Close(); k.store.Stop() })
	return g, last, k
}

func TestThousandsOfRecordsCostACallNoMoreThanTen(t *testing.T) {
	// Thousands of timers in a bubble crash the runtime under the race detector, unless one processor runs them all: go.dev/issue/78156.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var perCall [2]float64
	for i, n := range []int{10, 2_000} { // two goroutines each: the race detector bears 8,128
		synctest.Test(t, func(t *testing.T) {
			g, key, _ := manyRecords(t, n)
			synctest.Wait()
			want := fmt.Sprint(n - 1)
			perCall[i] = testing.AllocsPerRun(100, func() {
				if of, err := g.keys.find(key.Hash()); err != nil || of.Name != want {
					t.Error(of, err)
				}
			})
		})
	}
	if perCall[0] != perCall[1] {
		t.Errorf("%v allocations with 10 and with 2,000 records", perCall)
	}
}

func BenchmarkFindKeyOfARecord(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		g, key, k := manyRecords(b, n)
		for { // the notifications are on their way
			if _, err := g.keys.find(key.Hash()); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.Run(fmt.Sprintf("known/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.keys.find(key.Hash()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("unknown/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := g.keys.find(identity.Hash{1}); !errors.Is(err, identity.ErrUnknown) {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("change/%d", n), func(b *testing.B) {
			r := g.keys.records[0]
			rec, err := k.store.Get(r.path)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				g.keys.apply(r, rec)
			}
		})
	}
}
