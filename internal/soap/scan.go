package soap

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// The bounds of a document. What the PSA's clients send is far below them.
const (
	maxDepth      = 32
	maxName       = 256
	maxTag        = 16 << 10 // and with it an attribute's value
	maxAttributes = 64
	maxBound      = 64 // namespaces in scope, through which each name is looked for
	maxReference  = 16 // a character reference has ten bytes at most, without needless zeros

	room = 2 * maxTag
)

// kind is what the scanner came to.
type kind uint8

const (
	atEnd kind = iota // the document is over
	atStart
	atStop // an end tag, also that which an empty element stands for
	atText
	atComment
)

// scanner reads an XML document piece by piece, and refuses what is not well-formed, what is dangerous and what is larger than the
// bounds. What it hands out is good until its next step.
type scanner struct {
	src  io.Reader
	err  error  // what src ended with
	buf  []byte // room for a tag and more
	pos  int    // what lies before was read
	end  int    // what lies behind is no input
	base int64  // how many bytes of the document come before buf

	// tee, where it is set, is given every byte that is passed, in order.
	tee func([]byte)
	// quoted: the document is text within text, so that its declaration's encoding says nothing.
	quoted bool
	// lax: a character reference may stand for what is no character of XML's. ASP.NET's writer spells control characters so.
	lax bool

	began   bool // the first bytes have been looked at
	rooted  bool // a root element was there
	cdata   bool // in a CDATA section
	stopped bool // an empty element's end is due

	tag   tag
	text  []byte // of atText: a piece of text, its references not undone, or of a CDATA section
	from  int64  // where what was come to begins
	names opened
	bound bindings
}

// scanners are kept for further documents, for the room that each has.
var scanners = sync.Pool{New: func() any { return &scanner{buf: make([]byte, room)} }}

func newScanner(src io.Reader) *scanner {
	s, _ := scanners.Get().(*scanner)
	*s = scanner{src: src, buf: s.buf, tag: tag{attributes: s.tag.attributes[:0]}, names: s.names.none(), bound: s.bound[:0]}
	return s
}

// free gives the scanner back: nothing that it handed out may be used any more.
func (s *scanner) free() {
	s.src, s.tee = nil, nil
	clear(s.bound[:cap(s.bound)])
	scanners.Put(s)
}

// at is how many bytes were read.
func (s *scanner) at() int64 { return s.base + int64(s.pos) }

func (s *scanner) refuse(text string) error { return s.refuseAs(Client, text) }

func (s *scanner) refuseAs(code FaultCode, text string) error {
	return &Refusal{Code: code, Text: text, At: s.at()}
}

// has says whether n more bytes are there, and reads on for them. n is at most room.
func (s *scanner) has(n int) bool {
	for s.end-s.pos < n && s.err == nil {
		if s.pos > 0 {
			s.base += int64(s.pos)
			s.end = copy(s.buf, s.buf[s.pos:s.end])
			s.pos = 0
		}
		s.read()
	}
	return s.end-s.pos >= n
}

// read takes what the source gives at once.
func (s *scanner) read() {
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if s.err = err; n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

// rest is what is there unread.
func (s *scanner) rest() []byte { return s.buf[s.pos:s.end] }

// pass goes over n bytes that are there.
func (s *scanner) pass(n int) {
	if s.tee != nil {
		s.tee(s.buf[s.pos : s.pos+n])
	}
	s.pos += n
}

// broken is why there is no more input: the source's own error, or a document that breaks off.
func (s *scanner) broken() error {
	if s.err != nil && s.err != io.EOF {
		return s.err
	}
	return s.cut()
}

// next goes to the next piece of the document.
func (s *scanner) next() (kind, error) {
	if !s.began {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	s.from = s.at()
	switch {
	case s.stopped:
		s.stopped = false
		s.close()
		return atStop, nil
	case s.cdata:
		return s.section()
	case !s.has(1):
		return s.over()
	case s.buf[s.pos] != '<':
		return s.words()
	}
	return s.markup()
}

// over ends the document, where it may end.
func (s *scanner) over() (kind, error) {
	if s.err != io.EOF {
		return 0, s.err
	}
	if !s.rooted || len(s.names.ends) > 0 {
		return 0, s.cut()
	}
	return atEnd, nil
}

// markup reads what begins with "<".
func (s *scanner) markup() (kind, error) {
	if !s.has(2) {
		return 0, s.broken()
	}
	switch s.buf[s.pos+1] {
	case '/':
		return s.endTag()
	case '!':
		return s.declared()
	case '?':
		return 0, s.refuse("the document holds a processing instruction; only the XML declaration may be there, and as the first thing")
	}
	return s.startTag()
}

// The beginnings of what begins with "<!".
const (
	commentOpen = "<!--"
	sectionOpen = "<![CDATA["
	doctypeOpen = "<!DOCTYPE"
)

// declared reads what begins with "<!": a comment or a CDATA section.
func (s *scanner) declared() (kind, error) {
	whole := s.has(len(sectionOpen))
	rest := s.rest()
	switch {
	case bytes.HasPrefix(rest, []byte(commentOpen)):
		s.pass(len(commentOpen))
		return s.comment()
	case bytes.HasPrefix(rest, []byte(sectionOpen)):
		if len(s.names.ends) == 0 {
			return 0, s.outside()
		}
		s.pass(len(sectionOpen))
		s.cdata = true
		return s.section()
	case whole && bytes.EqualFold(rest[:len(doctypeOpen)], []byte(doctypeOpen)):
		return 0, s.refuse("the document has a DOCTYPE; send it without: document types and entities are never read")
	case !whole && (strings.HasPrefix(commentOpen, string(rest)) || strings.HasPrefix(sectionOpen, string(rest)) || strings.HasPrefix(doctypeOpen, string(rest))):
		return 0, s.broken()
	}
	return 0, s.refuse(`the document holds a declaration; only comments and CDATA sections may begin with "<!"`)
}

func (s *scanner) outside() error {
	return s.refuse("something follows or precedes the root element; send one element alone")
}

func (s *scanner) cut() error { return &Refusal{Client, cutText, s.at()} }

// cutText is what is said of a document that ends too soon.
const cutText = "the document breaks off: send it whole"
