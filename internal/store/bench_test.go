//go:build unix

package store

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// good is a PSA that takes every sign-in.
type good struct{}

func (good) Free(context.Context, guard.Fingerprint) error { return nil }

func (good) Check(context.Context, guard.Attempt) guard.Outcome {
	return guard.Outcome{Verdict: guard.Accepted}
}

// serving returns logins of a process that is alone, each with a credential that was accepted.
func serving(tb testing.TB, p place, logins int) (*running, []*guard.Login) {
	tb.Helper()
	r := p.run(tb)
	g := guard.New(r.Store, slog.New(slog.DiscardHandler))
	var all []*guard.Login
	for i := range logins {
		l := g.Login(guard.Key(fmt.Sprint(i)))
		l.Attach(guard.Use{Settings: guard.Settings{Threshold: 18, Budget: 16, InFlight: 14}.WithDefaults(), Upstream: good{}, Integrations: 2})
		if err := l.Newest(guard.Fingerprint{1}, "1"); err != nil {
			tb.Fatal(err)
		}
		if res := l.Check(tb.Context()); res.Err != nil {
			tb.Fatal(res.Err)
		}
		all = append(all, l)
	}
	return r, all
}

// answered is the end of a call that the PSA accepted. The engine reads the clock anyway, to tell how long it took.
func answered(at time.Time) guard.Outcome {
	return guard.Outcome{Verdict: guard.Accepted, At: at}
}

// benchmarkAtOnce has 8 goroutines take and settle units of logins in turn, and nobody wait for a unit.
func benchmarkAtOnce(b *testing.B, logins int) {
	dir := b.TempDir()
	r, all := serving(b, place{Config: Config{Kind: SQLite, Place: dir + "/psagate.db", Dir: dir}}, logins)
	var next atomic.Int64
	now := time.Now()
	writes := r.Writes()
	b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(next.Add(1)) * 127; pb.Next(); i++ {
			l := all[i%logins]
			a, err := l.Acquire(context.Background(), guard.Ask{Source: "x"})
			if err != nil {
				b.Error(err)
				return
			}
			l.Settle(a, answered(now))
		}
	})
	b.ReportMetric(float64(r.Writes()-writes)/float64(b.N)*1000, "transactions/1000")
}

func BenchmarkReserveAndSettleOfOneLogin(b *testing.B)   { benchmarkAtOnce(b, 1) }
func BenchmarkReserveAndSettleOf1000Logins(b *testing.B) { benchmarkAtOnce(b, 1000) }

// BenchmarkReserveAndSettleAlone has one goroutine: nobody waits for a lock.
func BenchmarkReserveAndSettleAlone(b *testing.B) {
	dir := b.TempDir()
	_, all := serving(b, place{Config: Config{Kind: SQLite, Place: dir + "/psagate.db", Dir: dir}}, 1)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		a, err := all[0].Acquire(context.Background(), guard.Ask{Source: "x"})
		if err != nil {
			b.Fatal(err)
		}
		all[0].Settle(a, answered(now))
	}
}

// BenchmarkASharedTransaction is what a unit costs where other processes live.
func BenchmarkASharedTransaction(b *testing.B) {
	for _, kind := range []Kind{SQLite, PostgreSQL} {
		b.Run(string(kind), func(b *testing.B) {
			p := placeOf(b, kind)
			p.TTL = DefaultTTL
			r := p.run(b)
			r.enter(several)
			n := uint64(0)
			for b.Loop() {
				n++
				r.change("k", func(rows *guard.Rows) { rows.Seq = n })
			}
		})
	}
}
