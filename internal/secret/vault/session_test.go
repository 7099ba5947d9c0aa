package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// mustRead reads a record, which must be there.
func mustRead(t *testing.T, s *Source) {
	t.Helper()
	if _, err := s.Read(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
}

func TestReadingsShareOneSignIn(t *testing.T) {
	f := newFake()
	f.delay = time.Second
	faked(t, f, Config{}, func(t *testing.T, s *Source, log *notes) {
		if s.Session().SignedIn || len(f.asked) > 0 {
			t.Error("New has connected")
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if _, err := s.Read(t.Context(), fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if f.count("login") != 1 || f.count("data") != 100 {
			t.Errorf("%d sign-ins, %d readings", f.count("login"), f.count("data"))
		}
		if st := s.Session(); !st.SignedIn || st.Method != "approle" || st.Error != "" || st.Expires.Sub(st.Since) != time.Hour {
			t.Errorf("session: %+v", st)
		}
		if n := strings.Count(log.String(), "signed in to Vault"); n != 1 {
			t.Errorf("the log has %d sign-ins", n)
		}
	})
}

func TestATokenIsRenewedWhenTwoThirdsOfItsLifeAreOver(t *testing.T) {
	f := newFake()
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, _ *notes) {
		defer s.Use("a", nil)()
		after(39 * time.Minute)
		if f.count("renew-self") != 0 {
			t.Fatal("renewed before")
		}
		after(2 * time.Minute)
		if n := f.count("renew-self"); n != 1 {
			t.Fatalf("renewed %d times", n)
		}
		after(24 * time.Hour)
		if renewals, logins := f.count("renew-self"), f.count("login"); renewals < 36 || renewals > 37 || logins != 1 {
			t.Errorf("%d renewals and %d sign-ins in a day", renewals, logins)
		}
		if st, _ := s.Session(); !st.SignedIn || time.Until(st.Expires) < 19*time.Minute {
			t.Errorf("session: %+v", st)
		}
	})
}

func TestASignInReplacesATokenThatCannotBeRenewed(t *testing.T) {
	for name, give := range map[string]fakeToken{
		"as it reaches the end of its life": {ttl: time.Hour, maxTTL: 90 * time.Minute, renewable: true},
		"as a batch token":                  {ttl: time.Hour},
		"as the policy does not let it":     {ttl: time.Hour, renewable: true, noDefault: true},
	} {
		f := newFake()
		f.give = give
		stored(t, f, Config{}, func(t *testing.T, s *secret.Store, log *notes) {
			defer s.Use("a", nil)()
			after(10 * time.Hour)
			if n := f.count("login"); n < 6 || n > 16 {
				t.Errorf("%s: %d sign-ins in ten hours", name, n)
			}
			if n := f.count("renew-self"); n > f.count("login") {
				t.Errorf("%s: %d renewals were tried", name, n)
			}
			if status := s.Status()[0]; status.LastError != "" || strings.Contains(log.String(), "level=WARN") {
				t.Errorf("%s: status %+v, log:\n%s", name, status, log)
			}
		})
	}
}

func TestATokenServesToTheEndOfItsLifeWhenNoOtherCanBeHad(t *testing.T) {
	f := newFake()
	f.give = fakeToken{ttl: time.Hour}
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, log *notes) {
		defer s.Use("a", nil)()
		after(time.Minute)
		f.set(func(f *fake) { delete(f.proofs, planted) })
		after(58 * time.Minute)
		st, _ := s.Session()
		if status := s.Status()[0]; status.LastError != "" || !st.SignedIn || !strings.Contains(st.Error, "secret id may be wrong") {
			t.Errorf("before the end: %+v, session %+v", status, st)
		}
		if n := f.count("login"); n > 60 {
			t.Errorf("%d tries to sign in", n)
		}
		after(2 * time.Minute)
		st, _ = s.Session()
		if status := s.Status()[0]; !strings.Contains(status.LastError, "sign-in by approle: Vault answers 400") || st.SignedIn {
			t.Errorf("after the end: %+v, session %+v", status, st)
		}
		if n := strings.Count(log.String(), "the sign-in to Vault is in trouble"); n != 1 {
			t.Errorf("the log has the trouble %d times", n)
		}
		f.set(func(f *fake) { f.proofs[planted] = true })
		after(25 * time.Minute)
		if st, _ = s.Session(); !st.SignedIn || st.Error != "" || s.Status()[0].LastError != "" {
			t.Errorf("when Vault takes it again: %+v, session %+v", s.Status()[0], st)
		}
	})
}

// Vault counts what it refuses of an approle, and locks the role id for all who have it.
func TestARefusedProofIsShownAgainAfterPausesThatGrow(t *testing.T) {
	for method, want := range map[string]string{
		"jwt":     "[0s 1s 3s 7s 15s 31s 1m1s 1m31s 2m1s",
		"approle": "[0s 30s 20m30s 40m30s]",
	} {
		t.Run(method, func(t *testing.T) { refusedAgainAndAgain(t, method, want) })
	}
}

func refusedAgainAndAgain(t *testing.T, method, want string) {
	f := newFake()
	f.proofs = map[string]bool{}
	path := filepath.Join(t.TempDir(), "jwt")
	if err := os.WriteFile(path, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Auth: Auth{Method: method, Role: "r", Secret: is(planted), Path: path}}
	faked(t, f, cfg, func(t *testing.T, s *Source, _ *notes) {
		begin := time.Now()
		var tries []time.Duration
		for range 3600 { // a reading each second
			before := f.count("login")
			_, err := s.Read(t.Context(), "a")
			if !errors.Is(err, secret.ErrDown) || strings.Contains(err.Error(), planted) {
				t.Fatalf("error: %v", err)
			}
			if f.count("login") > before {
				tries = append(tries, time.Since(begin))
			}
			time.Sleep(time.Second)
		}
		if got := fmt.Sprint(tries); !strings.HasPrefix(got, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
	})
}

func TestAnotherSecretIDIsTriedAtOnce(t *testing.T) {
	f := newFake()
	text := &rotating{text: "wrong"}
	cfg := Config{Auth: Auth{Method: "approle", Role: "r", Secret: text.get}}
	faked(t, f, cfg, func(t *testing.T, s *Source, _ *notes) {
		for range 100 {
			_, _ = s.Read(t.Context(), "a")
			time.Sleep(time.Second)
		}
		text.set(planted)
		mustRead(t, s)
	})
}

func TestASignInThatStallsHoldsUpNobodyForLongerThanHeWaits(t *testing.T) {
	f := newFake()
	f.delay = time.Hour
	faked(t, f, Config{}, func(t *testing.T, s *Source, _ *notes) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := s.Read(ctx, "a"); !errors.Is(err, secret.ErrDown) {
					t.Errorf("error: %v", err)
				}
			})
		}
		all.Wait()
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("waited %s", waited)
		}
		f.set(func(f *fake) { f.delay = 0 })
		time.Sleep(time.Nanosecond) // who asks at the moment of a failure shares it
		mustRead(t, s)
	})
}

func TestADeadTokenIsReplacedAndTheReadingRepeated(t *testing.T) {
	f := newFake()
	faked(t, f, Config{}, func(t *testing.T, s *Source, _ *notes) {
		mustRead(t, s)
		f.set(func(f *fake) { clear(f.tokens) }) // revoked, or Vault was restored
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := s.Read(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if f.count("login") != 2 || f.count("lookup-self") != 1 {
			t.Errorf("%d sign-ins, %d look-ups; want 2 and 1", f.count("login"), f.count("lookup-self"))
		}
	})
}

func TestALackOfPermissionIsToldFromADeadToken(t *testing.T) {
	f := newFake()
	f.denied["kv/data/a"] = true
	for i := range 100 {
		f.denied[fmt.Sprintf("kv/data/c%d", i)] = true
	}
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, _ *notes) {
		defer s.Use("a", nil)()
		defer s.Use("b", nil)()
		for i := range 100 {
			defer s.Use(fmt.Sprintf("c%d", i), nil)()
		}
		after(10 * time.Minute)
		status := s.Status()
		if !strings.Contains(status[0].LastError, "Vault denies kv/data/a: the policy of the token must have `path \"kv/data/a\" { capabilities = [\"read\"] }`") ||
			strings.Contains(status[0].LastError, "not valid any more") || status[1].LastError != "" {
			t.Errorf("status %+v", status)
		}
		if f.count("login") != 1 || f.count("lookup-self") > 60 {
			t.Errorf("%d sign-ins, %d look-ups in ten minutes", f.count("login"), f.count("lookup-self"))
		}
	})
}

// Each sign-in may use up a secret id, so a permission that is missing costs ever fewer of them.
func TestATokenThatCannotLookItselfUpIsReplacedOnSuspicionEverMoreSeldom(t *testing.T) {
	f := newFake()
	f.give.noDefault = true
	f.denied["kv/data/a"] = true
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, _ *notes) {
		defer s.Use("a", nil)()
		defer s.Use("b", nil)()
		after(10*time.Minute + time.Second)
		if n := f.count("login"); n != 4 { // the first, and after 1, 2 and 4 minutes
			t.Errorf("%d sign-ins in ten minutes", n)
		}
		if status := s.Status(); !strings.HasSuffix(status[0].LastError, ", or the token is not valid any more") || status[1].LastError != "" {
			t.Errorf("status %+v", status)
		}
		f.set(func(f *fake) { clear(f.tokens) })
		after(10 * time.Minute)
		if status := s.Status(); status[1].LastError != "" {
			t.Errorf("a dead token was not replaced: %+v", status)
		}
	})
}

func TestATokenForAFewRequestsIsReplacedWhenTheyAreUsedUp(t *testing.T) {
	f := newFake()
	f.give.uses = 3
	faked(t, f, Config{}, func(t *testing.T, s *Source, log *notes) {
		for range 30 {
			mustRead(t, s)
		}
		if f.count("login") != 10 || f.count("lookup-self") != 0 {
			t.Errorf("%d sign-ins, %d look-ups for 30 readings", f.count("login"), f.count("lookup-self"))
		}
		if n := strings.Count(log.String(), "token_num_uses"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
	})
}

// static is a config that signs in with a token.
func static(text secret.Func) Config { return Config{Auth: Auth{Method: "token", Secret: text}} }

func TestATokenOfTheConfigIsLookedUpAndRenewed(t *testing.T) {
	f, text := newFake(), &rotating{text: planted}
	stored(t, f, static(text.get), func(t *testing.T, s *secret.Store, _ *notes) {
		f.add(planted, fakeToken{ttl: time.Hour, renewable: true})
		defer s.Use("a", nil)()
		after(24 * time.Hour)
		if n := f.count("renew-self"); n < 36 || n > 37 || f.count("lookup-self") != 1 || s.Status()[0].LastError != "" {
			t.Errorf("%d renewals, %d look-ups, %+v", n, f.count("lookup-self"), s.Status()[0])
		}
	})
}

func TestARootTokenHasNoEnd(t *testing.T) {
	f, text := newFake(), &rotating{text: planted}
	stored(t, f, static(text.get), func(t *testing.T, s *secret.Store, _ *notes) {
		f.add(planted, fakeToken{})
		defer s.Use("a", nil)()
		after(24 * time.Hour)
		if st, _ := s.Session(); f.count("auth/") != 1 || !st.SignedIn || !st.Expires.IsZero() {
			t.Errorf("%d questions about the token, %+v", f.count("auth/"), st)
		}
	})
}

func TestATokenOfTheConfigThatCannotBeProlongedIsWarnedOfInTime(t *testing.T) {
	for name, given := range map[string]fakeToken{
		"not renewable": {ttl: time.Hour},
		"at its end":    {ttl: time.Hour, maxTTL: time.Hour, renewable: true},
	} {
		f, text := newFake(), &rotating{text: planted}
		stored(t, f, static(text.get), func(t *testing.T, s *secret.Store, log *notes) {
			f.add(planted, given)
			defer s.Use("a", nil)()
			after(50 * time.Minute)
			st, _ := s.Session()
			if !st.SignedIn || !strings.Contains(st.Error, "cannot be prolonged") || s.Status()[0].LastError != "" {
				t.Errorf("%s: before the end: %+v", name, st)
			}
			after(15 * time.Minute)
			if status := s.Status()[0]; !strings.Contains(status.LastError, "sign-in by token: the token is not valid any more (expired") {
				t.Errorf("%s: after the end: %+v", name, status)
			}
			if n := f.count("auth/"); n > 40 {
				t.Errorf("%s: %d questions about the token", name, n)
			}
			if n := strings.Count(log.String(), "cannot be prolonged"); n != 1 {
				t.Errorf("%s: the log says it %d times", name, n)
			}
			f.set(func(f *fake) { f.add("hvs.next", fakeToken{ttl: time.Hour}) })
			text.set("hvs.next")
			after(20 * time.Second)
			if st, _ := s.Session(); !st.SignedIn || st.Error != "" || s.Status()[0].LastError != "" {
				t.Errorf("%s: with another token: %+v", name, st)
			}
		})
	}
}

func TestATokenOfTheConfigThatIsReplacedInTimeIsTakenWithoutAGap(t *testing.T) {
	f, text := newFake(), &rotating{text: planted}
	stored(t, f, static(text.get), func(t *testing.T, s *secret.Store, log *notes) {
		f.add(planted, fakeToken{ttl: time.Hour})
		defer s.Use("a", nil)()
		after(50 * time.Minute)
		f.set(func(f *fake) { f.add("hvs.next", fakeToken{ttl: 10 * time.Hour}) })
		text.set("hvs.next")
		after(time.Hour)
		if st, _ := s.Session(); !st.SignedIn || st.Error != "" || strings.Contains(log.String(), "secret store cannot be read") {
			t.Errorf("session %+v, log:\n%s", st, log)
		}
	})
}

func TestATokenOfTheConfigWithoutTheDefaultPolicyServes(t *testing.T) {
	f, text := newFake(), &rotating{text: planted}
	stored(t, f, static(text.get), func(t *testing.T, s *secret.Store, _ *notes) {
		f.add(planted, fakeToken{ttl: time.Hour, noDefault: true})
		defer s.Use("a", nil)()
		after(30 * time.Minute)
		if status := s.Status()[0]; status.LastError != "" {
			t.Errorf("it lives: %+v", status)
		}
		after(31 * time.Minute)
		if status := s.Status()[0]; !strings.HasSuffix(status.LastError, ", or the token is not valid any more") {
			t.Errorf("it is dead: %+v", status)
		}
		f.set(func(f *fake) { f.add("hvs.next", fakeToken{noDefault: true}) })
		text.set("hvs.next")
		after(30 * time.Second)
		if status := s.Status()[0]; status.LastError != "" {
			t.Errorf("another one: %+v", status)
		}
	})
}

func TestATokenFileIsReadAgainAndItsTokenNeverRenewed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := newFake()
	stored(t, f, Config{Auth: Auth{Method: "token_file", Path: path}}, func(t *testing.T, s *secret.Store, _ *notes) {
		defer s.Use("a", nil)()
		after(time.Second)
		if status := s.Status()[0]; !strings.Contains(status.LastError, path+" cannot be read: no such file or directory") {
			t.Errorf("without the file: %+v", status)
		}
		write(" \n")
		after(5 * time.Second)
		if status := s.Status()[0]; !strings.Contains(status.LastError, path+" is empty") {
			t.Errorf("with an empty file: %+v", status)
		}
		f.set(func(f *fake) { f.add("hvs.one", fakeToken{ttl: time.Hour, renewable: true}) })
		write("hvs.one\n")
		after(50 * time.Minute)
		f.set(func(f *fake) { f.add("hvs.two", fakeToken{ttl: time.Hour, renewable: true}) })
		write("hvs.two\n")
		after(50 * time.Minute)
		if status := s.Status()[0]; status.LastError != "" || f.count("renew-self") != 0 {
			t.Errorf("with the second token: %+v, %d renewals", status, f.count("renew-self"))
		}
	})
}

func TestWhatCannotBeATokenIsNotSent(t *testing.T) {
	for text, want := range map[string]string{"": "is empty", planted + "\nx": "holds a space", planted + "é": "holds a space"} {
		f := newFake()
		faked(t, f, static(is(text)), func(t *testing.T, s *Source, _ *notes) {
			_, err := s.Read(t.Context(), "a")
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), planted) || len(f.asked) != 0 {
				t.Errorf("%q: %v, asked %v", text, err, f.asked)
			}
		})
	}
}

func TestASecretIDOfAnotherStoreThatIsNotThereIsSaid(t *testing.T) {
	cfg := Config{Auth: Auth{Method: "approle", Role: "r", Secret: func(context.Context) (secret.Value, error) {
		return secret.Value{}, fmt.Errorf("record %q: %w", "x", secret.ErrPending)
	}}}
	faked(t, newFake(), cfg, func(t *testing.T, s *Source, _ *notes) {
		_, err := s.Read(t.Context(), "a")
		if !errors.Is(err, secret.ErrDown) || !strings.Contains(err.Error(), `auth approle: record "x": not read yet`) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestASignInThatWasCutOffIsNoTrouble(t *testing.T) {
	f := newFake()
	f.delay = time.Hour
	faked(t, f, Config{}, func(t *testing.T, s *Source, log *notes) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, _ = s.Read(ctx, "a")
		if st := s.Session(); st.Error != "" || log.String() != "" {
			t.Errorf("session %+v, log %s", st, log)
		}
	})
}

func TestReadingsThatWaitForASignInShareItsFailure(t *testing.T) {
	f := newFake()
	f.down, f.delay = errors.New("no route to host"), time.Second
	faked(t, f, Config{}, func(t *testing.T, s *Source, _ *notes) {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := s.Read(t.Context(), "a"); !errors.Is(err, secret.ErrDown) || !strings.Contains(err.Error(), "no route to host") {
					t.Errorf("error: %v", err)
				}
			})
		}
		all.Wait()
		if n := f.count("login"); n != 1 {
			t.Errorf("%d tries to sign in", n)
		}
	})
}
