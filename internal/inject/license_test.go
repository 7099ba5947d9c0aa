package inject

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

func TestWithoutLicenseNotAByteLeaves(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w, base := wireTo(t, l.Addr().String())
	over := new(guard.Memory).Lease()
	over.Close(guard.ErrLease)
	w.license = over
	res := w.Send(t.Context(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
	if res.Verdict != guard.NotSent || res.Response != nil {
		t.Errorf("verdict %v, error %v", res.Verdict, res.Err)
	}
}

// A process that was taken for dead has a lease again as another one, but not the units that it had.
func TestNothingIsSentInAnotherTermOfTheLicense(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 1)) // closed sooner, it may not have been written to
			_ = c.Close()
		}
	}()
	w, base := wireTo(t, l.Addr().String())
	lease := guard.NewLease(time.Second)
	lease.Extend(time.Now(), time.Hour)
	taken := lease.Term()
	lease.End()
	lease.Extend(time.Now(), time.Hour)
	w.license = lease
	res := w.Send(t.Context(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential, Term: taken})
	if res.Verdict != guard.NotSent || res.Response != nil {
		t.Errorf("verdict %v, error %v", res.Verdict, res.Err)
	}
}

func TestWhatIsUnderWayEndsWithTheLicense(t *testing.T) {
	arrived := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	ctx, end := context.WithCancel(context.Background())
	w.license = during{ctx}
	go func() {
		<-arrived
		end()
	}()
	res := w.Send(t.Context(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
	if res.Verdict != guard.NoAnswer || !res.TimedOut {
		t.Errorf("verdict %v, error %v", res.Verdict, res.Err)
	}
}

// A process that was stopped in the middle of a body, while others took it for dead, must not send the rest of it.
func TestABodyThatIsBeingSentStopsWithTheLicense(t *testing.T) {
	ctx, end := context.WithCancel(context.Background())
	here, there := net.Pipe()
	defer there.Close()
	defer here.Close()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	dial := quietly(during{ctx}, func(context.Context, string, string) (net.Conn, error) { return here, nil })
	c, err := dial(t.Context(), "tcp", "psa:443")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("the first part")); err != nil {
		t.Fatal(err)
	}
	end()
	if n, err := c.Write([]byte(strings.Repeat("x", 100))); n != 0 || err == nil {
		t.Errorf("%d bytes were written, error %v", n, err)
	}
}
