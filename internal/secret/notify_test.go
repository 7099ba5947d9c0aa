package secret

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// told collects notifications; they come one at a time, so it needs no lock beyond synctest's waits.
type told struct {
	versions []uint64
	inside   bool
	slow     time.Duration
	t        *testing.T
}

func (n *told) notify(r Record) {
	if n.inside {
		n.t.Error("two notifications at once")
	}
	n.inside = true
	time.Sleep(n.slow)
	n.versions = append(n.versions, r.Version)
	n.inside = false
}

func TestUsersAreToldTheFirstReadingAndEachChange(t *testing.T) {
	source := &fakeSource{version: 1, text: "one"}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		users := []*told{{t: t}, {t: t}}
		for _, u := range users {
			defer s.Use("a", u.notify)()
		}
		steps := []func(f *fakeSource){
			func(*fakeSource) {},
			func(f *fakeSource) { f.version = 2 },                // a new label on the same content
			func(f *fakeSource) { f.text = "two" },               // new content under the same label
			func(*fakeSource) {},                                 // nothing new
			func(f *fakeSource) { f.version, f.text = 1, "one" }, // restored from a backup
			func(f *fakeSource) { f.err = ErrUnavailable },       // nothing new
			func(f *fakeSource) { f.err = nil; f.version = 9 },
		}
		for _, step := range steps {
			source.set(step)
			after(15 * time.Second)
		}
		for _, u := range users {
			if want := []uint64{1, 2, 2, 1, 9}; !slices.Equal(u.versions, want) {
				t.Errorf("told versions %v, want %v", u.versions, want)
			}
		}
	})
}

func TestALateUserIsToldAtOnceThoughTheSourceStalls(t *testing.T) {
	source := &fakeSource{version: 4}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		defer s.Use("a", nil)()
		synctest.Wait()
		source.set(func(f *fakeSource) { f.delay = time.Hour })
		after(16 * time.Second) // a poll hangs now
		late := &told{t: t}
		defer s.Use("a", late.notify)()
		synctest.Wait()
		if !slices.Equal(late.versions, []uint64{4}) {
			t.Errorf("told %v", late.versions)
		}
	})
}

func TestASlowUserIsToldTheNewestAndNeverTwiceAtOnce(t *testing.T) {
	source := &fakeSource{version: 1}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		slow := &told{t: t, slow: 40 * time.Second}
		defer s.Use("a", slow.notify)()
		for v := range uint64(6) {
			source.set(func(f *fakeSource) { f.version = v + 1 })
			after(15 * time.Second)
		}
		after(2 * time.Minute)
		if last := slow.versions[len(slow.versions)-1]; last != 6 || len(slow.versions) >= 6 || !slices.IsSorted(slow.versions) {
			t.Errorf("told %v, want fewer than all, in order, ending with 6", slow.versions)
		}
	})
}

func TestAReleasedUserIsToldNothingMore(t *testing.T) {
	source := &fakeSource{version: 1}
	started(t, source, quiet(), func(t *testing.T, s *Store) {
		stays, goes := &told{t: t}, &told{t: t}
		defer s.Use("a", stays.notify)()
		release := s.Use("a", goes.notify)
		synctest.Wait()
		release()
		source.set(func(f *fakeSource) { f.version = 2 })
		after(15 * time.Second)
		if len(goes.versions) != 1 || len(stays.versions) != 2 {
			t.Errorf("told %v after release and %v without", goes.versions, stays.versions)
		}
	})
}

func TestANotificationMayCallTheStore(t *testing.T) {
	started(t, &fakeSource{version: 1}, quiet(), func(t *testing.T, s *Store) {
		var releases []func()
		called := false
		defer s.Use("a", func(Record) {
			called = true
			releases = append(releases, s.Use("b", nil))
			s.Refresh("a")
			_, _ = s.Get("a")
			s.Status()
			s.Configure(quiet())
		})()
		after(time.Minute)
		if !called || len(s.Status()) != 2 {
			t.Errorf("called: %v, records in use: %+v", called, s.Status())
		}
		for _, release := range releases {
			release()
		}
	})
}
