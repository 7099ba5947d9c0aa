package audit

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzAuditLine reads lines that anybody may have written. What is taken for one is one byte for byte, and the code over it is of
// all of it.
func FuzzAuditLine(f *testing.F) {
	a, _ := whole("AAAA", 4)
	for _, text := range a {
		f.Add([]byte(strings.TrimSuffix(text, "\n")))
	}
	f.Add([]byte(`{"chain":"` + a[1]))
	f.Add([]byte(`{"chain":"A","seq":1,"mac_key":"k","prev":"","time":"2026-03-04T05:06:07.890123Z","up_us":0,"kind":"call","mac":"` + strings.Repeat("A", codeLen) + `"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, before, ok := find(text)
		if !ok {
			if !bytes.Equal(before, text) {
				t.Fatal("what is no line is not all told of")
			}
			_, _ = scrapsOf(text, 1)
			return
		}
		rest := text[len(before):]
		if string(rest) != string(l.signed)+codeMember+string(l.code[:])+`"}` {
			t.Fatalf("a part of the line is under no code: %q", rest)
		}
		if l.chain == "" || l.key == "" || l.seq == 0 || (l.seq == 1) != (l.prev == code{}) && l.prev != (code{}) {
			t.Fatalf("%+v", l)
		}
		if again, ok := parse(rest); !ok || again.chain != l.chain || again.seq != l.seq {
			t.Fatal("it is read in two ways")
		}
		_, _ = l.note()
		if e, is, err := entryOf(text); err == nil && is && (e.Chain != l.chain || e.Seq != l.seq) {
			t.Fatalf("an entry of another line: %+v, %+v", e, l)
		}
	})
}

// FuzzAuditFile gives a Verifier a file that anybody may have written: what is not under a code of ours is no line, and a file
// that is not as it was written has a fault.
func FuzzAuditFile(f *testing.F) {
	a, head := whole("AAAA", 5)
	log := strings.Join(a, "")
	f.Add([]byte(log))
	f.Add(zipped(log))
	f.Add([]byte(log[:len(log)/2] + "\n" + log[len(log)/2:]))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Verify(VerifyConfig{Keys: []Key{keyNow}, Heads: []Head{head}, Complete: true}, File{"f", bytes.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		if r.Lines > 5 && r.OK() {
			t.Fatal("more lines than were written, and no fault")
		}
		if !r.OK() {
			return
		}
		var got []string
		for e, err := range Entries(bytes.NewReader(text)) {
			if err == nil {
				got = append(got, e.ID)
			}
		}
		if strings.Join(got, " ") != "2 3 4" {
			t.Fatalf("no fault, but the entries are %v", got)
		}
	})
}
