package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestTheSameAgain(t *testing.T) {
	t.Parallel()
	g := New(Limits{Window: time.Minute, Same: 2, Sender: 100})
	m := Mail{Sender: "a@example.com", Subject: "Disk full"}
	judge := func(after time.Duration, m Mail, want What, ticket int64) {
		t.Helper()
		if v := g.Judge(start.Add(after), m); v.What != want || v.Ticket != ticket || (v.Cause == "") != (want == Pass) {
			t.Errorf("after %s: %+v, want %s %d", after, v, want, ticket)
		}
	}
	judge(0, m, Pass, 0)
	judge(time.Second, Mail{Sender: m.Sender, Subject: "RE: disk  full [3]"}, Pass, 0)
	judge(2*time.Second, m, Suspend, 0) // no ticket is known yet
	g.Made(m, 7)
	judge(3*time.Second, m, Append, 7)
	judge(3*time.Second, Mail{Sender: "b@example.com", Subject: m.Subject}, Pass, 0)
	judge(3*time.Second, Mail{Sender: m.Sender, Subject: "Disk empty"}, Pass, 0)
	judge(3*time.Second, Mail{Sender: m.Sender, Subject: m.Subject, Exempt: true}, Pass, 0)
	judge(4*time.Second, Mail{Sender: m.Sender, Subject: m.Subject, Exempt: true, Hops: 26}, Suspend, 0)
	judge(61*time.Second, m, Append, 7) // two in the minute before
	judge(3*time.Minute, m, Pass, 0)
}

func TestASenderGoneWild(t *testing.T) {
	t.Parallel()
	g := New(Limits{Window: time.Minute, Sender: 3})
	got := ""
	for i := range 6 {
		got += string(g.Judge(start.Add(time.Duration(i)*time.Second), Mail{Sender: "a@example.com", Subject: strings.Repeat("x", i)}).What)[:1]
	}
	if got != "pppsss" {
		t.Errorf("%s", got)
	}
}

// However many senders there are, the state ends.
func TestStateIsBounded(t *testing.T) {
	t.Parallel()
	g := New(Limits{})
	for range 1000 {
		g.Judge(start, Mail{Sender: "wild"})
	}
	if n := len(g.senders.byKey["wild"].Value.(*count).times); n > Default.Sender {
		t.Errorf("%d moments of one sender", n)
	}
	for i := range 2 * keysMost {
		g.Judge(start, Mail{Sender: fmt.Sprint(i)})
	}
	if n := len(g.senders.byKey); n != keysMost || g.senders.order.Len() != n || len(g.same.byKey) != keysMost {
		t.Errorf("%d senders, %d subjects", n, len(g.same.byKey))
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	if got := Subject(strings.Repeat("re:", 1_000_000)); len(got) > 3 {
		t.Errorf("%q", got)
	}
	for subject, want := range map[string]string{
		"Re: AW: [EXT] Fwd(2): Printer":           "printer",
		"Backup failed 2026-11-27 10:00 on SRV01": "backup failed # # on #",
		"Backup failed 2026-11-28 11:30 on SRV01": "backup failed # # on #",
		"[T20260213.0045] Printer":                "printer",
		"Automatic reply: Printer":                "printer",
		"Report: all good":                        "report: all good",
		"":                                        "",
		"RE:RE:":                                  "",
	} {
		if got := Subject(subject); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}

// The guard agrees with one that keeps every moment.
func TestAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Window: 10 * time.Second, Same: rapid.IntRange(1, 4).Draw(t, "same"), Sender: rapid.IntRange(1, 6).Draw(t, "sender")}
		g, now := New(limits), start
		type past struct {
			at time.Time
			m  Mail
		}
		var all []past
		tickets := map[Mail]int64{}
		for i := range rapid.IntRange(1, 60).Draw(t, "mails") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "later")) * time.Second)
			m := Mail{Sender: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "from"), Subject: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "subject")}
			same, sender := 0, 0
			for _, p := range all {
				if p.m.Sender == m.Sender && now.Sub(p.at) < limits.Window {
					sender++
					if p.m == m {
						same++
					}
				}
			}
			want := Pass
			switch {
			case same >= limits.Same && tickets[m] != 0:
				want = Append
			case sender >= limits.Sender, same >= limits.Same:
				want = Suspend
			}
			v := g.Judge(now, m)
			if v.What != want || v.Ticket != 0 && v.Ticket != tickets[m] {
				t.Fatalf("mail %d: %+v, want %s of %d", i, v, want, tickets[m])
			}
			all = append(all, past{now, m})
			if v.What == Pass && rapid.Bool().Draw(t, "made") {
				tickets[m] = int64(i + 1)
				g.Made(m, tickets[m])
			}
		}
	})
}
