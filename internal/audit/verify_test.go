package audit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// forge makes the lines of a chain by hand.
type forge struct {
	sealer
	at time.Time
	up time.Duration
}

func newForge(chain string, key Key) *forge {
	return &forge{
		sealer: sealer{chain: chain, key: key.ID, process: "gate-1/77", coder: newCoder(key)},
		at:     time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC),
	}
}

// tick lets a second pass by both clocks.
func (f *forge) tick() { f.at, f.up = f.at.Add(time.Second), f.up+time.Second }

func (f *forge) line() string {
	f.tick()
	e := read(fmt.Sprint(f.seq + 1))
	e.Kind, e.Time, e.Up = Call, f.at, f.up
	return string(f.entry(nil, &e))
}

func (f *forge) word(n note) string {
	f.tick()
	return string(f.sealer.note(nil, f.at, f.up, n))
}

func (f *forge) start() string { return f.word(note{Word: wordStart, Version: 1, Host: "gate-1"}) }
func (f *forge) close() string { return f.word(note{Word: wordClose}) }

// head is what is anchored of the last line.
func (f *forge) head() Head {
	return Head{Chain: f.chain, Host: "gate-1", Key: f.key, Seq: f.seq, MAC: string(f.last[:]), At: f.at}
}

// whole is a chain of n lines, from the first to the last, and its head.
func whole(chain string, n int) (lines []string, h Head) {
	f := newForge(chain, keyNow)
	lines = append(lines, f.start())
	for len(lines) < n-1 {
		lines = append(lines, f.line())
	}
	return append(lines, f.close()), f.head()
}

// of is what a test gives to Verify.
type of struct {
	files    [][]string
	heads    []Head
	complete bool
	until    time.Time
}

func one(lines ...string) [][]string { return [][]string{lines} }

func leftOut(lines []string, i int) []string { return slices.Delete(slices.Clone(lines), i, i+1) }

func swapped(lines []string, i, j int) []string {
	lines = slices.Clone(lines)
	lines[i], lines[j] = lines[j], lines[i]
	return lines
}

func TestWhatAVerifierFinds(t *testing.T) {
	a, head := whole("AAAA", 9)
	b, headB := whole("BBBB", 9)
	forged := newForge("AAAA", Key{ID: keyNow.ID, Secret: bytes.Repeat([]byte("x"), 32)})
	foreign := newForge("AAAA", Key{ID: "ffffffff", Secret: bytes.Repeat([]byte("x"), 32)})
	again := newForge("AAAA", keyNow)
	again.at = again.at.Add(time.Hour)
	rewritten := []string{again.start(), again.line(), again.line(), again.line(), again.line(), again.line(), again.line(), again.line(), again.close()}
	elsewhere := Head{Chain: "CCCC", Host: "gate-2", Seq: 5, At: head.At.Add(time.Hour)}
	here := Head{Chain: "CCCC", Host: "gate-1", Seq: 5, At: head.At.Add(time.Hour)}
	old := Head{Chain: "CCCC", Host: "gate-1", Seq: 5, At: head.At.Add(-time.Hour)}
	for name, c := range map[string]struct {
		of
		want string // kinds, with their places
	}{
		"nothing, where nothing was done":           {of{files: one(a...)}, ""},
		"nothing, in files of any order":            {of{files: [][]string{a[6:], a[:2], a[2:6]}}, ""},
		"nothing, where chains share a file":        {of{files: one(a[0], b[0], a[1], a[2], b[1], a[3], b[2], a[4], a[5], a[6], b[3], b[4], b[5], b[6], b[7], b[8], a[7], a[8])}, ""},
		"a digit that was changed":                  {of{files: one(swapText(a, 3, `"status":200`, `"status":403`)...)}, "changed a:4 4"},
		"a line's number that was changed":          {of{files: one(swapText(a, 3, `"seq":4,`, `"seq":5,`)...)}, "changed a:4 5; missing a:5 4-4"},
		"the last letter of a code":                 {of{files: one(otherLetter(a, 3)...)}, "changed a:4 4"},
		"a line of somebody who has another key":    {of{files: one(append(a[:4:4], forged.start())...), heads: []Head{}}, "changed a:5 1; young a:4 4; open a:4 4"},
		"a key that is not known":                   {of{files: one(foreign.start(), foreign.line(), foreign.close())}, "unknown-key a:1-3 0"},
		"a line that is not there":                  {of{files: one(leftOut(a, 3)...)}, "missing a:4 4-4"},
		"lines that are not there":                  {of{files: one(append(a[:2:2], a[6:]...)...)}, "missing a:3 3-6"},
		"a file in the middle that is not there":    {of{files: [][]string{a[:3], a[6:]}}, "missing b:1 4-6"},
		"a line that was copied":                    {of{files: one(slices.Insert(slices.Clone(a), 7, a[3])...)}, "duplicate a:8 4"},
		"a file that is there twice":                {of{files: [][]string{a[:4], a[4:], a[4:]}}, "duplicate c:1-5 5-9"},
		"two lines that changed places":             {of{files: one(swapped(a, 3, 4)...)}, "reordered a:5 4"},
		"a line that was moved to the end":          {of{files: one(append(leftOut(a, 3), a[3])...)}, "reordered a:9 4"},
		"a line that was moved to another file":     {of{files: [][]string{leftOut(a[:6], 3), append([]string{a[3]}, a[6:]...)}}, "reordered a:4 4-4; reordered b:2 5-6"},
		"a tail that was cut":                       {of{files: one(a[:5]...)}, "cut a:5 5-9"},
		"all that is anchored, cut":                 {of{files: one("")}, "absent :0 0-9"},
		"a tail that was written anew":              {of{files: one(rewritten...)}, "rewritten a:9 9"},
		"a chain that forks":                        {of{files: one(append(a[:4:4], rewritten[4:]...)...)}, "clock a:5 5; rewritten a:9 9; forked a:5 5"},
		"another chain's lines":                     {of{files: one(slices.Insert(slices.Clone(a), 4, b[3], b[4])...), heads: []Head{head, headB}}, "begins-late a:5 4; cut a:6 5-9"},
		"another chain's lines, which is here":      {of{files: [][]string{slices.Insert(slices.Clone(a), 4, b[3], b[4]), b}}, "duplicate b:4-5 4-5; reordered b:6 4-5"},
		"a line that is none":                       {of{files: one(slices.Insert(slices.Clone(a), 4, "hello\n", "{}\n")...)}, "no-line a:5-6 0"},
		"a beginning that is not there":             {of{files: one(a[3:]...)}, "begins-late a:1 4"},
		"the same, where nothing was removed":       {of{files: one(a[3:]...), complete: true}, "BEGINS-LATE a:1 4"},
		"a chain that was never anchored":           {of{files: one(longer("AAAA")...), heads: []Head{}}, "unanchored a:90 90"},
		"the same of a few seconds":                 {of{files: one(a...), heads: []Head{}}, "young a:9 9"},
		"a chain that goes on":                      {of{files: one(a[:6]...), heads: []Head{{Chain: "AAAA", Seq: 3, MAC: mac(a[2])}}}, "open a:6 6"},
		"a chain of another host":                   {of{files: one(a...), heads: []Head{head, elsewhere}}, "elsewhere :0 0-5"},
		"the same, where nothing was removed ":      {of{files: one(a...), heads: []Head{head, elsewhere}, complete: true}, "ABSENT :0 0-5"},
		"a later chain of this host that is gone":   {of{files: one(a...), heads: []Head{head, here}}, "absent :0 0-5"},
		"an earlier chain of this host":             {of{files: one(a...), heads: []Head{head, old}}, "elsewhere :0 0-5"},
		"files that end before the anchor, as said": {of{files: one(a[:6]...), until: head.At.Add(-time.Second)}, "open a:6 6"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.heads == nil {
				c.heads = []Head{head}
				if strings.Contains(strings.Join(slices.Concat(c.files...), ""), `"chain":"BBBB"`) {
					c.heads = append(c.heads, headB)
				}
				if strings.HasPrefix(c.want, "unknown-key") {
					c.heads = []Head{}
				}
			}
			r := c.verify(t)
			if got := places(r); got != strings.ToLower(c.want) {
				t.Errorf("got  %q\nwant %q\n%v", got, c.want, r.Findings)
			}
			checkMeanings(t, r)
			notes := []FindingKind{BeginsLate, Elsewhere, Open, Young, Clock}
			for _, f := range r.Findings {
				if f.Fault != (!slices.Contains(notes, f.Kind) || strings.Contains(c.want, strings.ToUpper(string(f.Kind)))) {
					t.Errorf("%v: fault is %v", f, f.Fault)
				}
			}
		})
	}
}

func (c of) verify(t *testing.T) Report {
	var logs []string
	for _, lines := range c.files {
		logs = append(logs, strings.Join(lines, ""))
	}
	return verify(t, VerifyConfig{Heads: c.heads, Complete: c.complete, Until: c.until}, logs...)
}

// places are the findings of a report in few words.
func places(r Report) string {
	var all []string
	for _, f := range r.Findings {
		text := fmt.Sprintf("%s %s:%d", f.Kind, strings.TrimSuffix(f.File, ".log"), f.Line)
		if f.LastLine > 0 {
			text += fmt.Sprintf("-%d", f.LastLine)
		}
		text += fmt.Sprintf(" %d", f.Seq)
		if f.LastSeq > 0 {
			text += fmt.Sprintf("-%d", f.LastSeq)
		}
		all = append(all, text)
	}
	return strings.ToLower(strings.Join(all, "; "))
}

func checkMeanings(t *testing.T, r Report) {
	t.Helper()
	n := 0
	for _, f := range r.Findings {
		if f.What == "" || f.Means == "" {
			t.Errorf("a finding says nothing: %+v", f)
		}
		if f.Fault {
			n++
		}
	}
	if n != r.Faults || r.OK() != (n == 0) {
		t.Errorf("%d faults, but the report says %d, ok %v", n, r.Faults, r.OK())
	}
}

func swapText(lines []string, i int, old, text string) []string {
	lines = slices.Clone(lines)
	lines[i] = strings.Replace(lines[i], old, text, 1)
	return lines
}

// otherLetter changes the last letter of a code to one that means the same 32 bytes.
func otherLetter(lines []string, i int) []string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	lines = slices.Clone(lines)
	b := []byte(lines[i])
	at := len(b) - len("\"}\n") - 1
	b[at] = letters[strings.IndexByte(letters, b[at])^1]
	lines[i] = string(b)
	return lines
}

func mac(text string) string {
	l, _ := parse([]byte(strings.TrimSuffix(text, "\n")))
	return string(l.code[:])
}

func longer(chain string) []string {
	lines, _ := whole(chain, 90)
	return lines
}

func TestWhatTheLogSaysOfItself(t *testing.T) {
	f := newForge("AAAA", keyNow)
	log := []string{f.start(), f.line(), f.line()}
	torn := f.line()
	whole := f.line()
	log = append(log, torn[:100], "\n", f.word(note{Word: wordResume, From: 4, To: 5}), f.word(note{Word: wordLost, Count: 7}))
	f.at = f.at.Add(-time.Hour)
	log = append(log, f.line(), f.close())
	want := "torn a:4 0; lost a:6 7; clock a:7 8"
	r := of{files: one(log...), heads: []Head{f.head()}}.verify(t)
	if places(r) != want || !r.OK() || r.Chains[0].Lost != 7 {
		t.Errorf("%s: %+v", places(r), r)
	}
	t.Run("and what was unsure may be there", func(t *testing.T) {
		log := slices.Replace(slices.Clone(log), 3, 5, torn, whole)
		if r := (of{files: one(log...), heads: []Head{f.head()}}).verify(t); !r.OK() {
			t.Errorf("%+v", r)
		}
	})
	t.Run("but not twice", func(t *testing.T) {
		log := slices.Replace(slices.Clone(log), 3, 5, torn, whole, whole)
		if r := (of{files: one(log...), heads: []Head{f.head()}}).verify(t); !strings.Contains(kinds(r), "duplicate") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("and nothing else is excused by it", func(t *testing.T) {
		log := slices.Delete(slices.Clone(log), 2, 3)
		if r := (of{files: one(log...), heads: []Head{f.head()}}).verify(t); !strings.Contains(places(r), "missing a:4 3-3") {
			t.Errorf("%+v", r)
		}
	})
}

func TestATornLineIsNobodysWork(t *testing.T) {
	a, head := whole("AAAA", 6)
	b, headB := whole("BBBB", 6)
	headB.Number, head.Number = 1, 2
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"at the end of a file":                            {a[0] + a[1] + b[0][:90], "torn cut"},
		"with one letter":                                 {a[0] + a[1] + "{", "torn cut"},
		"before another process begins":                   {a[0] + a[1] + a[2][:90] + "\n" + strings.Join(b, ""), "torn cut"},
		"in front of another process's line":              {strings.Join(b[:3], "") + a[0][:90] + strings.Join(b[3:], ""), "torn absent"},
		"in front of another's, with a letter":            {strings.Join(b[:3], "") + "{\"c" + strings.Join(b[3:], ""), "torn absent"},
		"two of them":                                     {strings.Join(b[:3], "") + "{\"c" + a[0][:90] + strings.Join(b[3:], ""), "torn absent"},
		"of zeros":                                        {strings.Join(b[:3], "") + strings.Repeat("\x00", 5000) + "\n" + strings.Join(b[3:], ""), "torn absent"},
		"with zeros in it":                                {zeros(), "torn young open elsewhere"},
		"but another process notices nothing of it":       {b[0] + a[0] + a[1][:90] + "\n" + resumed() + strings.Join(a[1:], "") + strings.Join(b[1:], ""), "no-line young open"},
		"but its process would have noticed":              {a[0] + a[1][:90] + "\n" + strings.Join(a[1:], ""), "no-line"},
		"but no line begins so":                           {a[0] + "x" + strings.Join(a[1:], ""), "no-line"},
		"but not of so many pieces":                       {strings.Join(a, "") + strings.Repeat("{", MaxLine-1), "no-line"},
		"but not of so many heads":                        {strings.Join(a, "") + strings.Repeat(headChain, 20_000), "no-line"},
		"and it hides no line":                            {a[0] + a[1][:90] + "\n" + strings.Join(a[2:], ""), "no-line missing"},
		"and one that is all there but its end is a line": {strings.Join(a[:5], "") + strings.TrimSuffix(a[5], "\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			heads := []Head{head}
			if strings.Contains(c.text, `"BBBB","seq":6`) {
				heads = append(heads, headB)
			}
			if r := verify(t, VerifyConfig{Heads: heads}, c.text); kinds(r) != c.want {
				t.Errorf("got %q, want %q: %v", kinds(r), c.want, r.Findings)
			}
		})
	}
}

// zeros is a log with a line of which a disk has forgotten the middle.
func zeros() string {
	f := newForge("ZZZZ", keyNow)
	text := f.start()
	lost := []byte(f.line())
	clear(lost[200:250])
	f.line()
	f.line()
	f.line()
	return text + string(lost) + f.word(note{Word: wordResume, From: 2, To: 5}) + f.line()
}

// resumed is a chain that is one line, behind a write that failed.
func resumed() string {
	f := newForge("CCCC", keyNow)
	f.start()
	return f.word(note{Word: wordResume, From: 1, To: 1})
}

func TestNoPartOfALineIsALine(t *testing.T) {
	f := newForge("AAAA", keyNow)
	_, head := whole("BBBB", 3)
	e := Entry{Kind: Event, Event: "x", Data: map[string]string{"a": "b", "chain": "c", "mac": head.MAC}, Reason: head.MAC, Reasons: []string{headChain, codeMember + head.MAC + `"}`}}
	lines := []string{f.word(note{Word: wordStart, Host: "h", Former: &former{head.Chain, head.Seq, head.MAC}}), f.line(), string(f.entry(nil, &e)), f.close()}
	for _, text := range lines {
		text = strings.TrimSuffix(text, "\n")
		if _, before, ok := find([]byte(text)); !ok || len(before) > 0 {
			t.Errorf("a line is none: %s", text)
		}
		for i := range len(text) {
			if _, ok := parse([]byte(text[:i])); ok {
				t.Errorf("a part of a line is one: %s", text[:i])
			}
			if _, _, ok := find([]byte(text[i+1:])); ok {
				t.Errorf("a part of a line is one: %s", text[i+1:])
			}
		}
	}
}

func TestCopiesThatDoNotFollowEachOtherAreSeveral(t *testing.T) {
	a, head := whole("AAAA", 9)
	r := of{files: [][]string{a, {a[2], a[3], a[6], a[7]}}, heads: []Head{head}}.verify(t)
	if places(r) != "duplicate b:1-2 3-4; duplicate b:3-4 7-8" {
		t.Error(places(r))
	}
}

func TestManyPartsOfLinesAreToldOnce(t *testing.T) {
	a, head := whole("AAAA", 6)
	text := strings.Join(a[:3], "")
	for i := range 10 * maxScraps {
		text += fmt.Sprintf(`{"chain":"X%d","seq":1`, i) + "\n"
	}
	r := verify(t, VerifyConfig{Heads: []Head{head}}, text+strings.Join(a[3:], ""))
	if places(r) != fmt.Sprintf("torn a:4-%d 0", 3+10*maxScraps) {
		t.Error(places(r))
	}
}

func TestALongLineTakesNoMemory(t *testing.T) {
	s, err := newScanner(strings.NewReader(strings.Repeat("x", 20*MaxLine) + "\nnext"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.next(); err != nil || len(s.text) > MaxLine || cap(s.buf) > 2*MaxLine {
		t.Errorf("%v, %d of %d bytes", err, len(s.text), cap(s.buf))
	}
	if err := s.next(); err != nil || string(s.text) != "next" || s.no != 2 {
		t.Errorf("%v %q %d", err, s.text, s.no)
	}
}

func TestAFileThatWasTakenAwayIsTold(t *testing.T) {
	f := newForge("BBBB", keyNow)
	taken := func() string {
		f.tick()
		return string(f.entry(nil, &Entry{Kind: Event, Event: EventLogTakenAway, Time: f.at, Up: f.up}))
	}
	before := []string{f.start(), f.line(), f.line(), f.line()}
	after := []string{f.line(), taken(), f.line(), f.close()}
	heads := []Head{f.head()}
	a, headA := whole("AAAA", 4)
	f = newForge("CCCC", keyNow)
	late := []string{f.word(note{Word: wordStart, Version: 1, Host: "gate-1", Former: &former{headA.Chain, headA.Seq, headA.MAC}}), taken(), f.close()}
	f = newForge("DDDD", keyNow)
	first := []string{f.start(), taken(), f.close()}
	for name, c := range map[string]struct {
		of
		want string
	}{
		"where it was removed":                       {of{files: one(after...)}, "begins-late a:1 5; TAKEN-AWAY a:2 6"},
		"where it is here, as it was moved":          {of{files: [][]string{after, before}}, "taken-away a:2 6"},
		"where a part of it is here":                 {of{files: [][]string{before[:2], after}}, "missing b:1 3-4; TAKEN-AWAY b:2 6"},
		"where retention removed what was before it": {of{files: [][]string{before[2:], after}}, "begins-late a:1 3; taken-away b:2 6"},
		"before the first line of a chain":           {of{files: one(late...)}, "young a:3 3; elsewhere a:1 4; TAKEN-AWAY a:2 2; elsewhere :0 0-1"},
		"and the chain before is here":               {of{files: [][]string{a, late}}, "young a:4 4; young b:3 3; taken-away b:2 2; elsewhere :0 0-1"},
		"and there was none before":                  {of{files: one(first...)}, "young a:3 3; taken-away a:2 2; elsewhere :0 0-1"},
	} {
		t.Run(name, func(t *testing.T) {
			c.heads = heads
			if strings.Contains(c.want, "elsewhere :0") {
				c.heads = []Head{{Chain: "ZZZZ", Host: "gate-9", Seq: 1}}
			}
			r := c.verify(t)
			if places(r) != strings.ToLower(c.want) {
				t.Errorf("got  %q\nwant %q\n%v", places(r), c.want, r.Findings)
			}
			for _, found := range r.Findings {
				if found.Kind == TakenAway && (found.Fault != strings.Contains(c.want, "TAKEN") || !strings.Contains(found.What, "2026-03-04T05:00:0")) {
					t.Errorf("%+v", found)
				}
			}
			checkMeanings(t, r)
		})
	}
}

func TestAClockThatWasWrongMakesNoChainMissing(t *testing.T) {
	f := newForge("BBBB", keyNow)
	right := f.at
	f.at = time.Unix(0, 0)
	b := []string{f.start(), f.line()}
	f.at = right
	b = append(b, f.line(), f.close())
	head := f.head()
	head.Number = 2
	removed := Head{Chain: "AAAA", Host: "gate-1", Seq: 5, Number: 1, At: right.Add(-time.Hour)}
	later := Head{Chain: "CCCC", Host: "gate-1", Seq: 5, Number: 3, At: time.Unix(9, 0)}
	for name, c := range map[string]struct {
		of
		want string
	}{
		"that retention removed":                      {of{files: one(b...), heads: []Head{removed, head}}, "clock a:3 3; elsewhere :0 0-5"},
		"but hides none that is":                      {of{files: one(b...), heads: []Head{head, later}}, "clock a:3 3; absent :0 0-5"},
		"where its files end before it was anchored":  {of{files: one(b[:3]...), heads: []Head{removed, head}, until: f.at.Add(-time.Second)}, "clock a:3 3; open a:3 3; elsewhere :0 0-5"},
		"and one that was not anchored follows one":   {of{files: one(followed(later)), heads: []Head{removed, later}}, "young a:1 1; open a:1 1; elsewhere a:1 5; elsewhere :0 0-5; elsewhere :0 0-5"},
		"so what came after the one that it followed": {of{files: one(followed(removed)), heads: []Head{removed, later}}, "young a:1 1; open a:1 1; elsewhere a:1 5; elsewhere :0 0-5; absent :0 0-5"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := c.verify(t); places(r) != c.want {
				t.Errorf("got  %q\nwant %q\n%v", places(r), c.want, r.Findings)
			}
		})
	}
}

// followed is the first line of a chain that follows another one.
func followed(h Head) string {
	return newForge("YYYY", keyNow).word(note{Word: wordStart, Version: 1, Host: "gate-1", Former: &former{h.Chain, h.Seq, h.MAC}})
}

func TestAChainSaysWhichOneItFollows(t *testing.T) {
	a, head := whole("AAAA", 6)
	forger := newForge("AAAA", keyNow)
	forger.at = forger.at.Add(time.Minute)
	other := []string{forger.start(), forger.line(), forger.line(), forger.line(), forger.line(), forger.close()}
	f := newForge("BBBB", keyNow)
	b := []string{f.word(note{Word: wordStart, Version: 1, Host: "gate-1", Former: &former{head.Chain, head.Seq, head.MAC}}), f.close()}
	for name, c := range map[string]struct {
		before   []string
		complete bool
		want     string
	}{
		"and there it is":             {a, false, ""},
		"which was cut":               {a[:5], false, "cut open"},
		"which was written anew":      {other, false, "rewritten"},
		"which is not here":           {nil, false, "elsewhere"},
		"which is not here, but must": {nil, true, "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			r := verify(t, VerifyConfig{Heads: []Head{f.head()}, Complete: c.complete}, strings.Join(b, "")+strings.Join(c.before, ""))
			found := strings.TrimSpace(strings.ReplaceAll(kinds(r), "young", ""))
			if strings.Join(strings.Fields(found), " ") != c.want && !sameWords(found, c.want) {
				t.Errorf("got %q, want %q: %v", kinds(r), c.want, r.Findings)
			}
		})
	}
}

func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values(strings.Fields(a))), slices.Sorted(slices.Values(strings.Fields(b))))
}

func TestAFormerKeyStillProvesItsLines(t *testing.T) {
	f := newForge("AAAA", keyBefore)
	log := f.start() + f.line() + f.close()
	r := verify(t, VerifyConfig{Keys: []Key{keyNow, keyBefore}, Heads: []Head{f.head()}}, log)
	if kinds(r) != "" || r.Chains[0].Key != keyBefore.ID {
		t.Errorf("%+v", r)
	}
}

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

func TestAFileThatCannotBeReadIsToldWithItsName(t *testing.T) {
	a, head := whole("AAAA", 6)
	text := strings.Join(a, "")
	broken := zipped(text)
	for name, c := range map[string]struct {
		r    io.Reader
		want string
	}{
		"gzip":                    {bytes.NewReader(zipped(text)), ""},
		"gzip in small reads":     {iotest.OneByteReader(bytes.NewReader(zipped(text))), ""},
		"two gzips in one":        {bytes.NewReader(append(zipped(text[:100]), zipped(text[100:])...)), ""},
		"gzip that breaks off":    {bytes.NewReader(broken[:len(broken)-20]), "f: the file cannot be read any further: unexpected EOF"},
		"gzip that is damaged":    {bytes.NewReader(append(broken[:len(broken)-6:len(broken)-6], "xxxxxx"...)), "the file cannot be read any further: gzip: invalid checksum"},
		"gzip without anything":   {bytes.NewReader(broken[:2]), "the file cannot be read any further: unexpected EOF"},
		"zstd":                    {strings.NewReader("\x28\xb5\x2f\xfdxxxx"), "compressed with zstd"},
		"a disk that fails":       {io.MultiReader(strings.NewReader(text[:700]), iotest.ErrReader(errNoSpace)), "f:2: unreadable: the file cannot be read any further: no space left on device"},
		"lines without an end":    {strings.NewReader(strings.Repeat("x", 3*MaxLine)), "f:1: no-line"},
		"a line behind much dirt": {io.MultiReader(strings.NewReader(strings.Repeat("\x00", 3*MaxLine)), strings.NewReader(text)), "f:1: torn"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Verify(VerifyConfig{Keys: []Key{keyNow}, Heads: []Head{head}}, File{"f", c.r})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.Findings); c.want == "" && len(r.Findings) > 0 || !strings.Contains(got, strings.TrimPrefix(c.want, "f: ")) {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}

func TestAVerifierNeedsMemoryForBreaksAlone(t *testing.T) {
	f := newForge("AAAA", keyNow)
	lines := []string{f.start()}
	for len(lines) < 3*maxSpans {
		lines = append(lines, f.line())
	}
	var odd, even strings.Builder
	for i, text := range lines {
		if i%2 == 0 {
			even.WriteString(text)
		} else {
			odd.WriteString(text)
		}
	}
	r := verify(t, VerifyConfig{Heads: []Head{f.head()}}, even.String(), odd.String())
	if !strings.Contains(kinds(r), "shuffled") || r.OK() {
		t.Errorf("%s", kinds(r))
	}
	if r := verify(t, VerifyConfig{Heads: []Head{f.head()}}, strings.Join(lines, "")); kinds(r) != "open" {
		t.Errorf("%s", kinds(r))
	}
}

func TestAReportIsBoundedAndSaysWhatItLeftOut(t *testing.T) {
	f := newForge("AAAA", keyNow)
	text := f.start()
	for range 3 * maxFindings {
		text += strings.Replace(f.line(), `"status":200`, `"status":201`, 1)
	}
	r := verify(t, VerifyConfig{Heads: []Head{}}, text)
	if len(r.Findings) != maxFindings || r.Faults < 3*maxFindings || r.LeftOut < 2*maxFindings {
		t.Errorf("%d findings, %d faults, %d left out", len(r.Findings), r.Faults, r.LeftOut)
	}
}

func TestWithoutAnchorsNobodyCanTell(t *testing.T) {
	a, _ := whole("AAAA", 6)
	if r := verify(t, VerifyConfig{}, strings.Join(a, "")); kinds(r) != "no-anchors" || !r.OK() {
		t.Errorf("%+v", r)
	}
}

func TestABadKeyIsRefusedAndNotShown(t *testing.T) {
	for _, k := range []Key{{}, {ID: "a b", Secret: keyNow.Secret}, {ID: "a", Secret: []byte("short-secret")}} {
		_, err := NewVerifier(VerifyConfig{Keys: []Key{k}})
		if err == nil || strings.Contains(err.Error(), "short-secret") {
			t.Errorf("%v", err)
		}
	}
	k := Key{ID: "a", Secret: []byte("hunter2-hunter2-hunter2-hunter2-")}
	j, _ := k.MarshalJSON()
	if all := fmt.Sprintf("%v %+v %#v %s %q %s", k, k, k, k, k, j); strings.Contains(all, "hunter2") || strings.Contains(all, "104 117") {
		t.Error(all)
	}
}
