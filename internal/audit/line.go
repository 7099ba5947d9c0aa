package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"time"
)

// MaxLine is more bytes than any line of a Writer's has.
const MaxLine = 256 << 10

// codeLen is the length of a code: an HMAC-SHA-256 in base64url without padding. Codes are compared as texts: the last letter
// has spare bits, and another letter may mean the same bytes.
const codeLen = 43

// code is a line's.
type code [codeLen]byte

// codeMember is what stands before a line's own code.
const codeMember = `,"mac":"`

// The head of a line, whose members come in this order.
const (
	headChain = `{"chain":"`
	headSeq   = `","seq":`
	headKey   = `,"mac_key":"`
	headPrev  = `","prev":"`
	headTime  = `","time":"`
	headUp    = `","up_us":`
	headKind  = `,"kind":"`
)

// coder makes codes with one key.
type coder struct {
	hash hash.Hash
	sum  [sha256.Size]byte
}

func newCoder(k Key) *coder { return &coder{hash: hmac.New(sha256.New, k.Secret)} }

func (c *coder) of(signed []byte) (out code) {
	c.hash.Reset()
	c.hash.Write(signed)
	base64.RawURLEncoding.Encode(out[:], c.hash.Sum(c.sum[:0]))
	return out
}

// sealer makes the lines of one chain.
type sealer struct {
	chain, key, process string
	coder               *coder
	seq                 uint64        // of the last line that was made
	last                code          // its code
	up                  time.Duration // what it said of the chain's age
}

// begin appends the head of the next line.
func (s *sealer) begin(b []byte, at time.Time, up time.Duration, kind Kind) []byte {
	s.seq++
	s.up = max(s.up, up) // the chain's own lines are made beside those that wait
	b = append(append(b, headChain...), s.chain...)
	b = strconv.AppendUint(append(b, headSeq...), s.seq, 10)
	b = append(append(b, headKey...), s.key...)
	b = append(b, headPrev...)
	if s.seq > 1 {
		b = append(b, s.last[:]...)
	}
	b = at.UTC().AppendFormat(append(b, headTime...), timeLayout)
	b = strconv.AppendUint(append(b, headUp...), micros(s.up), 10)
	b = append(append(b, headKind...), kind...)
	return appendText(append(b, '"'), "process", s.process)
}

// end appends the code of the line that begins at from.
func (s *sealer) end(b []byte, from int) []byte {
	s.last = s.coder.of(b[from:])
	b = append(append(b, codeMember...), s.last[:]...)
	return append(b, '"', '}', '\n')
}

// entry appends the line of an entry.
func (s *sealer) entry(b []byte, e *Entry) []byte {
	from := len(b)
	b = s.begin(b, e.Time, e.Up, e.Kind)
	return s.end(appendBody(b, e), from)
}

// line is a line as it is written, not yet known to be true.
type line struct {
	chain, key string
	seq        uint64
	prev       code // of the line before; zero in the first
	time       string
	up         uint64
	kind       Kind
	code       code
	signed     []byte // what the code is over
}

// find reads a line, and what stands before it: a part of a line that broke off, where another process wrote on.
func find(text []byte) (l line, before []byte, ok bool) {
	at := lastHead(text)
	if l, ok = parse(text[at:]); ok {
		return l, text[:at], true
	}
	return line{}, text, false
}

// lastHead returns where the last head of a line begins, or 0. Nothing in a line looks like one: quotes in texts are escaped, and
// objects are spaced.
func lastHead(text []byte) int { return max(bytes.LastIndex(text, []byte(headChain)), 0) }

// parse reads a line, without its end. Only what a Writer can have written is one.
func parse(text []byte) (l line, ok bool) {
	at := len(text) - len(codeMember) - codeLen - len(`"}`)
	if at < 0 || !bytes.HasPrefix(text[at:], []byte(codeMember)) || !bytes.HasSuffix(text, []byte(`"}`)) || bytes.IndexByte(text, 0) >= 0 {
		return l, false
	}
	l.signed = text[:at]
	copy(l.code[:], text[at+len(codeMember):])
	c := cursor{rest: l.signed, ok: true}
	c.literal(headChain)
	l.chain = string(c.id())
	c.literal(headSeq)
	l.seq = c.number()
	c.literal(headKey)
	l.key = string(c.id())
	c.literal(headPrev)
	if l.seq > 1 {
		copy(l.prev[:], c.take(codeLen))
	}
	c.literal(headTime)
	l.time = string(c.take(len(timeLayout)))
	c.literal(headUp)
	l.up = c.number()
	c.literal(headKind)
	l.kind = Kind(c.id())
	return l, c.ok && l.seq > 0
}

// cursor reads a head. Once something is not as it must be, nothing is.
type cursor struct {
	rest []byte
	ok   bool
}

func (c *cursor) take(n int) []byte {
	if !c.ok || len(c.rest) < n {
		c.ok = false
		return nil
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out
}

func (c *cursor) literal(text string) { c.ok = c.ok && string(c.take(len(text))) == text }

func (c *cursor) while(is func(byte) bool, most int) []byte {
	n := 0
	for n < len(c.rest) && n < most && is(c.rest[n]) {
		n++
	}
	return c.take(n)
}

func (c *cursor) id() []byte {
	id := c.while(idByte, maxID)
	c.ok = c.ok && len(id) > 0
	return id
}

func (c *cursor) number() uint64 {
	n, err := strconv.ParseUint(string(c.while(func(b byte) bool { return b >= '0' && b <= '9' }, 20)), 10, 64)
	c.ok = c.ok && err == nil
	return n
}
