package ledger

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var ann = Decision{By: "corp/ann", Why: "wanted"}

func TestPeopleTryAgain(t *testing.T) {
	t.Parallel()
	for _, m := range []Mail{
		{State: Done},
		{State: Ready},
		{State: Suppressed, Cause: "duplicate"},
		{State: Suppressed, Cause: Dropped, Was: "duplicate"},
		{State: Suspended, Cause: "loop", Gone: true},
	} {
		if after, err := (Rules{}).Retry(m, ann, noon); err == nil || !reflect.DeepEqual(after, m) {
			t.Errorf("tried again: %+v", m)
		}
	}
	for _, test := range []struct {
		cause string
		of    Mail
		want  State
	}{
		{"loop", Mail{State: Suspended}, Spooled},
		{"refused", Mail{State: Dead, Reference: "r", Plainness: 4, Plan: []byte("p")}, Ready},
		{"refused", Mail{State: Dead, Reference: "r", Plainness: 4}, Spooled},
		{"in-doubt", Mail{State: Suspended, Plan: []byte("p")}, InDoubt},
		{"ates-in-doubt", Mail{State: Suspended, Plan: []byte("p")}, AtesInDoubt},
		{"ates-lost", Mail{State: Suspended, Plan: []byte("p")}, AtesInDoubt},
	} {
		test.of.Cause = test.cause
		m, err := Rules{}.Retry(test.of, ann, noon)
		if err != nil || m.State != test.want || !m.Forced || m.Cause != "" || m.Plainness != 0 || !m.Due.Equal(noon) {
			t.Errorf("%+v, %v", m, err)
		}
		dropped, err := Rules{}.Drop(test.of, ann, noon)
		if err != nil || dropped.State != Suppressed || dropped.Cause != Dropped || dropped.Was != test.cause {
			t.Errorf("%+v, %v", dropped, err)
		}
		again, err := Rules{}.Retry(dropped, ann, noon) // as if it had not been dropped
		if m.History, again.History = nil, nil; err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v, %v, want\n%+v", again, err, m)
		}
	}
}

func TestPeopleDropWhatCannotBeATicketUnseen(t *testing.T) {
	t.Parallel()
	for said, m := range map[string]Mail{
		"is being sent":           {State: InFlight},
		"ates-sent: it was sent":  {State: AtesSent},
		"in-doubt: it was sent":   {State: InDoubt},
		"ticket T7 already":       {State: Ready, Item: 1, Ticket: 7, Number: "T7"},
		"ticket 7 already":        {State: Ready, Repair: true, Ticket: 7},
		"done: nothing more":      {State: Done},
		"suppressed: nothing mor": {State: Suppressed, Cause: "own"},
	} {
		if after, err := (Rules{}).Drop(m, ann, noon); err == nil || !strings.Contains(err.Error(), said) || !reflect.DeepEqual(after, m) {
			t.Errorf("%q is not what is said: %v", said, err)
		}
	}
	for _, m := range []Mail{{State: Suspended, Cause: "loop"}, {State: Dead, Cause: "refused"}, {State: Spooled}, {State: Ready}} {
		got, err := Rules{}.Drop(m, Decision{By: "corp/ann", Why: "spam\x00\nof last week"}, noon)
		want := []Move{{At: noon, State: Suppressed, Cause: Dropped, By: "corp/ann", Why: "spam of last week"}}
		if err != nil || got.State != Suppressed || got.Was != m.Cause || !reflect.DeepEqual(got.History, want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestARowKeepsItsLastMovesAndThoseOfPeople(t *testing.T) {
	t.Parallel()
	m, at := Mail{State: Suspended, Cause: "loop"}, noon
	var err error
	if m, err = (Rules{}).Retry(m, ann, at); err != nil {
		t.Fatal(err)
	}
	early := m
	for range 40 {
		at = at.Add(time.Minute)
		m = m.to(InFlight, at).to(Ready, at)
	}
	if len(m.History) != mostMoves || m.History[0].By != "corp/ann" || m.History[0].Why != "wanted" || m.History[len(m.History)-1] != (Move{At: at, State: Ready}) {
		t.Errorf("%+v", m.History)
	}
	if len(early.History) != 1 || early.History[0].State != Spooled {
		t.Errorf("a row that was read before is changed: %+v", early.History)
	}
	for range 40 { // nobody decides so often
		at = at.Add(time.Minute)
		if m, err = (Rules{}).Drop(m.end(Dead, "refused", at), ann, at); err != nil {
			t.Fatal(err)
		}
	}
	if last := m.History[len(m.History)-1]; len(m.History) > mostMoves || !last.At.Equal(at) || last.By != "corp/ann" {
		t.Errorf("%d moves, the last %+v", len(m.History), last)
	}
}

func TestLinesCanBeShownAnywhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		" a \t b\r\n c":             "a b c",
		"\x1b[31mred\x00":           "[31mred",
		"evil\u202egpj.exe":         "evilgpj.exe",
		"\xff\xfeé":                 "é",
		strings.Repeat("é", 11):     strings.Repeat("é", 8) + "…",
		strings.Repeat("a", 20):     strings.Repeat("a", 20),
		strings.Repeat("a", 21):     strings.Repeat("a", 17) + "…",
		"<script>alert(1)</script>": "<script>alert(1)<…",
	} {
		if got := Line(text, 20); got != want || !utf8.ValidString(got) {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\u202eb\xff\n", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(3, most%400)
		got := Line(text, most)
		if len(got) > most || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\r\x1b\u202e\ufffd") || Line(got, most) != got {
			t.Errorf("%q of at most %d is %q", text, most, got)
		}
	})
}
