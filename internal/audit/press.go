package audit

import (
	"fmt"
	"time"
)

// press is the one goroutine of a Writer that makes lines and writes them.
type press struct {
	w      *Writer
	sealer sealer

	buf   []byte
	ends  []int  // where the lines in buf end
	first uint64 // the Seq of the first of them
	notes int    // how many of them are no items: they come first
	spare []item

	written uint64 // the last line that the output surely took
	synced  uint64 // the last one that is surely on disk
	broken  bool   // the last Write or Sync failed: nobody knows what is there after written
	closed  bool   // the chain's last line is on disk

	pause  time.Duration // before the next try
	due    time.Time     // when to try again, or to sync; zero: never
	syncBy time.Time     // when what was written is to be on disk, so that it can be anchored; zero: it is
}

func newPress(w *Writer) *press {
	return &press{w: w, sealer: sealer{
		chain: newChain(), key: w.config.Key.ID, process: w.config.Process, coder: newCoder(w.config.Key),
	}}
}

// run writes until the Writer is closed.
func (p *press) run() {
	defer close(p.w.ended)
	for p.flush(); !p.closed; p.flush() {
		if !p.wait() {
			p.giveUp()
			return
		}
	}
}

// wait waits until there is something to do. It returns false where Close gave up.
func (p *press) wait() bool {
	var due <-chan time.Time
	if !p.due.IsZero() {
		timer := time.NewTimer(time.Until(p.due))
		defer timer.Stop()
		due = timer.C
	}
	for {
		select {
		case <-due:
			return true
		case <-p.w.give:
			return false
		case <-p.w.wake:
		}
		if _, waited := p.w.hurry(); waited || !p.broken {
			p.gather()
			return true
		}
	}
}

// gather waits for more lines, so that they are written at once, where nobody waits for one.
func (p *press) gather() {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		if hurry, _ := p.w.hurry(); hurry {
			return
		}
		select {
		case <-timer.C:
			return
		case <-p.w.wake:
		}
	}
}

// flush writes what waits.
func (p *press) flush() {
	items, lost, closing := p.w.next(p.spare)
	p.spare, p.due = nil, time.Time{}
	for all := items; ; lost = 0 {
		n := p.compose(items, lost, closing)
		if err := p.print(items[:n], lost); err != nil {
			p.fail(items, n, err)
			return
		}
		if items = items[n:]; len(items) == 0 {
			clear(all)
			p.spare = all
			return
		}
	}
}

// compose makes lines of the first items, and of what has to be said before them. It returns how many items those are.
func (p *press) compose(items []item, lost uint64, closing bool) (n int) {
	p.buf, p.ends, p.first = p.buf[:0], p.ends[:0], p.sealer.seq+1
	if p.broken || p.written == 0 {
		// A line may have been torn, by us or by the process before: ours begin on a line of their own.
		p.buf = append(p.buf, '\n')
		p.note(p.beginning())
	}
	if lost > 0 {
		p.note(note{Word: wordLost, Count: lost})
	}
	p.notes = len(p.ends)
	for n < len(items) && len(p.buf) < maxBatch {
		p.buf = p.sealer.entry(p.buf, &items[n].entry)
		p.ends = append(p.ends, len(p.buf))
		n++
	}
	if closing && n == len(items) {
		p.note(note{Word: wordClose})
		p.closed = true
	}
	return n
}

func (p *press) note(n note) {
	p.buf = p.sealer.note(p.buf, p.w.config.Now(), time.Since(p.w.began), n)
	p.ends = append(p.ends, len(p.buf))
}

// beginning is what is said first in a chain, and after a failure: which lines may not be there.
func (p *press) beginning() (n note) {
	n.Word = wordResume
	if p.written == 0 {
		n.Word, n.Version, n.Host = wordStart, 1, p.w.config.Host
		if f := p.w.config.Former; f != nil {
			n.Former = &former{f.Chain, f.Seq, f.MAC}
		}
	}
	if p.written < p.sealer.seq {
		n.From, n.To = p.written+1, p.sealer.seq
	}
	return n
}

// succeed tells those who wait.
func (p *press) succeed(items []item) {
	p.broken, p.pause = false, 0
	p.due = p.syncBy
	p.w.fine()
	for i, one := range items {
		if one.done != nil {
			one.done <- written{seq: p.first + uint64(p.notes+i)}
		}
	}
}

// fail tells those who wait, and keeps what nobody waits for until it can be written. Of the items the first n were to be
// written.
func (p *press) fail(items []item, n int, err error) {
	p.broken, p.closed = true, false
	p.pause = min(max(2*p.pause, firstPause), longestPause)
	p.due = time.Now().Add(p.pause)
	p.w.failed(err)
	kept := items[:0]
	for i, one := range items {
		switch {
		case one.done != nil:
			one.done <- written{err: fmt.Errorf("%w: %w", ErrNotWritten, err)}
		case i < n && p.isWritten(i):
		default:
			one.entry.Again = one.entry.Again || i < n
			kept = append(kept, one)
		}
	}
	p.w.putBack(kept)
}

// isWritten reports whether the item's line was written all the same, before the Write failed.
func (p *press) isWritten(i int) bool { return p.first+uint64(p.notes+i) <= p.written }

// giveUp leaves what cannot be written.
func (p *press) giveUp() {
	items, _, _ := p.w.next(nil)
	left := 0
	for _, one := range items {
		if one.done != nil {
			one.done <- written{err: ErrNotWritten}
			continue
		}
		left++
	}
	p.w.leave(left)
}
