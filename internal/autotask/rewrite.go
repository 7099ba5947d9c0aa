package autotask

import (
	"io"
	"net/url"
	"strings"
)

// maxHeld is how much of a page URL is held, in bytes of its JSON spelling. The PSA's are below 3 KiB; of what is longer the
// beginning decides, which is all that is rewritten.
const maxHeld = 64 << 10

// Rewriter copies a JSON answer and points the page URLs in it back at the gateway: string values at the top-level
// object's pageDetails.nextPageUrl and pageDetails.prevPageUrl, nothing else. Every other byte passes as it came, what
// looks like such a URL inside a record included, and so does an answer that is no JSON or ends too soon. It holds at
// most one such URL, whatever the answer's size.
type Rewriter struct {
	src     io.Reader
	base    string
	leads   func(*url.URL) bool
	scan    scanner
	rest    []byte // read from src, not scanned yet
	held    []byte // the string that is being gathered
	holding bool
	out     []byte // ready to be read
	err     error  // what src ended with
}

// NewRewriter reads src, an answer's body with its content coding undone. base is the gateway's base URL as the client
// sees it, without /ATServicesRest. A URL is rewritten when leads, which sees its scheme and host alone, says that it
// leads to the PSA. Where leads takes the zero URL too, which stands for a host that cannot be told, such a URL becomes the
// gateway's root, with what it was for a query: it then leads nobody anywhere, and fails where people see it.
func NewRewriter(src io.Reader, base string, leads func(*url.URL) bool) *Rewriter {
	return &Rewriter{src: src, base: strings.TrimRight(base, "/"), leads: leads}
}

// Read reads the rewritten answer. Its errors are those of the source, unwrapped.
func (r *Rewriter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(r.out) > 0 {
			n := copy(p, r.out)
			r.out = r.out[n:]
			return n, nil
		}
		if r.holding {
			r.hold()
			continue
		}
		n := r.next(p)
		if n == 0 && !r.holding {
			return 0, r.err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// next fills p with input and returns how much of it passes as it is. The rest, which starts a string to be gathered,
// is put back.
func (r *Rewriter) next(p []byte) int {
	n := copy(p, r.rest)
	if n > 0 {
		r.rest = r.rest[n:]
	} else if r.err == nil {
		n, r.err = r.src.Read(p)
	}
	pass := r.scan.scan(p[:n])
	if pass < n {
		r.rest = append(append(make([]byte, 0, n-pass+len(r.rest)), p[pass:n]...), r.rest...)
		r.holding, r.held = true, append(r.held[:0], r.rest[0])
		r.rest = r.rest[1:]
	}
	return pass
}

// hold gathers more of the string, and puts it out when it is whole, too long, or cut off.
func (r *Rewriter) hold() {
	if len(r.rest) == 0 && r.err == nil {
		buf := make([]byte, 4<<10)
		var n int
		n, r.err = r.src.Read(buf)
		r.rest = buf[:n]
	}
	end, closed := r.scan.skipString(r.rest, 0)
	cut := len(r.rest) == 0 && r.err != nil
	r.held = append(r.held, r.rest[:end]...)
	r.rest = r.rest[end:]
	switch {
	case cut:
		r.out, r.holding = r.held, false
		if !closed {
			r.scan.at = inString
		}
	case closed:
		r.out, r.holding = append(r.rewritten(r.held[:len(r.held)-1]), '"'), false
	case len(r.held) > maxHeld:
		r.out, r.holding, r.scan.at = r.rewritten(r.held), false, inString
	}
}

// rewritten returns a string, which begins with its quote and may go on, with its URL pointed at the gateway, or as it is.
func (r *Rewriter) rewritten(open []byte) []byte {
	inner := open[1:]
	keep, ok := pathOffset(inner, unescapeJSON, r.leads)
	base := r.base
	if !ok && unreadable(inner, unescapeJSON) && r.leads(&url.URL{}) {
		base, keep, ok = base+"/?", 0, true
	}
	if !ok {
		return open
	}
	return append(append([]byte{'"'}, jsonText(base)...), inner[keep:]...)
}
