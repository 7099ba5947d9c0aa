package autotask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

const awkward = `pä&s<w>"o\r/d+%'é€😀`

func TestEverySpellingOfASecretIsTakenOut(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(awkward)
	if err != nil {
		t.Fatal(err)
	}
	for name, spelled := range map[string]string{
		"as it is":                      awkward,
		"JSON, HTML's bytes escaped":    strings.Trim(string(quoted), `"`),
		"JSON, little escaped":          string(jsonText(awkward)),
		"JSON, slashes escaped":         strings.ReplaceAll(string(jsonText(awkward)), "/", `\/`),
		"JSON, ASCII alone":             `p\u00e4&s<w>\"o\\r/d+%'\u00e9\u20ac\ud83d\ude00`,
		"JSON, ASCII alone, capitals":   `p\u00E4&s<w>\"o\\r/d+%'\u00E9\u20AC\uD83D\uDE00`,
		"JSON, ASCII, slashes":          `p\u00e4&s<w>\"o\\r\/d+%'\u00e9\u20ac\ud83d\ude00`,
		"JSON as ASP.NET escapes":       `pä\u0026s\u003cw\u003e\"o\\r/d\u002b%\u0027é€😀`,
		"a query":                       url.QueryEscape(awkward),
		"a path":                        url.PathEscape(awkward),
		"encodeURIComponent":            "p%C3%A4%26s%3Cw%3E%22o%5Cr%2Fd%2B%25'%C3%A9%E2%82%AC%F0%9F%98%80",
		"a query, digits in lower case": "p%c3%a4%26s%3cw%3e%22o%5cr%2fd%2b%25%27%c3%a9%e2%82%ac%f0%9f%98%80",
		"HTML":                          html.EscapeString(awkward),
	} {
		in := "before " + spelled + " after"
		if got := NewRedactor(awkward).Text(in); got != "before [redacted] after" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What writes an error chooses what it escapes, and how; a caller may choose for it.
func TestASecretIsTakenOutHoweverItsCharactersAreEscaped(t *testing.T) {
	t.Parallel()
	each := func(format string) (all string) {
		for _, r := range awkward {
			all += fmt.Sprintf(format, r)
		}
		return all
	}
	json := ""
	for _, unit := range utf16.Encode([]rune(awkward)) {
		json += fmt.Sprintf(`\u%04x`, unit)
	}
	url := ""
	for _, b := range []byte(awkward) {
		url += fmt.Sprintf("%%%02X", b)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(awkward))
	d := NewRedactor(awkward, "hunter", "hunter2", "äöüß!", "%tie%")
	for in, want := range map[string]string{
		each("&#%d;"): Redacted, each("&#x%x;"): Redacted, each("&#X%04X;"): Redacted, each("&#%06d;"): Redacted, json: Redacted, strings.ToUpper(url): Redacted, url: Redacted,
		"&#104;unter2": Redacted, "hunter&#50;": Redacted, "hunte%72&#x32;!": Redacted + "!", `\u0068unter`: Redacted,
		"ä&#246;üß!": Redacted, "%ti%65%": Redacted, "&#37;tie%": Redacted,
		"&#104;unte": "&#104;unte", "&#104;&unter": "&#104;&unter", "&#104": "&#104", "%6": "%6", `\u00`: `\u00`, "&;&#;&#x;%zz": "&;&#;&#x;%zz", "&#99999999;": "&#99999999;",
	} {
		if got := d.Text(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
		if got, err := io.ReadAll(d.Reader(iotest.OneByteReader(strings.NewReader("<" + in)))); err != nil || string(got) != "<"+want {
			t.Errorf("%s in parts: %q %v", in, got, err)
		}
	}
	if got := d.Text("Basic " + strings.NewReplacer("+", "&#43;", "/", "%2f").Replace(basic)); !strings.Contains(got, Redacted) || len(got) > 25 {
		t.Errorf("%s: %q", basic, got)
	}
}

func TestASecretInsideABase64TextIsTakenOut(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery staple"
	d := NewRedactor(secret)
	for shift := range 7 {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding} {
			coded := enc.EncodeToString([]byte(strings.Repeat("u", shift) + secret + strings.Repeat("?", shift)))
			got := d.Text("Basic " + coded)
			if !strings.Contains(got, Redacted) {
				t.Errorf("shift %d: %q stays", shift, got)
			}
			left := strings.TrimRight(strings.ReplaceAll(strings.TrimPrefix(got, "Basic "), Redacted, ""), "=")
			if len(left) > 2+4*shift {
				t.Errorf("shift %d: %q is left", shift, got)
			}
		}
	}
}

func TestALongerSecretIsNotCutByAShorterOne(t *testing.T) {
	t.Parallel()
	if got := NewRedactor("hunter", "hunter2", "hunter2-of-pearls").Text("hunter2-of-pearls hunter hunter2!"); got != "[redacted] [redacted] [redacted]!" {
		t.Errorf("got %q", got)
	}
}

func TestShortAndEmptySecretsAreNotLookedFor(t *testing.T) {
	t.Parallel()
	const text = "an abc of things, "
	if got := NewRedactor("", "a", "abc").Text(text); got != text {
		t.Errorf("got %q", got)
	}
	if out, err := io.ReadAll(NewRedactor().Reader(strings.NewReader(text))); err != nil || string(out) != text {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestASecretIsFoundWhereverReadsCutIt(t *testing.T) {
	t.Parallel()
	d := NewRedactor("hunter2", "CODE-1234")
	in := "hunter2" + strings.Repeat("hunter", 2000) + `{"errors":["hunter2 is wrong","CODE-1234"]}hunter2hunter2 CODE-123`
	want := "[redacted]" + strings.Repeat("hunter", 2000) + `{"errors":["[redacted] is wrong","[redacted]"]}[redacted][redacted] CODE-123`
	for name, src := range map[string]io.Reader{
		"whole": strings.NewReader(in), "a byte at a time": iotest.OneByteReader(strings.NewReader(in)),
		"halves": iotest.HalfReader(strings.NewReader(in)), "data with the end": iotest.DataErrReader(strings.NewReader(in)),
	} {
		if out, err := io.ReadAll(d.Reader(src)); err != nil || string(out) != want {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if err := iotest.TestReader(d.Reader(strings.NewReader(in)), []byte(want)); err != nil {
		t.Error(err)
	}
}

func TestABrokenSourceGivesUpWhatWasHeldBack(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	out, err := io.ReadAll(NewRedactor("hunter2").Reader(io.MultiReader(strings.NewReader("a hunter"), iotest.ErrReader(broken))))
	if string(out) != "a hunter" || !errors.Is(err, broken) {
		t.Errorf("%q, %v", out, err)
	}
}

func TestHeadersAreRedactedInPlace(t *testing.T) {
	t.Parallel()
	h := http.Header{
		"X-Echo":    {"user=api; secret=hunter2", "clean"},
		"X-Basic":   {"Basic " + base64.StdEncoding.EncodeToString([]byte("api@example.com:hunter2-of-pearls"))},
		"X-Hunter2": {"1"},
	}
	NewRedactor("hunter2", "hunter2-of-pearls").Header(h)
	if got := h["X-Echo"]; len(got) != 2 || got[0] != "user=api; secret=[redacted]" || got[1] != "clean" {
		t.Errorf("X-Echo is %q", got)
	}
	if !strings.Contains(h.Get("X-Basic"), Redacted) || len(h) != 2 {
		t.Errorf("left: %v", h)
	}
}

func TestARedactorPrintsNoSecret(t *testing.T) {
	t.Parallel()
	d := NewRedactor("hunter2")
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+" "+verb, d, *d)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "d", d, "v", *d)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "d", d, "v", *d)
	if s := b.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e746572") || !strings.Contains(s, Redacted) {
		t.Error(s)
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("hunter2", "CODE-1", []byte(`{"errors":["hunter2 CODE-1"]}`), uint8(3))
	f.Add(awkward, "äöüß", []byte(url.QueryEscape(awkward)+awkward), uint8(0))
	f.Add("&amp;&#38;", "%25%", []byte("&amp;amp;&#38;#38;%2525%25&amp;&#38;"), uint8(2))
	f.Add("aaaa", "aaaaa", []byte("aaaaaaaaaaaaaaaa"), uint8(1))
	f.Fuzz(func(t *testing.T, one, two string, text []byte, size uint8) {
		// A secret that is a part of the mark itself would be found in the mark.
		if strings.Contains(Redacted, one) || strings.Contains(Redacted, two) {
			return
		}
		d := NewRedactor(one, two)
		whole := d.Text(string(text))
		if got := smallReads(t, d.Reader(iotest.HalfReader(bytes.NewReader(text))), int(size)+1); got != whole {
			t.Fatalf("%q whole, %q in parts", whole, got)
		}
		for part := range strings.SplitSeq(whole, Redacted) {
			if len(one) >= minSecret && strings.Contains(part, one) || len(two) >= minSecret && strings.Contains(part, two) {
				t.Fatalf("%q still holds a secret", whole)
			}
		}
	})
}
