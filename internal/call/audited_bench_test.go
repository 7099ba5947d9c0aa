//go:build unix

package call

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/secret"
)

// filed is an audit log in a file.
type filed struct{ *audit.Writer }

func (filed) Enter() {}
func (filed) Leave() {}

// Begin implements Auditor.
func (f filed) Begin(ctx context.Context, e audit.Entry) (Begun, error) {
	return f.Writer.Begin(ctx, e)
}

func newFiled(b *testing.B, required bool) Auditor {
	b.Helper()
	f, err := os.OpenFile(filepath.Join(b.TempDir(), "audit.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	w, err := audit.New(audit.Config{Output: f, Required: required, Key: audit.Key{ID: "k", Secret: bytes.Repeat([]byte("k"), 32)}, Host: "gate", Process: "gate/1"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = w.Close(context.Background())
		_ = f.Close()
		if s := w.Status(); s.Lost > 0 {
			b.Errorf("%d lines are lost", s.Lost)
		}
	})
	return filed{w}
}

// newBenchGateway is a gateway before a simulated PSA, over connections in memory, and a key for it.
func newBenchGateway(b *testing.B, a Auditor) (*Gateway, identity.Key) {
	b.Helper()
	net, sim, log := psatest.NewNetwork(), psatest.New(), slog.New(slog.DiscardHandler)
	b.Cleanup(sim.Close)
	sim.DiscoveryOn(net.Listen(discoverAddr))
	tenant := sim.AddTenant("Example", sim.AddZoneOn("Five", net.Listen("127.0.0.1:5005")))
	tenant.Seed(12)
	tenant.AddUser(user, "old-password", "CODE")
	sim.KeepLedger(100)
	sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 0 })
	source := &safe{records: map[string]secret.Record{}}
	source.put("main", user, "old-password")
	store := secret.NewStore("file", source, secret.Options{Logger: log})
	store.Start(context.Background())
	b.Cleanup(store.Stop)
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	g, err := New(Config{
		Stores: map[string]Store{"file": {store, "file"}},
		Logins: []Login{{
			Name: "main", Store: "file", Path: "main", Discover: "http://" + discoverAddr, Hosts: []string{"127.0.0.1"}, InsecureHTTP: true,
			Settings: guard.Settings{}.WithDefaults(),
		}},
		Integrations: []Integration{{Integration: identity.Integration{Name: "a", Login: "main", Keys: []identity.Hash{key.Hash()}}}},
		Log:          log, Dial: net.DialContext, Audit: a,
	}, NewShared(new(guard.Memory), log))
	if err != nil {
		b.Fatal(err)
	}
	g.Commit()
	b.Cleanup(g.Close)
	return g, key
}

// processorTime is what the process has taken of the processors, which a busy machine does not change as it does the time of day.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAudited is what a call costs where nobody writes it down, where it is, and where it must be on disk before it leaves.
func BenchmarkAudited(b *testing.B) {
	for _, call := range []struct{ name, method, path, body string }{
		{"read", "GET", "/Tickets/1", ""},
		{"query", "POST", "/Tickets/query", `{"filter":[{"op":"eq","field":"id","value":1}],"includeFields":["id","title"]}`},
	} {
		for _, as := range []string{"off", "on", "required"} {
			b.Run(call.name+"/"+as, func(b *testing.B) {
				var a Auditor
				if as != "off" {
					a = newFiled(b, as == "required")
				}
				g, key := newBenchGateway(b, a)
				b.ReportAllocs()
				before := processorTime(b)
				for b.Loop() {
					r := httptest.NewRequest(call.method, gatewayURL+"/ATServicesRest/V1.0"+call.path, strings.NewReader(call.body))
					r.Header.Set("Secret", key.Reveal())
					rec := httptest.NewRecorder()
					r, _, _ = g.Identify(rec, r, "192.0.2.7")
					if g.Proxy(rec, r, ProxyOptions{}); rec.Code != http.StatusOK {
						b.Fatal(rec.Code, rec.Body)
					}
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
