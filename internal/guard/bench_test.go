package guard

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
)

// servingLogin is a login of a guard whose credential has been accepted.
func servingLogin(b testing.TB, g *Guard, key Key) *Login {
	b.Helper()
	l := g.Login(key)
	l.Attach(Use{Settings: Settings{}.WithDefaults(), Upstream: &desk{valid: fp("a")}, Integrations: 2})
	if err := l.Newest(fp("a"), "1"); err != nil {
		b.Fatal(err)
	}
	if res := l.Check(b.Context()); res.Err != nil {
		b.Fatal(res.Err)
	}
	return l
}

// benchmarkAtOnce has a goroutine for each core take and settle units of logins in turn. One login serves two of them at
// once; where there are more cores, some wait.
func benchmarkAtOnce(b *testing.B, logins int) {
	g := New(new(Memory), slog.New(slog.DiscardHandler))
	var all []*Login
	for i := range logins {
		all = append(all, servingLogin(b, g, Key(fmt.Sprint(i))))
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(next.Add(1)); pb.Next(); i++ {
			l := all[i%logins]
			a, err := l.Acquire(context.Background(), Ask{Source: "x"})
			if err != nil {
				b.Error(err)
				return
			}
			l.Settle(a, Outcome{Verdict: Accepted})
		}
	})
}

func BenchmarkReserveAndSettleOfOneLoginAtOnce(b *testing.B) { benchmarkAtOnce(b, 1) }
func BenchmarkReserveAndSettleOf16LoginsAtOnce(b *testing.B) { benchmarkAtOnce(b, 16) }

// BenchmarkReserveAndSettleBesideCallsThatWait has a queue: with each unit that comes back, a caller who waits is served.
func BenchmarkReserveAndSettleBesideCallsThatWait(b *testing.B) {
	l := servingLogin(b, New(new(Memory), slog.New(slog.DiscardHandler)), "k")
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
