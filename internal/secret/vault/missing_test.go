package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

func TestAThousandRecordsCostOneLookAtTheMetadataEachPerPoll(t *testing.T) {
	f := newFake()
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, _ *notes) {
		for i := range 1000 {
			defer s.Use(fmt.Sprint(i), nil)()
		}
		after(150 * time.Second) // ten polls
		if login, data, metadata, all := f.count("login"), f.count("kv/data/"), f.count("kv/metadata/"), len(f.asked); login != 1 || data != 1000 || metadata != 10_000 || all != 11_001 {
			t.Errorf("%d sign-ins, %d readings, %d looks, %d in all", login, data, metadata, all)
		}
		if f.most > 4 {
			t.Errorf("%d questions at once", f.most)
		}
	})
}

func TestASealedVaultIsServedForAnHourAndComesBack(t *testing.T) {
	f := newFake()
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, log *notes) {
		for i := range 100 {
			defer s.Use(fmt.Sprint(i), nil)()
		}
		after(150 * time.Second)
		f.set(func(f *fake) { f.sealed, f.asked = true, nil })
		after(time.Hour)
		if r, err := s.Get("7"); err != nil || r.Version != 1 {
			t.Errorf("after an hour: %+v, %v", r, err)
		}
		after(time.Hour)
		if _, err := s.Get("7"); !errors.Is(err, secret.ErrStale) || !strings.Contains(err.Error(), "is sealed") {
			t.Errorf("after two: %v", err)
		}
		if status := s.Status()[7]; !status.Stale || !strings.Contains(status.LastError, "is sealed: it must be unsealed") {
			t.Errorf("status after two hours: %+v", status)
		}
		if st, _ := s.Session(); st.SignedIn || !strings.Contains(st.Error, "is sealed") {
			t.Errorf("session after two hours: %+v", st)
		}
		if n := len(f.asked); n > 2*3600/15+60 { // the token is tried to be renewed meanwhile
			t.Errorf("asked %d times in two hours", n)
		}
		f.set(func(f *fake) { f.sealed = false })
		after(16 * time.Second)
		for _, status := range s.Status() {
			if status.Stale || status.LastError != "" {
				t.Fatalf("when it is back: %+v", status)
			}
		}
		if st, _ := s.Session(); !st.SignedIn || st.Error != "" {
			t.Errorf("session when it is back: %+v", st)
		}
		for message, want := range map[string]int{
			"secret store cannot be read": 1, "secret store can be read again": 1, "secret record cannot be read": 0, "secret record is too old": 100,
		} {
			if n := strings.Count(log.String(), message); n != want {
				t.Errorf("the log says %d times %q, want %d", n, message, want)
			}
		}
	})
}

func TestWhereTheMetadataIsDeniedTheRecordIsReadAtEachPoll(t *testing.T) {
	f := newFake()
	f.denied["kv/metadata/a"], f.denied["kv/metadata/b"] = true, true
	stored(t, f, Config{}, func(t *testing.T, s *secret.Store, log *notes) {
		defer s.Use("a", nil)()
		defer s.Use("b", nil)()
		defer s.Use("c", nil)()
		after(9 * time.Minute) // 36 polls
		if data, metadata := f.count("kv/data/a"), f.count("kv/metadata/a"); data != 37 || metadata != 1 {
			t.Errorf("%d readings and %d looks, want 37 and 1", data, metadata)
		}
		if f.count("kv/metadata/c") != 36 || f.count("login") != 1 {
			t.Errorf("%d looks at another record, %d sign-ins", f.count("kv/metadata/c"), f.count("login"))
		}
		if n := strings.Count(log.String(), "policy_needs"); n != 1 || !strings.Contains(log.String(), `\" { capabilities = [\"read\"] }`) {
			t.Errorf("the log says it %d times:\n%s", n, log)
		}
		f.set(func(f *fake) { clear(f.denied) })
		after(2 * time.Minute)
		before := f.count("kv/data/a")
		after(5 * time.Minute)
		if n := f.count("kv/data/a") - before; n != 0 {
			t.Errorf("%d readings though the metadata is granted", n)
		}
	})
}

func TestMissingRecordsAskForTheEngineOnceAMinute(t *testing.T) {
	f := newFake()
	stored(t, f, Config{Mount: "old"}, func(t *testing.T, s *secret.Store, _ *notes) { // the fake knows kv alone
		for i := range 100 {
			defer s.Use(fmt.Sprint(i), nil)()
		}
		after(10 * time.Minute)
		if n := f.count("sys/internal/ui/mounts/old"); n > 11 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		if status := s.Status()[0]; !strings.Contains(status.LastError, "there is no record at old/0") {
			t.Errorf("status %+v", status)
		}
	})
}
