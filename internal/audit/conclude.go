package audit

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// youngest is how long a chain may be without an anchor.
const youngest = time.Minute

// conclude tells what is not right about a chain when all files were read.
func (t *track) conclude(v *Verifier, all *findings) {
	if t.shuffled || len(t.spans) == 0 {
		return
	}
	t.unsure = sorted(t.unsure)
	t.concludeStart(v, all)
	for i := range t.spans[1:] {
		t.concludeBreak(v, all, t.spans[i], t.spans[i+1])
	}
	t.concludeJumps(all)
	t.concludeEnd(v, all)
}

func (s span) finding(t *track) Finding {
	return Finding{File: s.first.name, Line: s.first.line, Chain: t.chain, Seq: s.from}
}

func (t *track) concludeStart(v *Verifier, all *findings) {
	first := t.spans[0]
	missing := t.unexplained(v, gap{1, first.from - 1})
	if first.from == 1 || len(missing) == 0 {
		return
	}
	one := first.finding(t)
	one.What = fmt.Sprintf("chain %s begins at line %d here", t.chain, first.from)
	all.add(BeginsLate, v.config.Complete, one)
}

// concludeBreak tells what is between two spans.
func (t *track) concludeBreak(v *Verifier, all *findings, before, after span) {
	one := after.finding(t)
	if before.to+1 == after.from {
		one.What = fmt.Sprintf("line %d of chain %s does not go on where line %d ends, at %s:%d",
			after.from, t.chain, before.to, before.end.name, before.end.line)
		all.add(Forked, true, one)
		return
	}
	for _, g := range t.unexplained(v, gap{before.to + 1, after.from - 1}) {
		one.Seq, one.LastSeq = g.from, g.to
		one.What = fmt.Sprintf("lines %d to %d of chain %s are not here: line %d is at %s:%d and line %d here",
			g.from, g.to, t.chain, before.to, before.end.name, before.end.line, after.from)
		all.add(Missing, true, one)
	}
}

// concludeJumps tells of lines that are not where their neighbours are, but elsewhere.
func (t *track) concludeJumps(all *findings) {
	for _, j := range t.jumps {
		if t.back[uint64(j.at.file)] {
			continue // it was told that lines of this file are out of order
		}
		if n := t.present(j.gap); n > 0 {
			all.add(Reordered, true, Finding{File: j.at.name, Line: j.at.line, Chain: t.chain, Seq: j.from, LastSeq: j.to, What: fmt.Sprintf(
				"%d of the lines %d to %d of chain %s belong before this one, and are elsewhere", n, j.from, j.to, t.chain)})
		}
	}
}

// present returns how many lines of a gap are there.
func (t *track) present(g gap) (n uint64) {
	for _, s := range t.spans {
		if from, to := max(s.from, g.from), min(s.to, g.to); from <= to {
			n += to - from + 1
		}
	}
	return n
}

// concludeEnd compares a chain's end with its anchor.
func (t *track) concludeEnd(v *Verifier, all *findings) {
	last := t.spans[len(t.spans)-1]
	one := Finding{File: last.end.name, Line: last.end.line, Chain: t.chain, Seq: last.to}
	h, anchored := v.heads[t.chain]
	switch {
	case anchored && last.to < h.Seq:
		one.LastSeq = h.Seq
		one.What = fmt.Sprintf("chain %s ends with line %d, and was anchored at line %d at %s", t.chain, last.to, h.Seq, h.At.UTC().Format(time.RFC3339))
		all.add(Cut, true, one)
		return
	case !anchored && v.config.Heads != nil && v.config.Until.IsZero():
		t.concludeUnanchored(all, one)
	}
	if !t.closed {
		one.What = fmt.Sprintf("chain %s ends with line %d, which does not close it", t.chain, last.to)
		all.add(Open, false, one)
	}
}

func (t *track) concludeUnanchored(all *findings, one Finding) {
	one.What = fmt.Sprintf("chain %s has no anchor", t.chain)
	if t.old >= micros(youngest) {
		all.add(Unanchored, true, one)
		return
	}
	all.add(Young, false, one)
}

// unexplained returns the lines of a gap that nothing explains: neither a write that failed, nor a line that was found changed.
func (t *track) unexplained(v *Verifier, g gap) (left []gap) {
	for _, u := range t.unsure {
		if u.to < g.from || u.from > g.to {
			continue
		}
		if u.from > g.from {
			left = append(left, gap{g.from, u.from - 1})
		}
		g.from = u.to + 1
	}
	if g.from <= g.to {
		left = append(left, g)
	}
	return slices.DeleteFunc(left, func(g gap) bool { return v.isSpoilt(t.chain, g) })
}

// isSpoilt reports whether each line of a gap was found changed.
func (v *Verifier) isSpoilt(chain string, g gap) bool {
	if g.to-g.from >= uint64(len(v.spoilt)) {
		return false
	}
	for seq := g.from; seq <= g.to; seq++ {
		if !v.spoilt[spot{chain, seq}] {
			return false
		}
	}
	return true
}

// concludeFormer compares what a chain says of the one before it with what is here of that.
func (t *track) concludeFormer(v *Verifier, all *findings) {
	if t.follows == nil || len(t.spans) == 0 {
		return
	}
	one := t.spans[0].finding(t)
	one.Chain, one.Seq = t.follows.Chain, t.follows.Seq
	claim := fmt.Sprintf("chain %s says that it follows line %d of chain %s", t.chain, one.Seq, one.Chain)
	before := v.chains[t.follows.Chain]
	switch {
	case before == nil:
		one.What = claim + ", of which no line is here"
		all.add(cmp.Or(when(v.config.Complete, Absent), Elsewhere), v.config.Complete, one)
	case before.shuffled:
	case before.spans[len(before.spans)-1].to < one.Seq:
		one.What = claim + ", which is not here"
		all.add(Cut, true, one)
	case slices.ContainsFunc(before.spans, func(s span) bool { return s.to == one.Seq && string(s.last[:]) != t.follows.MAC }):
		one.What = claim + ", and that line is another one"
		all.add(Rewritten, true, one)
	}
}

func when(is bool, kind FindingKind) FindingKind {
	if is {
		return kind
	}
	return ""
}

func sorted(gaps []gap) []gap {
	gaps = slices.Clone(gaps)
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.from, b.from) })
	return gaps
}

func (t *track) hostOf(v *Verifier) string { return cmp.Or(t.host, v.heads[t.chain].Host) }

func (t *track) report(v *Verifier) ChainReport {
	r := ChainReport{
		Chain: t.chain, Host: t.hostOf(v), Process: t.process, Key: t.key, Lines: t.lines, Anchored: v.heads[t.chain].Seq,
		From: t.began, To: t.ended, Closed: t.closed, Lost: t.lost,
	}
	if len(t.spans) > 0 {
		r.First, r.Last = t.spans[0].from, t.spans[len(t.spans)-1].to
	}
	return r
}
