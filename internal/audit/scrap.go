package audit

import "bytes"

// scrap is what a write that broke off leaves of a line: its start. Whatever it is, no line is hidden by it: one that is not here
// is missing in its chain.
type scrap struct {
	no int
	// owner is the chain that the line is of, if so much of it is there.
	owner string
}

// maxPieces is how many processes may have broken off in the same line.
const maxPieces = 16

// scrapsOf reads what is no line: the starts of lines, one after the other where several processes wrote. It returns false where
// no write can have left it.
func scrapsOf(text []byte, no int) (list []scrap, ok bool) {
	if bytes.IndexByte(text, 0) >= 0 {
		return []scrap{{no: no}}, true // a disk that lost what it had taken leaves zeros
	}
	for len(text) > 0 {
		if len(list) == maxPieces {
			return nil, false
		}
		// What has a whole head may have braces behind it; what has not has one at its start alone.
		at := lastHead(text)
		if at == 0 && !bytes.HasPrefix(text, []byte(headChain)) {
			at = max(bytes.LastIndexByte(text, '{'), 0)
		}
		s, ok := scrapOf(text[at:], no)
		if !ok {
			return nil, false
		}
		list, text = append(list, s), text[:at]
	}
	return list, true
}

func scrapOf(text []byte, no int) (s scrap, ok bool) {
	s.no = no
	rest, ok := bytes.CutPrefix(text, []byte(headChain))
	if !ok {
		return s, bytes.HasPrefix([]byte(headChain), text)
	}
	c := cursor{rest: rest, ok: true}
	if id := c.id(); c.ok && len(c.rest) > 0 {
		s.owner = string(id)
	}
	return s, true
}

// settle tells of the scraps that the line explains, and of those that it shows to be none of a process's.
func (f *reading) settle(chain string, begins, starts bool) {
	kept := f.scraps[:0]
	for _, s := range f.scraps {
		switch own := s.owner == chain; {
		case begins && (own || starts || s.owner == ""):
			f.scrap(Torn, s)
		case own:
			f.scrap(NoLine, s)
		default:
			kept = append(kept, s)
		}
	}
	f.scraps = kept
}

// leave tells of the scraps that nothing in the file explained: their processes wrote on in another file, or ended.
func (f *reading) leave() {
	for _, s := range f.scraps {
		f.scrap(Torn, s)
	}
	f.scraps = nil
}

func (f *reading) scrap(kind FindingKind, s scrap) {
	if f.v.found.has(kind, f.name, s.no) || f.v.found.more(kind, f.name, s.no, "", 0) {
		return
	}
	what := "this is no audit line"
	if kind == Torn {
		what = "this is a part of a line"
	}
	f.add(kind, kind == NoLine, Finding{Line: s.no, What: what})
}
