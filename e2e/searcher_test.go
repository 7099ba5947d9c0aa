package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// awkward are secrets whose letters look different in nearly every form, as the PSA's rules allow them: at most 64
// characters, no space and no single quote.
var awkward = map[string]string{
	"plain":     oldPassword,
	"a key":     "psagate_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM",
	"all signs": `q+/&"<\>%41?#=:;,~^é€𝄞{}$|*!()[]@-_.` + "`",
	"an escape": `pass\u0041word%2541&amp;\\x41/end`,
}

// goJSON is how Go writes a text in JSON.
func goJSON(text string) string { return inJSON(text, true) }

// asciiJSON is how others do: with nothing but ASCII, and the slash escaped.
func asciiJSON(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(strings.ReplaceAll(inJSON(text, false), "/", `\/`))) {
		if unit < 0x80 {
			out.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// writers are the ways in which programs write texts.
var writers = map[string]func(text string) string{
	"as it is":                 func(text string) string { return text },
	"JSON":                     goJSON,
	"JSON without HTML":        func(text string) string { return inJSON(text, false) },
	"JSON in ASCII":            asciiJSON,
	"JSON in JSON":             func(text string) string { return goJSON(goJSON(text)) },
	"JSON in JSON in JSON":     func(text string) string { return goJSON(asciiJSON(goJSON(text))) },
	"Go's %q":                  strconv.Quote,
	"Go's %+q":                 strconv.QuoteToASCII,
	"Go's %q of bytes":         func(text string) string { return fmt.Sprintf("%q", []byte(text)) },
	"Go's %x":                  func(text string) string { return fmt.Sprintf("%x", text) },
	"Go's %X":                  func(text string) string { return fmt.Sprintf("%X", text) },
	"slog's text":              logged,
	"a query":                  func(text string) string { return url.Values{"key": {text}}.Encode() },
	"a query in lower case":    func(text string) string { return lowerEscapes(url.QueryEscape(text)) },
	"a path":                   url.PathEscape,
	"a URL's password":         func(text string) string { return (&url.URL{Host: "a", User: url.UserPassword("u", text)}).String() },
	"every byte percent-coded": percentCoded,
	"a URL in JSON":            func(text string) string { return goJSON("/a?b=" + url.QueryEscape(text) + "&c=<") },
	"JSON in a URL":            func(text string) string { return url.QueryEscape(`{"a":"` + goJSON(text) + `"}`) },
	"HTML":                     html.EscapeString,
	"HTML in JSON":             func(text string) string { return goJSON("<p>" + html.EscapeString(text)) },
	"JSON in HTML":             func(text string) string { return html.EscapeString(goJSON(text)) },
	"base64":                   base64Of,
	"base64 for URLs":          func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) },
	"base64 of JSON":           func(text string) string { return base64Of(`{"a":"` + goJSON(text) + `"}`) },
	"base64 of a query":        func(text string) string { return base64Of("a=" + url.QueryEscape(text)) },
	"base64 in a URL":          func(text string) string { return url.QueryEscape(base64Of(text)) },
	"base64 in a URL in JSON":  func(text string) string { return goJSON("&" + url.QueryEscape(base64Of(text))) },
	"a label of metrics":       strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace,
	"lower case":               strings.ToLower,
	"UTF-16":                   func(text string) string { return utf16Forms(text)[0] },
	"UTF-16, big end first":    func(text string) string { return utf16Forms(text)[1] },
	"gzip":                     gzipped,
	"zstd":                     zstded,
	"gzip that is cut off":     cutGzip,
	"its first letters":        func(text string) string { return text[:min(len(text), partBytes+1)] + "…" },
	"its last letters":         func(text string) string { return "…" + text[max(0, len(text)-partBytes-1):] },
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func logged(text string) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("a message", "key", text)
	return out.String()
}

func percentCoded(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&out, "%%%02x", b)
	}
	return out.String()
}

// lowerEscapes writes the digits of percent-escapes in lower case.
func lowerEscapes(text string) string {
	parts := strings.Split(text, "%")
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToLower(parts[i][:2]) + parts[i][2:]
	}
	return strings.Join(parts, "%")
}

func gzipped(text string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(text)) // to memory
	_ = z.Close()
	return out.String()
}

// cutGzip is a log that was being compressed when the process ended.
func cutGzip(text string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(text))
	_ = z.Flush()
	return out.String()
}

func zstded(text string) string {
	z, _ := zstd.NewWriter(nil)
	return string(z.EncodeAll([]byte(text), nil))
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	for form, write := range writers {
		for name, secret := range awkward {
			for _, before := range []string{"", "x", "xy", "api@example.com:"} {
				text := write(before + secret)
				found := search([]place{{name: "there", text: []byte(text)}, {name: "elsewhere", text: []byte("nothing")}}, []hidden{{name, secret}})
				if form == "its first letters" && before != "" {
					continue // they are others'
				}
				if len(found) != 1 || found[0].place != "there" || found[0].secret != name {
					t.Errorf("%s, %s after %q: found %v in %q", form, name, before, found, text)
				}
			}
		}
	}
}

func TestWhatIsFoundIsShownMasked(t *testing.T) {
	var secrets []hidden
	for name, secret := range awkward {
		secrets = append(secrets, hidden{name, secret})
	}
	for form, write := range writers {
		var text strings.Builder
		for range 20 {
			for _, s := range secrets {
				fmt.Fprintf(&text, "some text before %s and some after, ", write(s.text))
			}
		}
		found := search([]place{{name: "there", text: []byte(text.String())}}, secrets)
		if len(found) == 0 && !slices.Contains([]string{"gzip", "zstd", "gzip that is cut off"}, form) {
			t.Errorf("%s: nothing is found", form)
		}
		for _, f := range found {
			if shown := search([]place{{text: []byte(f.String())}}, secrets); len(shown) > 0 {
				t.Errorf("%s: a finding shows %s", form, shown[0].secret)
			}
		}
	}
	found := search([]place{{name: "a log", text: []byte(`{"a":"the reason"` + goJSON(awkward["an escape"]) + `"}`)}}, []hidden{{"it", awkward["an escape"]}})
	if len(found) != 1 || !strings.Contains(found[0].String(), `it is in a log, as it is under backslash-escapes: `) || !strings.Contains(found[0].around, "the reason") {
		t.Errorf("found %v", found)
	}
}

func TestWhatIsNoSecretIsNotFound(t *testing.T) {
	key := awkward["a key"]
	for name, text := range map[string]string{
		"nothing":            "",
		"another key":        "psagate_" + strings.Repeat("z", 49),
		"a masked one":       "psagate_***",
		"fifteen letters":    key[:partBytes-1] + "…" + key[len(key)-partBytes+1:],
		"its hash":           "sha256:" + hex.EncodeToString([]byte("0123456789abcdef")),
		"damaged escapes":    `%, %4, %zz, \, \u00, \ud800, \ud800\u0041, \x4, \U0001, &#x;, &`,
		"damaged gzip":       "\x1f\x8b" + key[:5],
		"damaged zstd":       "\x28\xb5\x2f\xfd" + key[:5],
		"a gzip of nothing":  gzipped(""),
		"base64 of its user": base64Of("api@example.com:psagate_"),
	} {
		if found := search([]place{{name: "there", text: []byte(text)}}, []hidden{{"the key", key}}); len(found) > 0 {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

func TestACallersOwnKeyIsNoSecretToTheCaller(t *testing.T) {
	a, b := newKey(t).Reveal(), newKey(t).Reveal()
	text, err := json.Marshal(map[string]string{"a": a, "b": base64Of(a)})
	if err != nil {
		t.Fatal(err)
	}
	secrets := []hidden{{"a's key", a}, {"b's key", b}}
	if found := search([]place{{"the answer to a", text, a}}, secrets); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if found := search([]place{{"the answer to b", text, b}}, secrets); len(found) != 1 || found[0].secret != "a's key" {
		t.Errorf("found %v", found)
	}
}
