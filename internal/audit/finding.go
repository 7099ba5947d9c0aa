package audit

import (
	"fmt"
	"time"
)

// Report is what a Verifier found.
type Report struct {
	// Files is how many were read.
	Files int `json:"files"`
	// Lines is how many lines are as they were written.
	Lines uint64 `json:"lines"`
	// Chains are the chains that lines are of, in the order in which they were met.
	Chains []ChainReport `json:"chains"`
	// Findings are what is not as it should be, or worth knowing, in the order of the files; then what concerns whole chains.
	Findings []Finding `json:"findings"`
	// LeftOut is how many findings more there are.
	LeftOut int `json:"left_out,omitempty"`
	// Faults is how many findings are faults, those that were left out among them.
	Faults int `json:"faults"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return r.Faults == 0 }

// ChainReport is what is known of a chain.
type ChainReport struct {
	// Chain is its id.
	Chain string `json:"chain"`
	// Host is whose chain it is.
	Host string `json:"host,omitempty"`
	// Process is the one that wrote it.
	Process string `json:"process,omitempty"`
	// Key is the id of its key.
	Key string `json:"key"`
	// First is the number of the first of its lines that is here.
	First uint64 `json:"first"`
	// Last is the number of the last one.
	Last uint64 `json:"last"`
	// Lines is how many of them are here.
	Lines uint64 `json:"lines"`
	// Anchored is how far it is anchored.
	Anchored uint64 `json:"anchored,omitempty"`
	// From is the time of the first line.
	From time.Time `json:"from"`
	// To is the time of the last line.
	To time.Time `json:"to"`
	// Closed: its last line is here.
	Closed bool `json:"closed"`
	// Lost is how many entries it says are not in it.
	Lost uint64 `json:"lost,omitempty"`
}

// Finding is something that was found. What it has not is empty.
type Finding struct {
	// Kind is what it is, in a word.
	Kind FindingKind `json:"kind"`
	// Fault: the log is not as it was written, or not whole.
	Fault bool `json:"fault"`
	// File is where.
	File string `json:"file,omitempty"`
	// Line is its line there.
	Line int `json:"line,omitempty"`
	// LastLine is where it ends, if those are several lines.
	LastLine int `json:"last_line,omitempty"`
	// Chain is whose lines it is about.
	Chain string `json:"chain,omitempty"`
	// Seq is the number of the first of them.
	Seq uint64 `json:"seq,omitempty"`
	// LastSeq is the number of the last one, if those are several.
	LastSeq uint64 `json:"last_seq,omitempty"`
	// What says what is there.
	What string `json:"what"`
	// Means is what that means.
	Means string `json:"means"`
}

// String returns the finding in one line.
func (f Finding) String() string {
	place := f.File
	if f.Line > 0 {
		place += fmt.Sprintf(":%d", f.Line)
	}
	if f.LastLine > f.Line {
		place += fmt.Sprintf("-%d", f.LastLine)
	}
	if place != "" {
		place += ": "
	}
	return fmt.Sprintf("%s%s: %s (%s)", place, f.Kind, f.What, f.Means)
}

// FindingKind is a kind of finding.
type FindingKind string

// The faults.
const (
	Changed    FindingKind = "changed"
	Missing    FindingKind = "missing"
	Reordered  FindingKind = "reordered"
	Duplicate  FindingKind = "duplicate"
	Cut        FindingKind = "cut"
	Forked     FindingKind = "forked"
	Rewritten  FindingKind = "rewritten"
	Absent     FindingKind = "absent"
	Unanchored FindingKind = "unanchored"
	UnknownKey FindingKind = "unknown-key"
	NoLine     FindingKind = "no-line"
	Unreadable FindingKind = "unreadable"
	Shuffled   FindingKind = "shuffled"
	// TakenAway is a fault unless what was taken away is here.
	TakenAway FindingKind = "taken-away"
)

// What is worth knowing, and no fault. The first two are faults where the log was said to be complete.
const (
	BeginsLate FindingKind = "begins-late"
	Elsewhere  FindingKind = "elsewhere"
	Torn       FindingKind = "torn"
	Open       FindingKind = "open"
	Young      FindingKind = "young"
	Lost       FindingKind = "lost"
	Clock      FindingKind = "clock"
	NoAnchors  FindingKind = "no-anchors"
)

// means is what a kind of finding means.
var means = map[FindingKind]string{
	Changed:    "somebody changed the line, or the disk damaged it: what it says proves nothing",
	Missing:    "somebody took the lines out, or a file between these is not here",
	Reordered:  "somebody moved lines, or put files together in another order",
	Duplicate:  "somebody copied the lines, or the same file is here twice, for example plain and compressed",
	Cut:        "somebody cut off the end, or the last files are not here",
	Forked:     "two processes wrote the same chain, as a copied virtual machine does, or somebody who has the key wrote lines anew",
	Rewritten:  "somebody who has the key wrote the chain anew, or put an older store in place",
	Absent:     "somebody removed the chain's files, or they are not among these",
	Unanchored: "the store could not be used while the chain was written, has forgotten it, or somebody who has the key made it up",
	UnknownKey: "the key was replaced and is no longer given, or the lines are not ours: nothing is known of them",
	NoLine:     "somebody wrote into the file, or damaged a line beyond recognition",
	Unreadable: "what is in it from here on could not be checked",
	Shuffled:   "the lines of this chain are in such disorder that they were not looked at any further",
	TakenAway:  "name the file beside these if it was moved, as by a logrotate of the system's; if it was removed, its lines are gone",
	BeginsLate: "earlier files are not here: removed after their time, or by somebody",
	Elsewhere:  "its files are of another host or older than these, or somebody removed all of them",
	Torn:       "a write broke off: a full disk or a process that was killed; who waited for such a line was refused",
	Open:       "its process still runs or ended without closing it; a line after the last anchor that was cut off cannot be told from that",
	Young:      "its process was killed before the first anchor: nothing shows whether its end was cut off, or who wrote it, but the key",
	Lost:       "entries were dropped as they could not be written in time, and the log itself says so",
	Clock:      "the machine's clock was set; the order of the lines is right all the same",
	NoAnchors:  "without them nobody can tell whether the end of a chain was cut off",
}

// maxFindings is how many findings a report holds.
const maxFindings = 1000

// findings gathers what is found. The same of lines that follow each other is one finding.
type findings struct {
	list    []Finding
	leftOut int
	faults  int
}

func (f *findings) add(kind FindingKind, fault bool, one Finding) {
	one.Kind, one.Fault, one.Means = kind, fault, means[kind]
	if fault {
		f.faults++
	}
	if len(f.list) == maxFindings {
		f.leftOut++
		return
	}
	f.list = append(f.list, one)
}

// has reports whether the last finding is of the same kind and line.
func (f *findings) has(kind FindingKind, file string, line int) bool {
	if len(f.list) == 0 {
		return false
	}
	last := f.list[len(f.list)-1]
	return last.Kind == kind && last.File == file && max(last.Line, last.LastLine) == line
}

// more makes the last finding longer by a line, if it is of the same kind and the line follows. It reports whether it did.
func (f *findings) more(kind FindingKind, file string, line int, chain string, seq uint64) bool {
	if len(f.list) == 0 || f.leftOut > 0 {
		return false
	}
	last := &f.list[len(f.list)-1]
	if last.Kind != kind || last.File != file || last.Chain != chain || max(last.Line, last.LastLine)+1 != line {
		return false
	}
	if seq > 0 && max(last.Seq, last.LastSeq)+1 != seq {
		return false
	}
	last.LastLine = line
	if seq > 0 {
		last.LastSeq = seq
	}
	return true
}
