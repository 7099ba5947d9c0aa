package autotask

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscape is the longest spelling of one character that is looked for, in bytes: JSON's of one that UTF-16 has in two halves.
const maxEscape = 12

// escapeMarks are what escapes begin with.
const escapeMarks = `&\%`

// spelled returns how many bytes of text, from its beginning, spell word; 0: it does not begin so. Each character may be as it is, or
// escaped as XML and HTML, JSON, or URLs do: what writes an error chooses which ones it escapes, and how. What looks like an escape is
// one here; a secret in which something looks so, and stands as it is, is one of secretForms.
func spelled[T string | []byte](text T, word string) int {
	i := 0
	for word != "" {
		if i == len(text) {
			return 0
		}
		if strings.IndexByte(escapeMarks, text[i]) >= 0 {
			if is, size := escape(string(text[i:min(len(text), i+maxEscape)])); size > 0 && strings.HasPrefix(word, is) {
				i, word = i+size, word[len(is):]
				continue
			}
		}
		if text[i] != word[0] {
			return 0
		}
		i, word = i+1, word[1:]
	}
	return i
}

// escape reads what text begins with: what it stands for, and how many bytes it has; 0: it is no escape.
func escape(text string) (is string, size int) {
	switch text[0] {
	case '&':
		return referred(text)
	case '\\':
		return backslashed(text)
	}
	if len(text) < 3 {
		return "", 0
	}
	b, err := strconv.ParseUint(text[1:3], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(b)}), 3
}

// referred reads a reference of XML's or HTML's.
func referred(text string) (is string, size int) {
	name, _, ok := strings.Cut(text[1:], ";")
	if !ok {
		return "", 0
	}
	size = len(name) + 2
	switch name {
	case "amp":
		return "&", size
	case "lt":
		return "<", size
	case "gt":
		return ">", size
	case "quot":
		return `"`, size
	case "apos":
		return "'", size
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if ok && strings.HasPrefix(strings.ToLower(digits), "x") {
		base, digits = 16, digits[1:]
	}
	r, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil || r > utf8.MaxRune {
		return "", 0
	}
	return string(rune(r)), size
}

// backslashed reads an escape of JSON's.
func backslashed(text string) (is string, size int) {
	if len(text) > 1 && strings.IndexByte(`"\/'`, text[1]) >= 0 {
		return text[1:2], 2
	}
	r, ok := unit(text)
	if !ok {
		return "", 0
	}
	if utf16.IsSurrogate(r) {
		low, _ := unit(text[6:])
		return string(utf16.DecodeRune(r, low)), maxEscape
	}
	return string(r), 6
}

// unit reads \u and four digits.
func unit(text string) (rune, bool) {
	if len(text) < 6 || text[1] != 'u' || text[0] != '\\' {
		return 0, false
	}
	r, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(r), err == nil
}
