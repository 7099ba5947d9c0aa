package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTenThousandIntegrationsServeAsTenDo(t *testing.T) {
	const calls = 300
	var took []time.Duration
	for _, integrations := range []int{10, 10_000} {
		w := newWorld(t)
		for i := range integrations - 2 {
			name := fmt.Sprintf("integration-%05d", i)
			key := newKey(t)
			w.caddyfile.keys[name] = key.Hash()
			w.keys[name] = key
		}
		w.write("Caddyfile", w.caddyfile.String())
		begin := time.Now()
		if out, status := w.run("adapt", "--config", w.path("Caddyfile"), "--adapter", "caddyfile"); status != 0 || strings.Count(out, "sha256:") != integrations {
			t.Fatalf("adapt: exit status %d, %d keys", status, strings.Count(out, "sha256:"))
		}
		adapted := time.Since(begin)
		begin = time.Now()
		w.start()
		started := time.Since(begin)
		w.served("a")
		begin = time.Now()
		for i := range calls {
			w.served(fmt.Sprintf("integration-%05d", i*(integrations-2)/calls))
		}
		took = append(took, time.Since(begin)/calls)
		t.Logf("%d integrations: adapted in %v, serving after %v, %v a call", integrations, adapted.Round(time.Millisecond), started.Round(time.Millisecond), took[len(took)-1])
		w.unharmed(0)
	}
	t.Logf("a call with 10,000 integrations takes %.2f of the time that it takes with 10", float64(took[1])/float64(took[0]))
}
