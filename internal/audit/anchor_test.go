package audit

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// store is Anchors that may fail or hang.
type store struct {
	Memory
	mu   sync.Mutex
	fail error
	n    int
	hang bool
}

func (s *store) Put(ctx context.Context, h Head) error {
	s.mu.Lock()
	s.n++
	fail, hang := s.fail, s.hang
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fail != nil {
		return fail
	}
	return s.Memory.Put(ctx, h)
}

func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// puts is how often a head came.
func (s *store) puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *store) seq(t testing.TB) uint64 {
	list := heads(t, s)
	if len(list) == 0 {
		return 0
	}
	return list[0].Seq
}

func TestTheTailThatIsNotAnchoredIsShort(t *testing.T) {
	for _, required := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, d := &store{}, &disk{}
			w := open(t, Config{Output: d, Anchors: s, Required: required})
			synctest.Wait()
			if s.seq(t) != 1 {
				t.Errorf("the first line is anchored at once: %d", s.seq(t))
			}
			for range 100 {
				_ = w.Append(t.Context(), read("1"))
			}
			time.Sleep(DefaultAnchorEvery + 2*gather)
			if s.seq(t) != 101 {
				t.Errorf("after the time: %d", s.seq(t))
			}
			time.Sleep(time.Hour)
			if w.Status().Anchored.Seq != 101 {
				t.Errorf("%+v", w.Status())
			}
			puts := s.puts()
			time.Sleep(time.Hour)
			if s.puts() != puts {
				t.Error("the same head is anchored again and again")
			}
		})
	}
}

func TestManyLinesAreAnchoredSooner(t *testing.T) {
	for _, required := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, d := &store{}, &disk{}
			w := open(t, Config{Output: d, Anchors: s, Required: required, AnchorEvery: time.Hour, AnchorLines: 100})
			for n := range uint64(1000) {
				_ = w.Append(t.Context(), read("1"))
				time.Sleep(time.Millisecond)
				if behind := n - min(s.seq(t), n); behind > 100+uint64(gather/time.Millisecond) {
					t.Fatalf("it is %d lines behind", behind)
				}
			}
			if s.puts() > 12 {
				t.Errorf("%d anchors", s.puts())
			}
		})
	}
}

func TestAStoreThatIsDownHoldsNobodyUpAndIsTold(t *testing.T) {
	for _, hang := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, d, o := &store{fail: errors.New("down"), hang: hang}, &disk{}, &told{}
			w := open(t, Config{Output: d, Anchors: s, Required: true, Told: o.tell})
			began := time.Now()
			for range 10 {
				if err := w.Append(t.Context(), read("1")); err != nil {
					t.Error(err)
				}
			}
			if time.Since(began) > 0 {
				t.Error("a call waited for the store")
			}
			time.Sleep(time.Minute)
			if st := w.Status(); st.AnchorErr == nil || st.Anchored.Seq != 0 || s.puts() > 61 {
				t.Errorf("%+v, %d puts", st, s.puts())
			}
			s.set(func() { s.fail, s.hang = nil, false })
			time.Sleep(time.Minute)
			if s.seq(t) != 11 || o.String() != "anchor-failed 0, anchored 0" || w.Status().AnchorErr != nil {
				t.Errorf("%d, %s", s.seq(t), o)
			}
		})
	}
}

func TestCloseSaysThatTheLastHeadIsNotAnchored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := &store{fail: errors.New("down")}, &disk{}
		w := open(t, Config{Output: d, Anchors: s})
		if err := shut(w); err == nil || !strings.Contains(err.Error(), "not anchored: down") {
			t.Error(err)
		}
		if len(d.lines()) != 2 {
			t.Error(d.text())
		}
	})
}

func TestMemoryKeepsTheHighestHeadOfEachChain(t *testing.T) {
	var m Memory
	for _, h := range []Head{{Chain: "b", Seq: 2}, {Chain: "a", Seq: 5, MAC: "x"}, {Chain: "a", Seq: 4}, {Chain: "a", Seq: 5, MAC: "y"}} {
		if err := m.Put(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if got := heads(t, &m); len(got) != 2 || got[0].MAC != "x" || got[1].Chain != "b" || got[0].Number != 2 || got[1].Number != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTheLastHeadOfAHostIsTheLatest(t *testing.T) {
	at := time.Now()
	list := []Head{{Chain: "a", Host: "x", At: at}, {Chain: "b", Host: "x", At: at.Add(1)}, {Chain: "c", Host: "y", At: at.Add(2)}}
	if h, ok := LastOf(list, "x"); !ok || h.Chain != "b" {
		t.Errorf("%+v", h)
	}
	t.Run("by their numbers, where a clock went back", func(t *testing.T) {
		list := []Head{{Chain: "a", Host: "x", Number: 7, At: at.Add(-time.Hour)}, {Chain: "b", Host: "x", Number: 6, At: at}, {Chain: "c", Host: "x", At: at.Add(time.Hour)}}
		if h, ok := LastOf(list, "x"); !ok || h.Chain != "a" {
			t.Errorf("%+v", h)
		}
	})
	if _, ok := LastOf(list, "z"); ok {
		t.Error("a host without chains has a head")
	}
}

// firstHangs are Anchors whose first Put does not end by itself.
type firstHangs struct {
	Memory
	once sync.Once
}

// Put implements Anchors.
func (s *firstHangs) Put(ctx context.Context, h Head) (err error) {
	s.once.Do(func() {
		<-ctx.Done()
		err = ctx.Err()
	})
	if err != nil {
		return err
	}
	return s.Memory.Put(ctx, h)
}

func TestAClosingLogIsNotSaidToLackItsAnchor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, anchors := &told{}, &firstHangs{}
		w := open(t, Config{Output: &disk{}, Anchors: anchors, Told: o.tell})
		synctest.Wait() // a head is on its way
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if list := heads(t, anchors); o.String() != "" || len(list) != 1 || list[0].Seq != w.Status().Head.Seq || !list[0].Closed {
			t.Errorf("told %q, anchored %+v", o, list)
		}
	})
}
