package refused_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/psagate/psagate/broker/refused"
)

// world are processes that sign in with whatever they have for the password, and end at any time.
type world struct {
	t       *testing.T
	wrong   string // what must not have happened
	books   *refused.InMemory
	running []*refused.Memory
	right   int // the password that the server takes
	last    map[int]sent
	took    time.Time // when the server last took one
	any     int       // the password that was sent last
}

// sent is the last time that a password went out.
type sent struct {
	at    time.Time
	fate  string
	inRow int // without an answer
}

// may says by the rules, written down once more, whether a password that the server does not take may go out now.
func (w *world) may(password int, now time.Time) bool {
	s, ever := w.last[password]
	if !ever {
		return true
	}
	gone := now.Sub(s.at)
	switch {
	case s.fate == "answered":
		return w.took.After(s.at) && gone >= 15*time.Minute
	case w.any != password: // that it is doubted gave way to another's doubt
		return true
	case s.fate == "killed":
		return gone >= 5*time.Minute
	case s.inRow == 1:
		return true
	case s.inRow == 2:
		return gone >= time.Minute
	}
	return gone >= 5*time.Minute
}

// sends has a process sign in.
func (w *world) sends(process, password int, fate string) {
	a, err := w.running[process].Begin(w.t.Context(), support, fmt.Sprint("password-", password), false)
	if err != nil {
		return
	}
	now := time.Now()
	if !w.may(password, now) {
		w.wrong = fmt.Sprintf("password %d went out %s after %+v", password, now.Sub(w.last[password].at), w.last[password])
	}
	s := sent{now, fate, 1}
	if before := w.last[password]; w.any == password && before.fate != "answered" && !before.at.IsZero() {
		s.inRow = before.inRow + 1
	}
	switch {
	case fate == "killed":
		w.running[process] = replica(w.books)
	case fate == "cut":
		a.End(refused.Unanswered, "")
	case password == w.right:
		w.took = now
		a.End(refused.Accepted, "")
	default:
		a.End(refused.Refused, "")
	}
	w.any = password
	if fate == "answered" && password == w.right {
		delete(w.last, password)
		return
	}
	w.last[password] = s
}

// step is what happens: a process signs in with a password, or time goes by, or the server takes another password from now on.
type step struct {
	process, password, right int
	fate                     string
	sleep                    time.Duration
}

var steps = rapid.Custom(func(t *rapid.T) step {
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0:
		return step{right: rapid.IntRange(1, 3).Draw(t, "right")}
	case 1, 2, 3:
		return step{sleep: time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second}
	}
	return step{
		process: rapid.IntRange(0, 1).Draw(t, "process"), password: rapid.IntRange(1, 3).Draw(t, "password"),
		fate: rapid.SampledFrom([]string{"answered", "answered", "cut", "killed"}).Draw(t, "fate"),
	}
})

func (w *world) does(s step) {
	switch {
	case s.right != 0:
		w.right = s.right
	case s.sleep != 0:
		time.Sleep(s.sleep)
	default:
		w.sends(s.process, s.password, s.fate)
	}
}

// Whatever ends, breaks, or is put into the store and back, a password that the server does not take goes out seldom.
func TestNoStormOfSignIns(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		does := rapid.SliceOfN(steps, 5, 60).Draw(r, "steps")
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			books := new(refused.InMemory)
			w := &world{t: t, books: books, running: []*refused.Memory{replica(books), replica(books)}, right: 1, last: map[int]sent{}}
			for _, s := range does {
				if w.does(s); w.wrong != "" {
					break
				}
			}
			wrong = w.wrong
		})
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}
