package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is one way in which a secret may be written, beside the escapes that views undo.
type form struct{ name, text string }

// partBytes is how much of a secret's begin or end gives it away, as where a text was cut.
const partBytes = 16

// forms returns how a secret may be written, each form once.
func forms(secret string) (all []form) {
	seen := map[string]bool{}
	add := func(name string, texts ...string) {
		for _, text := range texts {
			if !seen[text] {
				seen[text] = true
				all = append(all, form{name, text})
			}
		}
	}
	add("as it is", secret)
	if len(secret) > partBytes {
		add("its begin", secret[:partBytes])
		add("its end", secret[len(secret)-partBytes:])
	}
	add("in another case", strings.ToLower(secret), strings.ToUpper(secret))
	for _, text := range escaped(secret) {
		add("in base64", base64Forms(text)...)
	}
	digits := hex.EncodeToString([]byte(secret))
	add("in hex", digits, strings.ToUpper(digits))
	add("in UTF-16", utf16Forms(secret)...)
	return all
}

// escaped is a secret as it may have been written before all around it was encoded once more.
func escaped(secret string) []string {
	return []string{secret, inJSON(secret, true), inJSON(secret, false), url.QueryEscape(secret), url.PathEscape(secret)}
}

// inJSON is a text as within a JSON string's quotes, with or without escapes for HTML.
func inJSON(text string, escapeHTML bool) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(text) // a string cannot fail to
	return out.String()[1 : out.Len()-len("\"\n")]
}

// base64Forms are the letters of base64 that a secret alone decides, whatever stands before and after it.
func base64Forms(secret string) (all []string) {
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat(" ", before) + secret))
			begin := (before*8 + 5) / 6 // the first letter that depends on the secret alone
			end := (before + len(secret)) * 8 / 6
			all = append(all, text[begin:end])
		}
	}
	return all
}

func utf16Forms(secret string) []string {
	units := utf16.Encode([]rune(secret))
	little, big := make([]byte, 0, 2*len(units)), make([]byte, 0, 2*len(units))
	for _, unit := range units {
		little, big = append(little, byte(unit), byte(unit>>8)), append(big, byte(unit>>8), byte(unit))
	}
	return []string{string(little), string(big)}
}

// escapes are the ways of writing a letter by others, which nest in any order.
var escapes = []struct {
	name string
	undo func(text []byte) []byte
}{
	{"percent-escapes", func(text []byte) []byte { return undo(text, '%', percentEscape) }},
	{"backslash-escapes", func(text []byte) []byte { return undo(text, '\\', backslashEscape) }},
	{"HTML entities", undoEntities},
}

// undo replaces escapes, each of which begins with mark. read returns what the escape at the begin of a text stands for and
// its length, which is 0 where there is none.
func undo(text []byte, mark byte, read func(text []byte) (rune, int)) []byte {
	out := make([]byte, 0, len(text))
	for {
		at := bytes.IndexByte(text, mark)
		if at < 0 {
			return append(out, text...)
		}
		out, text = append(out, text[:at]...), text[at:]
		switch letter, length := read(text); {
		case length == 0:
			out, text = append(out, mark), text[1:]
		case letter < 0: // a byte
			out, text = append(out, byte(-letter)), text[length:]
		default:
			out, text = utf8.AppendRune(out, letter), text[length:]
		}
	}
}

// percentEscape reads %41. What it stands for is a byte, which comes as its negative.
func percentEscape(text []byte) (rune, int) {
	value, ok := hexValue(text[1:], 2)
	if !ok {
		return 0, 0
	}
	return -value, 3
}

// controls are the letters that, behind a backslash, stand for control characters.
var controls = map[byte]rune{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// backslashEscape reads the escapes of JSON, of Go's %q, and of labels of metrics.
func backslashEscape(text []byte) (rune, int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch letter := text[1]; letter {
	case 'x':
		if value, ok := hexValue(text[2:], 2); ok {
			return -value, 4
		}
	case 'u':
		return unicodeEscape(text)
	case 'U':
		if value, ok := hexValue(text[2:], 8); ok {
			return value, 10
		}
	case '"', '\'', '\\', '/':
		return rune(letter), 2
	default:
		if control, ok := controls[letter]; ok {
			return control, 2
		}
	}
	return 0, 0
}

// unicodeEscape reads \u0041, and pairs that stand for one letter.
func unicodeEscape(text []byte) (rune, int) {
	first, ok := hexValue(text[2:], 4)
	if !ok {
		return 0, 0
	}
	if rest := text[6:]; utf16.IsSurrogate(first) && bytes.HasPrefix(rest, []byte(`\u`)) {
		if second, ok := hexValue(rest[2:], 4); ok && utf16.IsSurrogate(second) {
			return utf16.DecodeRune(first, second), 12
		}
	}
	return first, 6
}

// hexValue reads a number of digits.
func hexValue(text []byte, digits int) (rune, bool) {
	if len(text) < digits {
		return 0, false
	}
	value, err := strconv.ParseUint(string(text[:digits]), 16, 31)
	return rune(value), err == nil
}

func undoEntities(text []byte) []byte {
	if !bytes.ContainsRune(text, '&') {
		return text
	}
	return []byte(html.UnescapeString(string(text)))
}
