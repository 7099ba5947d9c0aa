package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// telling tells a short chapter to a terminal, and returns what came.
func telling(t terminal) string {
	var out bytes.Buffer
	t.out, t.begun = &out, time.Now()
	c := chapter{title: "A day", about: "It is calm.", promises: []promise{
		most("calls not served", 0, outcome.unserved), most("failed sign-ins", 3, outcome.failed),
	}}
	o := outcome{calls: []made{{took: 1240 * time.Millisecond}, {reason: "gate-shut"}}, ledger: ledger("0", "1!", "2!")}
	t.chapter(3, c)
	t.row(0, "they call", counts{1, 2, 0})
	t.live(1400*time.Millisecond, counts{1, 2, 0})
	t.live(2*time.Second, counts{1, 1, 1})
	t.row(12*time.Second, "they stop", counts{1, 0, 2})
	t.outcome(o, check(c, o))
	t.ending(check(c, o), o.ledger, ledger("6!", "7X"))
	return out.String()
}

const plain = `
3. A day
   It is calm.

                                                served waiting failed sign-ins
   0 s  they call                                    1       2               0
  12 s  they stop                                    1       0               2

   served      1 call, the slowest in 1.2 s
   not served  1 call: 1 gate-shut
   the PSA     2 failed sign-ins, at most 2 since a success, 5 short of a lock
     BROKEN  calls not served                                    1  at most 0
     held    failed sign-ins                                     2  at most 3

The end, after 0 s
   1 of 2 promises were BROKEN.

   with psagate     3 sign-ins, 2 failed, at most 2 since a success
   without psagate  2 sign-ins, 2 failed, at most 7 since a success: LOCKED
`

func TestPlainOutputHasNoLiveLinesAndNoEscapes(t *testing.T) {
	if got := telling(terminal{}); got != plain {
		t.Errorf("got\n%s\nwant\n%s", got, plain)
	}
}

func TestATerminalsLiveLineIsWrittenOver(t *testing.T) {
	got := telling(terminal{updates: true})
	const want = "   0 s  they call                                    1       2               0\n" +
		"\r   1 s  ...                                          1       2               0\x1b[K" +
		"\r   2 s  ...                                          1       1               1\x1b[K" +
		"\r\x1b[K  12 s  they stop                                    1       0               2\n"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, which has no %q", got, want)
	}
	if strings.Contains(got, "\x1b[1m") {
		t.Error("there are colours, and none are wanted")
	}
}

func TestColoursChangeNoText(t *testing.T) {
	got := telling(terminal{colours: true})
	for _, want := range []string{"\x1b[1m3. A day\x1b[0m", "\x1b[32mheld  \x1b[0m", "\x1b[31mBROKEN\x1b[0m"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	bare := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[0m", "").Replace(got)
	if bare != plain {
		t.Errorf("without its colours it is\n%s\nwant\n%s", bare, plain)
	}
}

func TestWhatTheOutputCanDo(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, c := range []struct {
		name             string
		out              *os.File
		term, noColour   string
		updates, colours bool
	}{
		{"a file", file, "xterm", "", false, false},
		{"a terminal", device, "xterm", "", true, true},
		{"a terminal that wants no colour", device, "xterm", "1", true, false},
		{"a terminal that can do nothing", device, "dumb", "", false, false},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColour)
		if got := newTerminal(c.out); got.updates != c.updates || got.colours != c.colours {
			t.Errorf("%s: updates %v, colours %v", c.name, got.updates, got.colours)
		}
	}
}

func TestTheStoryFitsInto80Columns(t *testing.T) {
	var out bytes.Buffer
	term := terminal{out: &out}
	worst := outcome{ledger: make(psatest.Ledger, 999)}
	for n, c := range story {
		term.chapter(n, c)
		for _, s := range c.steps {
			term.row(99*time.Second, s.says, counts{99_999, 9999, 99})
		}
		var findings []finding
		for _, p := range c.promises {
			findings = append(findings, finding{promise: p, measured: 99_999})
		}
		term.outcome(worst, findings)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
}
