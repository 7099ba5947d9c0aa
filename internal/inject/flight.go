package inject

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// maxInterim is how many interim answers (1xx) may come before the answer. The PSA sends none.
const maxInterim = 64

var (
	errInterim  = errors.New("more interim answers than anybody needs")
	errPatience = errors.New("the answer, or the rest of it, did not come")
)

// flight is one request under way, from its sending to the end of its answer's body, which it is. It ends with patience:
// that runs until the answer has come, and then while a read waits for more of it. A reader who takes his time is not meant.
type flight struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	clock   *time.Timer
	body    io.ReadCloser
	forsake func() bool // the caller's leaving is not heeded any more
}

func fly(license context.Context) *flight {
	f := new(flight)
	f.ctx, f.cancel = context.WithCancelCause(license)
	f.clock = time.AfterFunc(patience, func() { f.cancel(errPatience) })
	return f
}

// end gives up what is under way.
func (f *flight) end() {
	f.clock.Stop()
	f.cancel(nil)
}

// deliver makes the flight the body of the answer that has come. The caller's leaving ends it from now on.
func (f *flight) deliver(caller context.Context, resp *http.Response) {
	f.clock.Stop()
	f.forsake = context.AfterFunc(caller, func() { f.cancel(context.Canceled) })
	f.body, resp.Body = resp.Body, f
}

// Read implements io.Reader.
func (f *flight) Read(p []byte) (int, error) {
	f.clock.Reset(patience)
	defer f.clock.Stop()
	return f.body.Read(p)
}

// Close implements io.Closer.
func (f *flight) Close() error {
	err := f.body.Close()
	f.forsake()
	f.end()
	return err
}
