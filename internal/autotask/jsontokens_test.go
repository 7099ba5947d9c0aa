package autotask

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// shape is a JSON text as its tokens tell it.
func shape(text string) (string, error) {
	var out strings.Builder
	t := newTokens(iotest.OneByteReader(strings.NewReader(text)))
	for {
		tok, err := t.next()
		if err == io.EOF {
			return out.String(), nil
		}
		if err != nil {
			return out.String(), err
		}
		out.WriteByte(tok.kind)
		if tok.long {
			out.WriteString("(long)")
		} else if tok.text != "" {
			out.WriteString("(" + tok.text + ")")
		}
	}
}

func TestAJSONTextIsReadTokenByToken(t *testing.T) {
	for text, want := range map[string]string{
		` {} `: "{}", `[1, -2.5e3,"a\"b\\",true,null]`: `[l(1)l(-2.5e3)s(a"b\)l(true)l(null)]`,
		`{"a":{"b":[]},"c":"d"}`: "{k(a){k(b)[]}k(c)s(d)}",
		"\xef\xbb\xbf{}":         "{}", `"\u00e9"`: "s(é)", `{"":""}`: "{ks}",
	} {
		if got, err := shape(text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestWhatIsNotStrictJSONIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "{", "[1", `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `[1 2]`, `{'a':1}`, `{a:1}`, `{"a":1}x`, `{}{}`, `// c
{}`, `{"a":01}`, `{"a":NaN}`, `{"a":+1}`, `"\x"`, `"a`, "\"\xff\"", `]`, `{]`, `[}`, `{"a":1 "b":2}`, `{,}`, `{"a":1,,"b":2}`, `"a`, "{\"a\xff\":1}", `tru`, `:`,
	} {
		if got, err := shape(text); !errors.Is(err, errNotJSON) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := shape(strings.Repeat("[", 100)); err == nil || errors.Is(err, errNotJSON) {
		t.Errorf("a deep one: %v", err)
	}
}

func TestLongStringsArePassedOver(t *testing.T) {
	for _, n := range []int{maxText - 3, maxText, 4095, 4096, 4097, 1 << 20} {
		for _, end := range []string{"", `\\`, `\"`, `\\\"`, `\\\\`} {
			text := `{"data":"` + strings.Repeat("x", n) + end + `","id":7}`
			got, err := shape(text)
			if err != nil || !strings.HasSuffix(got, "k(id)l(7)}") {
				t.Errorf("%d bytes and %q: %.60s…, %v", n, end, got, err)
			}
		}
	}
}

// What encoding/json takes is read, and to the same end; what it does not take is refused, unless the fault is inside a string
// that is passed over.
func FuzzJSONTokens(f *testing.F) {
	for _, text := range []string{`{"a":[1,{"b":"c\"d"}],"e":null}`, `[[[]]]`, `"\ud800"`, `{"a":1,}`, "{\"a\":\"" + strings.Repeat(`\\`, 3000) + "\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := shape(string(text))
		plain := bytes.TrimPrefix(text, utf8BOM)
		valid := json.Valid(plain)
		switch {
		case err == nil && !valid && !strings.Contains(got, "(long)"):
			t.Errorf("%q is read as %q", text, got)
		case err != nil && valid && errors.Is(err, errNotJSON) && len(plain) < maxText && !invalidText(plain):
			t.Errorf("%q: %v", text, err)
		}
	})
}

// invalidText reports bytes that are no UTF-8, which encoding/json lets pass in strings.
func invalidText(text []byte) bool { return !bytes.Equal(bytes.ToValidUTF8(text, nil), text) }
