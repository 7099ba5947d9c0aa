package inject

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
)

// The time is over while the connection is being made: what went out would be of a call that is somebody else's by now.
func TestNothingBeginsOnceItsTimeIsOver(t *testing.T) {
	for _, m := range everyMethod {
		synctest.Test(t, func(t *testing.T) {
			until, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			rule, err := autotask.NewHostRule([]string{"127.0.0.1"}, true)
			if err != nil {
				t.Fatal(err)
			}
			base, err := autotask.ParseBase("http://127.0.0.1", rule)
			if err != nil {
				t.Fatal(err)
			}
			dialled, got := 0, make(chan int, 10)
			w := NewWire(new(guard.Memory).Lease(), rule, func(context.Context, string, string) (net.Conn, error) {
				dialled++
				time.Sleep(2 * time.Second)
				ours, theirs := net.Pipe()
				go func() {
					n, _ := theirs.Read(make([]byte, 100))
					got <- n
				}()
				return ours, nil
			})
			defer w.Close()
			res := w.Send(t.Context(), Request{Operation: operation(t, m.method, m.path), Base: base, Body: text(m.body), Credential: credential, Until: until})
			if res.Verdict != guard.NotSent || res.Err == nil {
				t.Errorf("%s: %+v", m.method, res)
			}
			if n := <-got; n != 0 || dialled != 1 {
				t.Errorf("%s: %d bytes went out, over %d connections", m.method, n, dialled)
			}
			if res := w.Send(t.Context(), Request{Operation: operation(t, m.method, m.path), Base: base, Body: text(m.body), Credential: credential, Until: until}); res.Verdict != guard.NotSent || dialled != 1 {
				t.Errorf("%s: %+v, %d connections", m.method, res, dialled)
			}
		})
	}
}
