package guard

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// servingLogin is a login of a guard whose credential has been accepted.
func servingLogin(b testing.TB, g *Guard, key Key, s Settings) *Login {
	b.Helper()
	l := g.Login(key)
	l.Attach(Use{Settings: s.WithDefaults(), Upstream: &desk{valid: fp("a")}, Integrations: 2})
	if err := l.Newest(fp("a"), "1"); err != nil {
		b.Fatal(err)
	}
	if res := l.Check(b.Context()); res.Err != nil {
		b.Fatal(res.Err)
	}
	return l
}

// roomy lets 8 goroutines have a unit each.
var roomy = Settings{Threshold: 18, Budget: 16, InFlight: 14}

// answered is the end of a call that the PSA accepted. The engine reads the clock anyway, to tell how long it took.
func answered(at time.Time) Outcome { return Outcome{Verdict: Accepted, At: at} }

// benchmarkAtOnce has 8 goroutines take and settle units of logins in turn, and nobody wait for a unit.
func benchmarkAtOnce(b *testing.B, logins int) {
	g := New(new(Memory), slog.New(slog.DiscardHandler))
	var all []*Login
	for i := range logins {
		all = append(all, servingLogin(b, g, Key(fmt.Sprint(i)), roomy))
	}
	var next atomic.Int64
	now := time.Now()
	b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(next.Add(1)); pb.Next(); i++ {
			l := all[i%logins]
			a, err := l.Acquire(context.Background(), Ask{Source: "x"})
			if err != nil {
				b.Error(err)
				return
			}
			l.Settle(a, answered(now))
		}
	})
}

// BenchmarkReserveAndSettle has one goroutine.
func BenchmarkReserveAndSettle(b *testing.B) {
	l, now := servingLogin(b, New(new(Memory), slog.New(slog.DiscardHandler)), "k", roomy), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		a, err := l.Acquire(context.Background(), Ask{Source: "x"})
		if err != nil {
			b.Fatal(err)
		}
		l.Settle(a, answered(now))
	}
}

func BenchmarkReserveAndSettleOfOneLoginAtOnce(b *testing.B)   { benchmarkAtOnce(b, 1) }
func BenchmarkReserveAndSettleOf1000LoginsAtOnce(b *testing.B) { benchmarkAtOnce(b, 1000) }

// BenchmarkReserveAndSettleBesideCallsThatWait has a queue: with each unit that comes back, a caller who waits is served.
func BenchmarkReserveAndSettleBesideCallsThatWait(b *testing.B) {
	l := servingLogin(b, New(new(Memory), slog.New(slog.DiscardHandler)), "k", Settings{})
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a, err := l.Acquire(context.Background(), Ask{Source: "x"})
			if err != nil {
				b.Error(err)
				return
			}
			l.Settle(a, Outcome{Verdict: Accepted})
		}
	})
}
