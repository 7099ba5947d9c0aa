//go:build linux

package mail

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// lowAddress is one of this machine on which nobody listens, below the ports that systems give to whoever asks for any (Linux: from 32768)
// and those that other tests take: between two processes that listen there one after the other, nobody else comes to have it.
func lowAddress(t testing.TB) string {
	t.Helper()
	const low, high = 10_000, 15_000
	for range high - low {
		address := fmt.Sprintf("127.0.0.1:%d", low+rand.IntN(high-low))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("something listens on each port")
	return ""
}
