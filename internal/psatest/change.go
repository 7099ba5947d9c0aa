package psatest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Reply is an answer that a [Fault] may change before it is sent. Its Content-Length is set afterwards.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte

	bases []string // base URLs of all zones
	self  string   // URL of the call itself
}

// changed makes the changes that the call met.
func (c *call) changed(a answer) answer {
	if len(c.changes) == 0 {
		return a
	}
	r := &Reply{Status: a.status, Header: a.header, Body: a.body, bases: c.sim.bases(), self: c.zone.URL() + c.uri}
	for _, change := range c.changes {
		change(r)
	}
	return answer{status: r.Status, header: r.Header, body: r.Body}
}

// bases are the base URLs of all zones, the discovery host included.
func (s *Sim) bases() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, z := range append([]*Zone{s.discovery}, s.zones...) {
		if z != nil && z.url != "" {
			all = append(all, z.url)
		}
	}
	return all
}

// OtherHost is a change that puts another base URL, such as "http://10.0.0.1", in the place of every zone's: in
// zone lookups, next-page URLs, redirects and realms.
func OtherHost(base string) func(*Reply) {
	return func(r *Reply) {
		for _, was := range r.bases {
			r.Body = bytes.ReplaceAll(r.Body, []byte(was), []byte(base))
			for _, vs := range r.Header {
				for i := range vs {
					vs[i] = strings.ReplaceAll(vs[i], was, base)
					vs[i] = strings.ReplaceAll(vs[i], hostOf(was), hostOf(base))
				}
			}
		}
	}
}

func hostOf(base string) string {
	_, host, _ := strings.Cut(base, "://")
	return host
}

// Circle is a change that makes every page's nextPageUrl that very page, the last one's too.
func Circle(r *Reply) {
	var page map[string]json.RawMessage
	var details map[string]any
	if json.Unmarshal(r.Body, &page) != nil || json.Unmarshal(page["pageDetails"], &details) != nil || details == nil {
		return // not a page
	}
	details["nextPageUrl"] = r.self
	page["pageDetails"] = encoded(details)
	r.Body = encoded(page)
}

// encoded is JSON; of maps of texts and numbers it does not fail.
func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("psatest: a changed answer that is not JSON: " + err.Error())
	}
	return b
}

// WithoutMarks is a change that takes from an answer what tells the PSA's own 401: WWW-Authenticate.
func WithoutMarks(r *Reply) { r.Header.Del("WWW-Authenticate") }

// PlainAsGzip is a change that says of an answer that it is gzip, which it is not.
func PlainAsGzip(r *Reply) { r.Header.Set("Content-Encoding", "gzip") }

// HalfGzip is a change that gzips an answer and leaves out the second half of it.
func HalfGzip(r *Reply) {
	zipWhole(r)
	r.Body = r.Body[:len(r.Body)/2]
}

// BadGzipSum is a change that gzips an answer whole, with a wrong checksum at its end.
func BadGzipSum(r *Reply) {
	zipWhole(r)
	r.Body[len(r.Body)-8] ^= 0xff // the trailer is the checksum, then the length, of 4 bytes each
}

// GzipBomb is a change that puts size bytes of blanks before an answer, gzipped to about a thousandth.
func GzipBomb(size int64) func(*Reply) {
	return func(r *Reply) {
		zip(r, io.MultiReader(io.LimitReader(blanks{}, size), bytes.NewReader(r.Body)))
	}
}

// blanks is a reader of blanks without an end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	return copy(p, someBlanks), nil
}

var someBlanks = bytes.Repeat([]byte(" "), 32<<10)

func zipWhole(r *Reply) { zip(r, bytes.NewReader(r.Body)) }

func zip(r *Reply, from io.Reader) {
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed) // the level is one that there is
	// Neither reading from memory nor writing to it fails.
	_, _ = io.Copy(zw, from)
	_ = zw.Close()
	r.Header.Set("Content-Encoding", "gzip")
	r.Body = buf.Bytes()
}
