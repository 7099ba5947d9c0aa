package call

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// fieldsOf tells which fields a call writes, filters on and has returned.
func fieldsOf(op autotask.Operation, r *http.Request, body *received) (autotask.Fields, error) {
	if body.size == 0 {
		return autotask.ParseFields(op, r.URL.RawQuery, nil)
	}
	in, done, err := body.plain(r)
	if err != nil {
		return autotask.Fields{}, err
	}
	defer done()
	return autotask.ParseFields(op, r.URL.RawQuery, in)
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
