package call

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// fieldsOf tells which fields a call writes, filters on and has returned.
func fieldsOf(op autotask.Operation, r *http.Request, body *received) (autotask.Fields, error) {
	if body.size == 0 {
		return autotask.ParseFields(op, r.URL.RawQuery, nil)
	}
	if !saysJSON(r.Header["Content-Type"]) {
		return autotask.ParseFields(op, r.URL.RawQuery, strings.NewReader(notJSON))
	}
	in, done, err := body.plain(r)
	if err != nil {
		return autotask.Fields{}, err
	}
	defer done()
	return autotask.ParseFields(op, r.URL.RawQuery, in)
}

// notJSON stands for a body that is said to be something else than JSON.
const notJSON = "?"

// saysJSON reports whether a request's body is to be read as JSON in UTF-8. The PSA reads it as its Content-Type says, and a body may be
// JSON and a form at once, with other names in it. One that says nothing, or text, is JSON where it is anything.
func saysJSON(types []string) bool {
	if len(types) == 0 {
		return true
	}
	kind, params, err := mime.ParseMediaType(types[0])
	if charset := strings.ToLower(params["charset"]); len(types) > 1 || err != nil || charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return false
	}
	return kind == "application/json" || kind == "text/json" || kind == "text/plain" || strings.HasSuffix(kind, "+json")
}

// plain returns a reader of the body as the PSA will understand it. It was inflated before, within the limit of its size.
func (b *received) plain(r *http.Request) (in io.Reader, done func(), err error) {
	raw, err := b.Open()
	if err != nil {
		return nil, nil, err
	}
	closing := func() { _ = raw.Close() }
	if !strings.EqualFold(codingOf(r), "gzip") {
		return raw, closing, nil
	}
	turn, err := b.stake.inflate(r.Context())
	if err != nil {
		return nil, nil, err
	}
	z, err := gzip.NewReader(heeding{raw, r.Context()})
	if err != nil {
		turn()
		return nil, nil, err
	}
	return z, func() { turn(); closing() }, nil
}
