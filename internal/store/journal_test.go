//go:build unix

package store

import (
	"fmt"
	"testing"
	"time"
)

func TestTheJournalTellsOfOtherProcessesAndEarlierOnes(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a, b := p.run(t), p.elsewhere(t).run(t)
		at := time.UnixMicro(time.Now().UnixMicro())
		a.Journal().Fail("k", at, []byte(`{"a":1}`))
		a.Journal().Served(Use{"k", "itglue", "4"}, at)
		a.Journal().Served(Use{"k", "itglue", "4"}, at.Add(2*notedEvery))
		a.Journal().Mark(Mark{"k", "success"}, at)
		read := func(r *running) Page {
			t.Helper()
			page, err := r.Journal().Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		until(t, "the other process has it", func() bool { return len(read(b).Failures) == 1 })
		got := read(b)
		if f := got.Failures[0]; f.Key != "k" || !f.At.Equal(at) || string(f.Data) != `{"a":1}` {
			t.Errorf("failure %+v", f)
		}
		if u := got.Uses[Use{"k", "itglue", "4"}]; !u.Equal(at.Add(2 * notedEvery)) {
			t.Errorf("used at %v", u)
		}
		if m := got.Marks[Mark{"k", "success"}]; !m.Equal(at) {
			t.Errorf("marked at %v", m)
		}
		if n := len(read(a).Failures); n != 0 {
			t.Errorf("its own are told twice: %d", n)
		}
		b.Journal().Mark(Mark{"k", "success"}, at.Add(-time.Hour)) // a clock that goes slow
		b.Journal().Fail("l", at, nil)
		b.close() // which writes what is left
		a.close()
		c := p.run(t)
		got = read(c)
		if len(got.Failures) != 2 || !got.Marks[Mark{"k", "success"}].Equal(at) || got.Since.After(at) {
			t.Errorf("after a restart there is %+v", got)
		}
	})
}

func TestTheJournalIsBounded(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		a := p.run(t)
		now := time.Now()
		for i := range 2 * unwritten {
			a.Journal().Fail("k", now.Add(time.Duration(i)*time.Millisecond), fmt.Append(nil, i))
		}
		if n := len(a.journal.failures); n > unwritten {
			t.Errorf("%d wait", n)
		}
		a.Journal().Fail("k", now.Add(-2*journalKeeps), []byte("old"))
		until(t, "it is written", func() bool {
			a.journal.mu.Lock()
			defer a.journal.mu.Unlock()
			return len(a.journal.failures) == 0
		})
		a.close()
		b := p.run(t) // which prunes at its first beat
		page, err := b.Journal().Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Failures); n == 0 || n > journalFailures || string(page.Failures[0].Data) == "old" {
			t.Errorf("%d are kept, the first is %s", n, page.Failures[0].Data)
		}
	})
}
