package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// line is what load.lua prints, among what wrk does.
const line = "Running 2s test\n  32 requests in 2s\nbench calls=32 microseconds=2000000 connect=0 read=0 write=0 status=0 timeout=0\n"

func TestAClosedLoopIsReadOffWrksLine(t *testing.T) {
	r, err := parseWrk([]byte(line))
	if err != nil || r.calls != 32 || r.took != 2*time.Second || r.rate() != 16 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAClosedLoopWithACallThatFailedIsAnError(t *testing.T) {
	for _, what := range []string{"connect", "read", "write", "status", "timeout"} {
		if r, err := parseWrk([]byte(strings.Replace(line, what+"=0", what+"=1", 1))); err == nil || !strings.Contains(err.Error(), "calls failed") {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
	for name, out := range map[string]string{"no call": strings.Replace(line, "calls=32", "calls=0", 1), "no line": "unable to connect", "nothing": "", "half a line": line[:60]} {
		if r, err := parseWrk([]byte(out)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAnOpenLoopIsReadAndOneWithACallThatFailedIsAnError(t *testing.T) {
	r, err := parsePace([]byte(`{"calls":10,"failed":0,"p50":0.5,"p99":1.5,"max":2,"late99":0.1,"connections":3}`))
	if err != nil || r.Calls != 10 || r.P50 != 0.5 || r.P99 != 1.5 || r.Late99 != 0.1 {
		t.Errorf("%+v, %v", r, err)
	}
	for out, says := range map[string]string{
		`{"calls":9,"failed":1,"error":"503 queue-full"}`: "503 queue-full", `{"calls":0}`: "calls failed", ``: "cannot be read", `{"calls":"x"}`: "cannot be read",
	} {
		if r, err := parsePace([]byte(out)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v", out, r, err)
		}
	}
}

func TestAProcessIsReadWhateverItsNameHolds(t *testing.T) {
	s, err := parseStat([]byte("4711 (a) R 1 9 (b)) S 1 4700 4700 0 -1 4194560 200 0 0 0 150 50 7 8 20 0 9 0 12345 1000 100"))
	if err != nil || s.group != 4700 || s.cpu != 2*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", "1 (x) S 1 a 0 0 0 0 0 0 0 0 1 2 3"} {
		if s, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, s)
		}
	}
}

func TestThisProcessIsReadOffProc(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for file, parse := range map[string]func([]byte) error{
		pid + "/stat":   func(b []byte) error { _, err := parseStat(b); return err },
		pid + "/status": func(b []byte) error { _, err := parsePeak(b); return err },
		"stat":          func(b []byte) error { _, err := parseBusy(b); return err },
	} {
		text, err := os.ReadFile(filepath.Join("/proc", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(text); err != nil {
			t.Error(file, err)
		}
	}
}

func TestPeakMemoryIsInBytes(t *testing.T) {
	if n, err := parsePeak([]byte("Name:\tx\nVmPeak:\t    9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n")); err != nil || n != 2<<20 {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "Name:\tx\nVmRSS:\t1 kB\n", "\nVmHWM:\t", "\nVmHWM:\tx kB\n"} {
		if n, err := parsePeak([]byte(bad)); err == nil {
			t.Errorf("%q: %d", bad, n)
		}
	}
}

func TestTheMachineIsBusyWithAllButIdlingAndWaiting(t *testing.T) {
	if d, err := parseBusy([]byte("cpu  1 2 4 1000 2000 8 16 32 7 7\ncpu0 9 9 9\n")); err != nil || d != 63*tick {
		t.Errorf("%v, %v", d, err)
	}
	if d, err := parseBusy([]byte("intr 1 2 3 4 5 6 7 8 9")); err == nil {
		t.Errorf("%v", d)
	}
}

func TestAllocationsAreReadOffTheMetrics(t *testing.T) {
	n, err := parseMallocs([]byte("# HELP go_memstats_mallocs_total x\n# TYPE go_memstats_mallocs_total counter\ngo_memstats_mallocs_total 1.234e+06\ngo_x 1\n"))
	if err != nil || n != 1_234_000 {
		t.Errorf("%v, %v", n, err)
	}
	if n, err := parseMallocs([]byte("# TYPE go_memstats_mallocs_total counter\n")); err == nil {
		t.Errorf("%v", n)
	}
}

func TestGoBenchmarksAreReadWhateverFiguresTheyHave(t *testing.T) {
	all, err := parseBenchmarks("goos: linux\nBenchmarkReserveAndSettle-2 \t 1000\t 250.5 ns/op\t 16 B/op\t 1 allocs/op\nBenchmarkIdentify/10000-16 5 7 ns/op 0 B/op 0 allocs/op\n" +
		"BenchmarkRewriterTickets \t 3\t 9e6 ns/op\t 450.25 MB/s\t 8 B/op\t 2 allocs/op\nPASS\nok x 1s\n")
	want := []benchmark{
		{Name: "ReserveAndSettle", Nanoseconds: 250.5, Bytes: 16, Allocations: 1, Aim: true},
		{Name: "Identify/10000", Nanoseconds: 7},
		{Name: "RewriterTickets", Nanoseconds: 9e6, MBs: 450.25, Bytes: 8, Allocations: 2},
	}
	if err != nil || len(all) != len(want) {
		t.Fatalf("%+v, %v", all, err)
	}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("%+v, want %+v", all[i], want[i])
		}
	}
	for _, bad := range []string{"", "PASS", "BenchmarkX-2 1 x ns/op\n"} {
		if all, err := parseBenchmarks(bad); err == nil {
			t.Errorf("%q: %+v", bad, all)
		}
	}
}

func TestABodyIsJSONOfItsSize(t *testing.T) {
	for _, size := range []int{40, 100_000} {
		path := filepath.Join(t.TempDir(), "body")
		if err := writeBody(path, size); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) != size || !strings.HasPrefix(string(text), `{"filter":[]`) || !strings.HasSuffix(string(text), `"}`) {
			t.Errorf("%d bytes for %d, %v: %.60s", len(text), size, err, text)
		}
	}
}

func TestKeysAreAsPsagateMakesThem(t *testing.T) {
	all := newIntegrations(3)
	for _, i := range all {
		if len(i.key) != 57 || !strings.HasPrefix(i.key, "psagate_") || len(i.hash()) != 71 {
			t.Errorf("%q %q", i.key, i.hash())
		}
	}
	if all[0].key == all[1].key || all[0].name == all[1].name {
		t.Error("two are the same")
	}
}

func TestABoundIsWhatTheLoginsCarryAtOnce(t *testing.T) {
	for _, c := range []struct {
		row  row
		want float64
	}{{row{Logins: 1, Slow: true}, 150}, {row{Logins: 16, Slow: true}, 2400}, {row{Logins: 1}, 0}} {
		if got := c.row.bound(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%+v: %v", c.row, got)
		}
	}
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-rows", "("}, {"-turns", "0"}, {"-closed", "10ms"}, {"-open", "0s"}, {"x"}, {"-nonsense"}} {
		if s, err := readFlags(args); err == nil {
			t.Errorf("%v: %+v", args, s)
		}
	}
	s, err := readFlags([]string{"-short"})
	if err != nil || s.turns != 1 || s.wants(row{Name: "many"}) || !s.wants(row{Name: "get", short: true}) {
		t.Errorf("%+v, %v", s, err)
	}
	if s, _ = readFlags([]string{"-short", "-rows", "many"}); !s.wants(row{Name: "many"}) {
		t.Error("a row that is asked for is left out of a short run")
	}
}
