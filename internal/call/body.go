package call

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

const (
	// inMemory is the largest body that stays in memory; a larger one goes to a file.
	inMemory = 1 << 20
	// stall is how long a caller may send nothing of a body.
	stall = 30 * time.Second
	// slowest is how many bytes of a body must come in a second, on average and after a first stall: with a byte now and
	// then a caller could stay for ever. It is what Apache's mod_reqtimeout asks for.
	slowest = 500
)

// received is a request body that has come in whole: so a caller's hang-up frees its place in the queue, no caller can
// leave an outcome open by aborting, and any call can be sent again.
type received struct {
	memory []byte
	file   *os.File // holds all of it where memory does not take it
	size   int64
	stake  *stake
	after  [1]byte // for what must not come after its end
}

// entryError says why a call was not admitted: most often it is its body.
type entryError struct {
	reason autotask.Reason
	text   string
	status int // instead of the reason's; 0: the reason's
	// retryAfter is how long to wait, where waiting helps.
	retryAfter time.Duration
}

func (e *entryError) Error() string { return e.text }

// unread makes an answer to a request whose body was not read whole end the connection: net/http would first read on,
// for as long as the caller likes.
func unread(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

func (e *entryError) write(w http.ResponseWriter, r *http.Request, api autotask.API) {
	status, header, body := autotask.ErrorAnswer(api, e.reason, e.text, e.retryAfter)
	if e.status != 0 && api == autotask.REST {
		status = e.status
	}
	maps.Copy(w.Header(), header)
	unread(w, r)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// receive reads the request's body as its call's stake allows. limit is its most, in bytes, inflated size included.
func (s *Shared) receive(w http.ResponseWriter, r *http.Request, limit int64, k *stake) (*received, error) {
	b := &received{stake: k}
	if r.ContentLength == 0 && r.ProtoMajor == 1 { // in HTTP/2 it is 0 too where the header is no number
		return b, b.judge(r.Context(), r.Header.Values("Content-Encoding"), limit)
	}
	in := &patient{stopped: s.draining, body: r.Body, control: http.NewResponseController(w), start: time.Now(), stake: k}
	defer in.until(s.draining)()
	err := error(nil)
	if r.ContentLength > limit {
		err = tooLarge(limit)
	} else if err = b.take(in, r.ContentLength, limit); err == nil {
		err = s.judge(b, r, limit)
	}
	if err == nil {
		return b, nil
	}
	b.Close()
	var refused *entryError
	if errors.As(err, &refused) && (refused.reason == autotask.TooLarge || refused.reason == autotask.QueueFull) && r.Header.Get("Expect") == "" {
		in.drain(4 * limit)
	}
	return nil, err
}

// judge checks what came until the caller leaves, or the process is to stop: inflating takes its time.
func (s *Shared) judge(b *received, r *http.Request, limit int64) error {
	encodings := r.Header["Content-Encoding"]
	if len(encodings) == 0 {
		return b.judge(r.Context(), nil, limit)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.draining, func() { cancel(errStopping) })()
	return b.judge(ctx, encodings, limit)
}

// refuseEntry answers a call that was not admitted, and returns the reason.
func (g *Gateway) refuseEntry(w http.ResponseWriter, r *http.Request, api autotask.API, err error) string {
	var refused *entryError
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &tooLong):
		refused = tooLarge(tooLong.Limit)
	case errors.Is(err, errNoRoom):
		g.log.Error("a request body cannot be kept", "error", err)
		refused = &entryError{reason: autotask.StoreUnavailable, retryAfter: 5 * time.Second, text: "the gateway has no room to keep the body: an operator finds the cause in its log"}
	case r.Context().Err() != nil:
		broken().write(w, r, api) // he has left, or has shut his side and hears it: silence would be a 200
		return ""
	default:
		refused = broken()
	}
	refused.write(w, r, api)
	return string(refused.reason)
}

var errShort = errors.New("the body ends before its Content-Length")

// errNoRoom: the temporary directory does not take a body.
var errNoRoom = errors.New("no room for a request body in the temporary directory")

// take reads a body that says it has size bytes, -1 for one that does not say; at most one more than limit.
func (b *received) take(in io.Reader, size, limit int64) error {
	if size >= 0 && size <= min(firstRoom, limit) {
		return b.takeSmall(in, int(size))
	}
	if err := b.expect(size); err != nil {
		return err
	}
	if err := b.fill(io.LimitReader(in, limit+1)); err != nil {
		return err
	}
	if size >= 0 && b.size != size {
		return errShort
	}
	return nil
}

// takeSmall reads a body that stays in memory into no more than it needs, and on to its end.
func (b *received) takeSmall(in io.Reader, size int) error {
	b.memory = make([]byte, size)
	for {
		at := b.memory[b.size:]
		if len(at) == 0 {
			at = b.after[:]
		}
		n, err := in.Read(at)
		switch {
		case int(b.size)+n > size:
			return errShort
		case n > 0:
			b.size += int64(n)
		}
		switch {
		case err == nil:
		case err != io.EOF: //nolint:errorlint // a Reader's EOF is this value
			return err
		case int(b.size) < size:
			return errShort
		default:
			return nil
		}
	}
}

func (b *received) fill(in io.Reader) error {
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	_, err := io.CopyBuffer(spool{b}, in, *room)
	return err
}

// firstRoom is how much of each body is in memory in any case, in bytes: small ones need no file.
const firstRoom = 64 << 10

// expect makes ready for a body that says it has so many bytes; -1 for one of unknown length. Who says so may send nothing.
func (b *received) expect(size int64) error {
	if size > inMemory {
		return b.spill()
	}
	b.memory = make([]byte, 0, min(max(size, 0), firstRoom))
	return nil
}

// spool writes to a body: to memory as long as that takes it, then to a file.
type spool struct{ *received }

func (b spool) Write(p []byte) (int, error) {
	n := int64(len(p))
	if b.file == nil && (b.size+n > inMemory || b.size+n > firstRoom && !b.stake.keep(n)) {
		if err := b.spill(); err != nil {
			return 0, err
		}
	}
	b.size += n
	if b.file == nil {
		b.memory = append(b.memory, p...)
		return len(p), nil
	}
	return disk{b.file}.Write(p)
}

// spill moves what has come into a file, which lives as long as it is open.
func (b *received) spill() (err error) {
	if b.file, err = os.CreateTemp("", "psagate-body-"); err != nil { // CreateTemp makes it 0600
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	_ = os.Remove(b.file.Name())
	_, err = disk{b.file}.Write(b.memory)
	b.memory = nil
	b.stake.spilled()
	return err
}

// disk tells a failed write from a failed read.
type disk struct{ io.Writer }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.Writer.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return n, err
}

// judge checks what came: its size, and for a compressed body the size that the PSA would see.
func (b *received) judge(ctx context.Context, encodings []string, limit int64) error {
	if b.size > limit {
		return tooLarge(limit)
	}
	switch encoding := strings.ToLower(strings.Join(encodings, ", ")); encoding {
	case "", "identity":
		return nil
	case "gzip":
	default:
		return &entryError{reason: autotask.BadRequest, text: "Content-Encoding must be gzip or absent"}
	}
	if b.size == 0 {
		return nil
	}
	done, err := b.stake.inflate(ctx)
	if err != nil {
		return err
	}
	defer done()
	if refused := b.inflate(ctx, limit); refused != nil && ctx.Err() == nil {
		return refused
	}
	return context.Cause(ctx) // of a caller who has left nothing is judged
}

// inflate says what is wrong with a gzip, or with its inflated size.
func (b *received) inflate(ctx context.Context, limit int64) error {
	in, err := b.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := gzip.NewReader(heeding{in, ctx})
	if err != nil {
		return &entryError{reason: autotask.BadRequest, text: "the body is no gzip, as its Content-Encoding says"}
	}
	n, err := io.Copy(io.Discard, io.LimitReader(z, limit+1))
	switch {
	case n > limit:
		return tooLarge(limit)
	case err != nil:
		return &entryError{reason: autotask.BadRequest, text: "the body's gzip is broken or cut off"}
	}
	return nil
}

// heeding reads until its context ends.
type heeding struct {
	io.Reader
	ctx context.Context
}

func (h heeding) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.Reader.Read(p)
}

func tooLarge(limit int64) *entryError {
	return &entryError{reason: autotask.TooLarge, text: fmt.Sprintf("the body is larger than %d bytes", limit)}
}

// Open implements inject.Body.
func (b *received) Open() (io.ReadCloser, error) {
	if b.file != nil {
		return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
	}
	return io.NopCloser(bytes.NewReader(b.memory)), nil
}

// Size implements inject.Body.
func (b *received) Size() int64 { return b.size }

// Close gives memory and file back.
func (b *received) Close() {
	if b.file != nil {
		_ = b.file.Close()
	}
	b.memory = nil
	b.stake.giveBack()
}

// patient reads a body whose sender may pause, but not for longer than stall, be slow, but not slower than slowest, and
// go on no longer once the process is to stop.
type patient struct {
	stopped context.Context
	body    io.Reader
	control *http.ResponseController
	start   time.Time
	n       int64 // bytes that have come
	stake   *stake
}

// deadline is when more must have come.
func (p *patient) deadline() time.Time {
	allowed := p.start.Add(stall + time.Duration(p.n)*(time.Second/slowest))
	if next := time.Now().Add(stall); next.Before(allowed) {
		return next
	}
	return allowed
}

func (p *patient) Read(buf []byte) (int, error) {
	// Without support for deadlines the server's own read timeout is what there is.
	_ = p.control.SetReadDeadline(p.deadline())
	if p.stopped.Err() != nil {
		return 0, errStopping
	}
	n, err := p.body.Read(buf)
	p.n += int64(n)
	if crowded := p.stake.take(int64(n)); crowded != nil {
		return 0, crowded
	}
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case p.stopped.Err() != nil:
		return n, errStopping
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, &entryError{reason: autotask.BadRequest, status: http.StatusRequestTimeout, text: "the body stopped coming, or comes too slowly"}
	}
	return n, fmt.Errorf("reading the body: %w", err)
}

var errStopping = &entryError{reason: autotask.Draining, retryAfter: time.Second, text: "this gateway is about to stop"}

// until interrupts a reading when the process is to stop; the function that is returned ends that, and all deadlines.
func (p *patient) until(stopped context.Context) (done func()) {
	stay := context.AfterFunc(stopped, func() { _ = p.control.SetReadDeadline(time.Unix(1, 0)) })
	return func() {
		stay()
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// drain reads on after a body that is too large was refused, within bounds: many clients hear an answer only once they
// have sent everything.
func (p *patient) drain(most int64) {
	_ = p.control.SetReadDeadline(time.Now().Add(stall))
	_, _ = io.Copy(io.Discard, io.LimitReader(p.body, most))
}

func broken() *entryError {
	return &entryError{reason: autotask.BadRequest, text: "the body could not be read: it breaks off, or its chunks are malformed"}
}
