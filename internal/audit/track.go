package audit

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// place is where a line is.
type place struct {
	name string
	file int
	line int
}

// span is lines of a chain that follow each other.
type span struct {
	from, to   uint64
	prev, last code // of the line before from, and of to
	first, end place
}

// gap is lines of a chain.
type gap struct{ from, to uint64 }

// jump is a place in a file where a chain's lines do not go on with the next one.
type jump struct {
	gap
	at place
}

// maxSpans is how much disorder of one chain is looked at.
const maxSpans = 20_000

// track is what is known of a chain from the lines that are as they were written.
type track struct {
	chain, key, host, process string
	lines                     uint64
	spans                     []span // by from; none touch, unless they do not fit
	at                        int    // the span that grew last
	began, ended              time.Time
	closed                    bool
	lost                      uint64

	file, top uint64 // the file that is being read, and the highest line of this chain in it
	fileFrom  uint64 // and the first
	lastUp    uint64
	old       uint64 // in µs, at its last line
	lastTime  time.Time
	lastSeq   uint64

	unsure   []gap           // lines that a resume says may not be there
	jumps    []jump          // to be explained by unsure lines, or lines elsewhere
	back     map[uint64]bool // files in which lines are out of order, and were told of
	shuffled bool
	follows  *former
	away     []away // files that were taken away
}

// track returns what is known of a line's chain.
func (v *Verifier) track(l line) *track {
	t := v.chains[l.chain]
	if t == nil {
		t = &track{chain: l.chain, key: l.key, back: make(map[uint64]bool)}
		v.chains[l.chain] = t
		v.order = append(v.order, t)
	}
	return t
}

// line takes a line of the chain, which is as it was written.
func (t *track) line(f *reading, l line, n note) {
	at := place{f.name, f.file, f.no}
	if t.shuffled {
		return
	}
	if !t.place(l, at) {
		t.again(f, l)
		return
	}
	t.lines++
	t.inFile(f, l, at)
	t.clock(f, l)
	t.learn(f, l, n)
	t.anchored(f, l)
	if len(t.spans) > maxSpans || len(t.jumps) > maxSpans {
		t.shuffled = true
		f.add(Shuffled, true, Finding{Chain: t.chain, What: fmt.Sprintf("the lines of chain %s have more than %d breaks", t.chain, maxSpans)})
	}
}

// place puts the line where it belongs. It returns false where one with its number is there already.
func (t *track) place(l line, at place) bool {
	if t.at < len(t.spans) {
		if s := &t.spans[t.at]; s.to+1 == l.seq && s.last == l.prev && !t.has(t.at+1, l.seq) {
			s.to, s.last, s.end = l.seq, l.code, at
			t.join(t.at)
			return true
		}
	}
	i, found := slices.BinarySearchFunc(t.spans, l.seq, func(s span, seq uint64) int {
		switch {
		case seq < s.from:
			return 1
		case seq > s.to:
			return -1
		}
		return 0
	})
	if found {
		return false
	}
	t.spans = slices.Insert(t.spans, i, span{l.seq, l.seq, l.prev, l.code, at, at})
	t.at = i
	t.join(i)
	if i > 0 && t.fits(i-1) {
		t.at = i - 1
		t.join(i - 1)
	}
	return true
}

func (t *track) has(i int, seq uint64) bool { return i < len(t.spans) && t.spans[i].from == seq }

// fits reports whether the span after i goes on where i ends.
func (t *track) fits(i int) bool {
	return t.has(i+1, t.spans[i].to+1) && t.spans[i+1].prev == t.spans[i].last
}

// join makes one span of i and the next, if they are one.
func (t *track) join(i int) {
	if !t.fits(i) {
		return
	}
	s, next := &t.spans[i], t.spans[i+1]
	s.to, s.last, s.end = next.to, next.last, next.end
	t.spans = slices.Delete(t.spans, i+1, i+2)
}

// again notes a line whose number was there before.
func (t *track) again(f *reading, l line) {
	if f.v.found.more(Duplicate, f.name, f.no, t.chain, l.seq) {
		return
	}
	f.add(Duplicate, true, Finding{Chain: t.chain, Seq: l.seq, What: fmt.Sprintf("line %d of chain %s is here once more", l.seq, t.chain)})
}

// inFile checks the line's place in its file: lines of a chain are in order there, and without gaps.
func (t *track) inFile(f *reading, l line, at place) {
	file := uint64(f.file)
	switch {
	case t.file != file:
		t.file, t.top, t.fileFrom = file, l.seq, l.seq
	case l.seq > t.top:
		if l.seq > t.top+1 {
			t.jumps = append(t.jumps, jump{gap{t.top + 1, l.seq - 1}, at})
		}
		t.top = l.seq
	default:
		t.back[file] = true
		f.add(Reordered, true, Finding{Chain: t.chain, Seq: l.seq, What: fmt.Sprintf(
			"line %d of chain %s comes after line %d", l.seq, t.chain, t.top)})
	}
}

// clockStep is from which difference on a step of the clock is told.
const clockStep = 2 * time.Second

// clock compares how long it was between two lines by the wall clock and by the other one.
func (t *track) clock(f *reading, l line) {
	now, err := time.Parse(timeLayout, l.time)
	if err != nil {
		return
	}
	if t.began.IsZero() || now.Before(t.began) {
		t.began = now
	}
	if now.After(t.ended) {
		t.ended = now
	}
	if t.lastSeq+1 == l.seq && t.lastSeq > 0 {
		step := now.Sub(t.lastTime) - time.Duration(l.up-t.lastUp)*time.Microsecond
		if step.Abs() >= clockStep {
			f.add(Clock, false, Finding{Chain: t.chain, Seq: l.seq, What: fmt.Sprintf("the clock moved by %v", step.Round(time.Millisecond))})
		}
	}
	t.lastSeq, t.lastUp, t.lastTime = l.seq, l.up, now
	t.old = max(t.old, l.up)
}

// learn takes what lines about the chain say.
func (t *track) learn(f *reading, l line, n note) {
	t.process = cmp.Or(t.process, n.Process)
	switch n.Word {
	case wordStart:
		t.host, t.follows = n.Host, n.Former
	case wordLost:
		t.lost += n.Count
		f.add(Lost, false, Finding{Chain: t.chain, Seq: l.seq, What: fmt.Sprintf("%d entries are not in the log", n.Count)})
	case wordClose:
		t.closed = true
	case EventLogTakenAway:
		if len(t.away) < maxFindings {
			t.away = append(t.away, away{place{f.name, f.file, f.no}, l.seq, t.fileFrom, l.time})
		}
	}
	if n.From > 0 {
		t.unsure = append(t.unsure, gap{n.From, n.To})
	}
}

// anchored compares the line with the head that is anchored.
func (t *track) anchored(f *reading, l line) {
	h, ok := f.v.heads[t.chain]
	if ok && h.Seq == l.seq && h.MAC != string(l.code[:]) {
		f.add(Rewritten, true, Finding{Chain: t.chain, Seq: l.seq, What: fmt.Sprintf(
			"line %d of chain %s is not the one that was anchored", l.seq, t.chain)})
	}
}
