package audit

import "bytes"

// scrap is a line of a file that is none: the start of one whose write broke off, or something else. Whatever it is, no line is
// hidden by it: one that is not here is missing in its chain.
type scrap struct {
	no int
	// owner is the chain of which it is the start of a line. start: it may be that of some chain's line.
	owner string
	start bool
}

func scrapOf(text []byte, no int) scrap {
	s := scrap{no: no}
	if bytes.IndexByte(text, 0) >= 0 { // a disk that lost what it had taken
		s.start = true
		return s
	}
	rest, ok := bytes.CutPrefix(text, []byte(headChain))
	if !ok {
		s.start = bytes.HasPrefix([]byte(headChain), text)
		return s
	}
	c := cursor{rest: rest, ok: true}
	if id := c.id(); c.ok && len(c.rest) > 0 {
		s.owner = string(id)
	}
	s.start = true
	return s
}

// settle tells of the scraps that the line explains, and of those that it shows to be none of a process's.
func (f *reading) settle(chain string, begins, starts bool) {
	kept := f.scraps[:0]
	for _, s := range f.scraps {
		switch own := s.owner == chain; {
		case begins && (own || starts || s.owner == ""):
			f.scrap(Torn, s)
		case own || !s.start:
			f.scrap(NoLine, s)
		default:
			kept = append(kept, s)
		}
	}
	f.scraps = kept
}

// leave tells of the scraps that nothing in the file explained. open: the file ends within the last of them.
func (f *reading) leave(open bool) {
	for _, s := range f.scraps {
		if s.start || open && s.no == f.no {
			f.scrap(Torn, s)
		} else {
			f.scrap(NoLine, s)
		}
	}
	f.scraps = nil
}

func (f *reading) scrap(kind FindingKind, s scrap) {
	if f.v.found.more(kind, f.name, s.no, "", 0) {
		return
	}
	what := "this is no audit line"
	if kind == Torn {
		what = "this is a part of a line"
	}
	f.add(kind, kind == NoLine, Finding{Line: s.no, What: what})
}
