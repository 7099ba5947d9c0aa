package realparts

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// ports counts the ports that were handed out, from a place of chance on, since other processes do the same. They are below those that
// the system gives to who asks for any: so between the finding of a port and its use no client's connection and no other test's
// listener gets it.
var ports atomic.Uint32

func init() { ports.Store(rand.Uint32()) }

// FreeAddress returns an address of this machine on which nobody listens. None is returned twice by one process.
func FreeAddress(t testing.TB) string {
	t.Helper()
	const low, high = 15_000, 32_000
	for range high - low {
		address := fmt.Sprintf("127.0.0.1:%d", low+ports.Add(1)%(high-low))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatalf("something listens on each port of 127.0.0.1 from %d to %d", low, high)
	return ""
}
