package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// stalling is a body that stops, until it is closed.
type stalling struct {
	io.Reader
	*io.PipeReader
}

func newStalling(begin string) stalling {
	never, _ := io.Pipe()
	return stalling{io.MultiReader(strings.NewReader(begin), never), never}
}

func (s stalling) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// A body that stops is given up after 30 s: the server's own patience is longer.
func TestABodyThatStopsComingIsA408InEveryVersionOfHTTP(t *testing.T) {
	t.Parallel()
	x := newFronts(t)
	mark := x.tape.mark()
	fronts, leave := x.fronts()
	var calls []*http.Request
	for _, f := range fronts {
		calls = append(calls, x.at(f, http.MethodPost, aQuery, newStalling(`{"filter":`), field{"Secret", "{a}"}, field{"Content-Type", "application/json"}))
	}
	parallel(len(fronts), func(i int) {
		f := fronts[i]
		if a := x.answered(f, calls[i]); a.status != http.StatusRequestTimeout || a.reason() != "bad-request" {
			t.Errorf("%s: %d %s", f.name, a.status, a.reason())
		}
	})
	leave()
	if sent := fmt.Sprint(x.sent(mark)); sent != "[]" {
		t.Errorf("the PSA was sent %s", sent)
	}
	x.wellAgain()
}
