package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// VerifyConfig is what is known of a log.
type VerifyConfig struct {
	// Keys are the keys of its lines: the one of now, and former ones.
	Keys []Key
	// Heads are the anchored heads, as they were before the files were opened: else lines that were written in between would
	// look as if they were cut off. nil: none are known.
	Heads []Head
	// Complete: no file was removed, so each chain begins with its first line, and each chain that was anchored is here.
	Complete bool
	// Until is when the files end, where later ones are left out: heads that were anchored later are not asked for.
	Until time.Time
}

// Verifier checks a log, file by file, in memory that does not grow with the files. It is used by one caller at a time.
type Verifier struct {
	config VerifyConfig
	coders map[string]*coder
	heads  map[string]Head
	chains map[string]*track
	order  []*track
	files  []string
	lines  uint64
	found  findings
	spoilt map[spot]bool // lines that are there, but not as they were written
}

// spot is a line of a chain.
type spot struct {
	chain string
	seq   uint64
}

// NewVerifier returns a Verifier that has read nothing yet. The error says which key is none.
func NewVerifier(c VerifyConfig) (*Verifier, error) {
	v := &Verifier{
		config: c, coders: make(map[string]*coder), heads: make(map[string]Head), chains: make(map[string]*track),
		spoilt: make(map[spot]bool),
	}
	for _, k := range c.Keys {
		if err := k.check(); err != nil {
			return nil, err
		}
		v.coders[k.ID] = newCoder(k)
	}
	for _, h := range c.Heads {
		if c.Until.IsZero() || !h.At.After(c.Until) {
			v.heads[h.Chain] = h
		}
	}
	return v, nil
}

// File is a file of a log; Name is for the report.
type File struct {
	Name string
	io.Reader
}

// Verify reads the files of a log, in any order, and reports what is not as it was written.
func Verify(c VerifyConfig, files ...File) (Report, error) {
	v, err := NewVerifier(c)
	if err != nil {
		return Report{}, err
	}
	for _, f := range files {
		v.Read(f.Name, f.Reader)
	}
	return v.Report(), nil
}

// Read checks a file, which may be compressed with gzip, and may hold lines of several chains. What cannot be read of it is a
// finding.
func (v *Verifier) Read(name string, src io.Reader) {
	v.files = append(v.files, name)
	f := &reading{v: v, name: name, file: len(v.files)}
	s, err := newScanner(src)
	for err == nil {
		if err = s.next(); err == nil || len(s.text) > 0 {
			f.no = s.no
			f.line(s.text)
		}
	}
	f.end(err)
}

// NotRead notes a file that should be read and cannot be opened.
func (v *Verifier) NotRead(name string, err error) {
	v.found.add(Unreadable, true, Finding{File: name, What: fmt.Sprintf("the file cannot be opened: %v", err)})
}

// maxScraps is how many parts of lines wait to be explained.
const maxScraps = 100

// reading is a file that is being read.
type reading struct {
	v      *Verifier
	name   string
	file   int // from 1
	no     int
	scraps []scrap // not explained yet
}

func (f *reading) add(kind FindingKind, fault bool, one Finding) {
	one.File = f.name
	if one.Line == 0 {
		one.Line = f.no
	}
	f.v.found.add(kind, fault, one)
}

// line checks a line.
func (f *reading) line(text []byte) {
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	l, before, ok := find(text)
	if len(before) > 0 {
		f.other(before)
	}
	if ok {
		f.parsed(l)
	}
}

// other notes what is no line.
func (f *reading) other(text []byte) {
	list, ok := scrapsOf(text, f.no)
	if !ok {
		f.scrap(NoLine, scrap{no: f.no})
		return
	}
	if len(f.scraps)+len(list) > maxScraps {
		f.leave()
	}
	f.scraps = append(f.scraps, list...)
}

// parsed checks a line that has the form of one.
func (f *reading) parsed(l line) {
	coder, known := f.v.coders[l.key]
	if !known {
		f.unknownKey(l)
		return
	}
	if coder.of(l.signed) != l.code {
		f.changed(l)
		return
	}
	n := note{}
	switch {
	case l.kind == kindChain:
		n, _ = l.note()
	case l.tellsAway():
		n.Word = EventLogTakenAway
	}
	starts := n.Word == wordStart
	f.settle(l.chain, starts || n.Word == wordResume, starts)
	f.v.lines++
	f.v.track(l).line(f, l, n)
}

func (f *reading) unknownKey(l line) {
	if f.v.found.more(UnknownKey, f.name, f.no, "", 0) {
		return
	}
	f.add(UnknownKey, true, Finding{What: fmt.Sprintf("the line is chained with key %q, which is not among the keys", l.key)})
}

// changed notes a line whose code is not its own. What it says of itself may be true: if just that line is missing, it is not
// told a second time.
func (f *reading) changed(l line) {
	f.v.spoil(spot{l.chain, l.seq})
	f.add(Changed, true, Finding{
		Chain: l.chain, Seq: l.seq, What: fmt.Sprintf("the code of the line does not fit; it says that it is line %d of chain %s", l.seq, l.chain),
	})
}

// spoil notes a line that was found changed, as long as there is room for it.
func (v *Verifier) spoil(s spot) {
	if len(v.spoilt) < maxFindings {
		v.spoilt[s] = true
	}
}

// end tells how the file ends.
func (f *reading) end(err error) {
	f.leave()
	if !errors.Is(err, io.EOF) {
		f.add(Unreadable, true, Finding{What: fmt.Sprintf("the file cannot be read any further: %v", err)})
	}
}

// Report tells what was found in all that was read.
func (v *Verifier) Report() Report {
	all := findings{list: append([]Finding{}, v.found.list...), leftOut: v.found.leftOut, faults: v.found.faults}
	r := Report{Files: len(v.files), Lines: v.lines, Chains: []ChainReport{}}
	for _, t := range v.order {
		t.conclude(v, &all)
		t.concludeFormer(v, &all)
		t.concludeAway(v, &all)
		r.Chains = append(r.Chains, t.report(v))
	}
	v.concludeHeads(&all)
	if v.config.Heads == nil {
		all.add(NoAnchors, false, Finding{What: "no anchored heads were given"})
	}
	r.Findings, r.LeftOut, r.Faults = all.list, all.leftOut, all.faults
	return r
}

// concludeHeads tells of the chains that are anchored, and of which no line is here.
func (v *Verifier) concludeHeads(all *findings) {
	first := v.first()
	for _, h := range v.config.Heads {
		if _, asked := v.heads[h.Chain]; !asked || v.chains[h.Chain] != nil {
			continue
		}
		oldest, host := first[h.Host]
		fault := v.config.Complete || v.lines == 0 || host && h.isAfter(oldest)
		kind := Elsewhere
		if fault {
			kind = Absent
		}
		all.add(kind, fault, Finding{Chain: h.Chain, LastSeq: h.Seq, What: fmt.Sprintf(
			"chain %s of host %q is anchored at line %d of %s, and no line of it is here", h.Chain, h.Host, h.Seq, h.At.UTC().Format(time.RFC3339))})
	}
}

// first returns the head of the oldest chain that lines are of, by host. Their order is the one in which they were anchored: what
// the lines say of the time may be of a clock that was wrong.
func (v *Verifier) first() map[string]Head {
	heads, first := make(map[string]Head), make(map[string]Head)
	for _, h := range v.config.Heads {
		heads[h.Chain] = h
	}
	for _, t := range v.order {
		h, anchored := heads[t.chain]
		if !anchored && t.follows != nil {
			h, anchored = heads[t.follows.Chain]
		}
		if before, ok := first[h.Host]; anchored && (!ok || before.isAfter(h)) {
			first[h.Host] = h
		}
	}
	return first
}
