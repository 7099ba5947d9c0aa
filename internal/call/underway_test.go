package call

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// hang makes calls that the PSA takes and does not answer, until the function that is returned is called.
func (w *world) hang(integrations ...string) (release func()) {
	w.Helper()
	held := w.sim.Fault(psatest.Fault{At: psatest.Received, Hold: true, Times: len(integrations), Only: psatest.SignInCall})
	var flying sync.WaitGroup
	for _, name := range integrations {
		flying.Go(func() { _, _ = w.try(context.Background(), name, "GET", "/Tickets/1", "") })
	}
	if err := held.WaitHits(context.Background(), len(integrations)); err != nil {
		w.Fatal(err)
	}
	return func() {
		held.Release()
		flying.Wait()
	}
}

// Calls that the PSA takes and does not answer take the room of all others: both reports say so, before anything has failed.
func TestCallsThatHangAreToldOfWhileTheyTakeAllTheRoom(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		release := w.hang("a", "a", "b")
		began := time.Now()
		time.Sleep(9 * time.Second)
		if h := w.g.Status().Logins[0].Hanging; h != nil {
			t.Errorf("after 9 seconds: %+v", h)
		}
		time.Sleep(2 * time.Second)
		st := w.g.Status().Logins[0]
		if h := st.Hanging; h == nil || h.Calls != 3 || !h.AllRoom || !h.Since.Equal(began) || h.Zone != zoneFive || strings.Join(h.Integrations, " ") != "a b" {
			t.Errorf("%+v", h)
		}
		if st.State != report.LoginServing || !strings.Contains(st.Advice, "3 calls of a, b without an answer") {
			t.Errorf("%s: %s", st.State, st.Advice)
		}
		if l := w.failures(); l.Next != st.Advice || len(l.Attempts) != 0 {
			t.Errorf("next %q", l.Next)
		}
		release()
		synctest.Wait()
		if h := w.g.Status().Logins[0].Hanging; h != nil {
			t.Errorf("answered, and %+v", h)
		}
		if n := len(w.shared.underWay.of); n != 0 {
			t.Errorf("%d attempts are remembered for ever", n)
		}
		w.safeNow()
	})
}

func TestCallsThatHangBesideOthersAreNoNews(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		release := w.hang("a", "b")
		time.Sleep(time.Minute)
		w.served("a")
		if h := w.g.Status().Logins[0].Hanging; h != nil {
			t.Errorf("%+v", h)
		}
		release()
	})
}

// An integration's part of the room is taken by its own calls: its others wait, and those of the rest go on.
func TestCallsThatHangInFrontOfTheirOwnIntegrationsAreToldOf(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		release := w.hang("a", "a")
		time.Sleep(11 * time.Second)
		waits := make(chan struct{})
		go func() {
			defer close(waits)
			_, _ = w.try(context.Background(), "a", "GET", "/Tickets/1", "")
		}()
		synctest.Wait()
		w.served("b")
		st := w.g.Status().Logins[0]
		if h := st.Hanging; h == nil || h.Calls != 2 || h.AllRoom {
			t.Errorf("%+v, %d wait", h, st.Queue.Waiting)
		}
		release()
		<-waits
	})
}

// A call that is given up has failed: it is told of as such, and not as one that hangs.
func TestACallThatIsGivenUpHangsNoMore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		release := w.hang("a", "a", "b")
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		st := w.g.Status().Logins[0]
		if st.Hanging != nil || st.Units.Lost != 3 || st.Units.LostUntil == nil {
			t.Errorf("%+v, %+v", st.Hanging, st.Units)
		}
		if l := w.failures(); l.Units.Lost != 3 || len(l.Attempts) != 3 {
			t.Errorf("%+v", l.Units)
		}
		release()
	})
}
