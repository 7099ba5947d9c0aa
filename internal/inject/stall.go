package inject

import (
	"errors"
	"io"
	"time"
)

// maxInterim is how many interim answers (1xx) may come before the answer. The PSA sends none.
const maxInterim = 64

var (
	errInterim = errors.New("more interim answers than anybody needs")
	errStalled = errors.New("the rest of the answer did not come")
)

// watched is the body of an answer that is given up when nothing more of it comes for as long as the PSA has for the whole
// of a request. A reader who takes his time is not meant: the clock runs while a read waits.
type watched struct {
	io.ReadCloser
	clock *time.Timer
}

func watch(body io.ReadCloser, giveUp func()) io.ReadCloser {
	w := &watched{body, time.AfterFunc(patience, giveUp)}
	w.clock.Stop()
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	w.clock.Reset(patience)
	defer w.clock.Stop()
	return w.ReadCloser.Read(p)
}
