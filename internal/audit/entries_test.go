package audit

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// anyEntry is an entry of texts as callers can make them.
func anyEntry(t *rapid.T) Entry {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[a-z"\\{}:,]{0,20}`), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) string { return string(b) }))
	var e Entry
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); {
		case slices.Contains([]string{"Chain", "Seq", "Time", "Up", "Process"}, name):
		case f.Kind() == reflect.String:
			f.SetString(text.Draw(t, name))
		case f.Kind() == reflect.Bool:
			f.SetBool(rapid.Bool().Draw(t, name))
		case f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf(rapid.SliceOfN(text, 0, 100).Draw(t, name)))
		case f.Type() == reflect.TypeFor[map[string]string]():
			f.Set(reflect.ValueOf(rapid.MapOfN(text, text, 0, 30).Draw(t, name)))
		case name == "Duration":
			f.SetInt(int64(rapid.IntRange(0, 1e9).Draw(t, name)) * int64(time.Microsecond))
		case name == "Status":
			f.SetInt(int64(rapid.IntRange(0, 599).Draw(t, name)))
		case name == "Of":
			f.SetUint(rapid.Uint64().Draw(t, name))
		default:
			t.Fatalf("the test knows no field %s", name)
		}
	}
	return e
}

// said is what is left of an entry in its line: bounded, and valid UTF-8.
func said(e Entry) Entry {
	e.bound()
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); value := f.Interface().(type) {
		case []string:
			var list []string
			for _, text := range value {
				list = append(list, valid(text))
			}
			f.Set(reflect.ValueOf(list))
		case map[string]string:
			var data map[string]string
			for name, text := range value {
				if data == nil {
					data = map[string]string{}
				}
				data[valid(name)] = valid(text)
			}
			f.Set(reflect.ValueOf(data))
		default:
			if f.Kind() == reflect.String {
				f.SetString(valid(f.String()))
			}
		}
	}
	return e
}

// valid is a text with U+FFFD for each byte that is no UTF-8, as encoding/json has it.
func valid(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
	}
	return b.String()
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEntry(t)
		maps.DeleteFunc(e.Data, func(name, _ string) bool { return !utf8.ValidString(name) }) // two may become the same
		before, _ := json.Marshal(e)
		want := said(e)
		s := sealer{chain: "AAAA", key: keyNow.ID, process: "p\"1", coder: newCoder(keyNow)}
		e.bound()
		e.Time, e.Up = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC), time.Duration(rapid.IntRange(0, 1e12).Draw(t, "up"))*time.Microsecond
		text := s.entry(nil, &e)
		want.Chain, want.Seq, want.Time, want.Up, want.Process = "AAAA", 1, e.Time, e.Up, "p\"1"
		if len(text) > MaxLine || bytes.Count(text, []byte("\n")) != 1 || !json.Valid(text) {
			t.Fatalf("%d bytes: %s", len(text), text)
		}
		for _, c := range text[:len(text)-1] {
			if c < ' ' || c == 0x7f {
				t.Fatalf("a line holds byte %#x", c)
			}
		}
		n := 0
		for got, err := range Entries(bytes.NewReader(text)) {
			if n++; err != nil || !reflect.DeepEqual(normal(got), normal(want)) {
				t.Fatalf("%v\ngot  %+v\nwant %+v\nfrom %s", err, got, want, before)
			}
		}
		if n != 1 {
			t.Fatalf("%d entries", n)
		}
		if l, ok := parse(bytes.TrimSuffix(text, []byte("\n"))); !ok || newCoder(keyNow).of(l.signed) != l.code {
			t.Fatalf("it does not verify: %s", text)
		}
	})
}

// normal makes what is empty the same.
func normal(e Entry) Entry {
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); (f.Kind() == reflect.Slice || f.Kind() == reflect.Map) && f.Len() == 0 {
			f.SetZero()
		}
	}
	return e
}

func TestTheLargestEntryIsALine(t *testing.T) {
	worst := strings.Repeat("\x01", 10_000)
	var e Entry
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case []string:
			f.Set(reflect.ValueOf(slices.Repeat([]string{worst}, 1000)))
		case map[string]string:
			data := map[string]string{}
			for i := range 1000 {
				data[strings.Repeat("\x01", 60)+string(rune('a'+i))] = worst
			}
			f.Set(reflect.ValueOf(data))
		default:
			if f.Kind() == reflect.String {
				f.SetString(worst)
			}
		}
	}
	fields := e.Fields
	e.bound()
	e.Kind, e.Of, e.Again, e.Observed, e.Status, e.Duration = Call, 1<<63, true, true, 1<<62, 1<<62
	s := sealer{chain: strings.Repeat("A", maxID), key: strings.Repeat("A", maxID), process: strings.Repeat("\x01", MaxName), coder: newCoder(keyNow), seq: 1 << 63}
	if text := s.entry(nil, &e); len(text) > MaxLine {
		t.Errorf("%d bytes", len(text))
	}
	if len(fields) != 1000 || fields[0] != worst {
		t.Error("a list of the caller's was changed")
	}
	if len(e.Fields) != MaxNames || e.Fields[MaxNames-1] != cutMark || len(e.Data) != MaxReasons || len(e.Entity) != MaxText || !strings.HasSuffix(e.Entity, cutMark) {
		t.Errorf("%d fields, %d data, %q", len(e.Fields), len(e.Data), e.Entity)
	}
}

func TestATextIsCutBetweenLetters(t *testing.T) {
	for n := range 4 {
		e := Entry{Entity: strings.Repeat("x", n) + strings.Repeat("ä€😀", 100)}
		e.bound()
		if len(e.Entity) > MaxText || len(e.Entity) < MaxText-4 || !utf8.ValidString(e.Entity) {
			t.Errorf("%d: %d %q", n, len(e.Entity), e.Entity)
		}
	}
}

func TestEntriesGoOnBehindWhatTheyCannotRead(t *testing.T) {
	a, _ := whole("AAAA", 5)
	log := a[0] + "dirt\n" + a[1] + a[2][:40] + a[3] + "\n\n" + a[4]
	for _, r := range [][]byte{[]byte(log), zipped(log)} {
		var got []string
		for e, err := range Entries(iotest.HalfReader(bytes.NewReader(r))) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, e.ID)
		}
		if want := []string{"line 2: this is no audit line", "2", "4"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}
	for e, err := range Entries(strings.NewReader(strings.Join(a, ""))) {
		if err != nil || e.ID != "2" {
			t.Errorf("%+v %v", e, err)
		}
		break
	}
	for _, err := range Entries(bytes.NewReader(zipped(log)[:30])) {
		if err == nil || !strings.Contains(err.Error(), "the file cannot be read any further") {
			t.Error(err)
		}
	}
}
