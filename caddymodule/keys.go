package caddymodule

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
)

// keyLike matches what may be a key of psagate's, a mistyped one too, with its underscore percent-encoded, and as Base64
// writes it: in three ways, by how many bytes stand before it.
var keyLike = regexp.MustCompile(`psagate(?:_|%5[fF])[0-9A-Za-z]{16,}|(?:cHNhZ2F0ZV|BzYWdhdGVf|wc2FnYXRlX)[0-9A-Za-z+/_-]{16,}`)

// keyMarks are all that a match of keyLike can begin with.
var keyMarks = [][]byte{[]byte("psagate_"), []byte("psagate%5"), []byte("cHNhZ2F0ZV"), []byte("BzYWdhdGVf"), []byte("wc2FnYXRlX")}

// mayHoldKey tells, in a fraction of the time that keyLike takes, whether it may match: in most lines of a log it does not.
func mayHoldKey(text []byte) bool {
	for _, mark := range keyMarks {
		if bytes.Contains(text, mark) {
			return true
		}
	}
	return false
}

// maskedKey stands where a key was.
const maskedKey = "psagate_***"

// shown returns text that is safe to show: without what looks like a key.
func shown(text string) string { return string(masked([]byte(text))) }

// masked returns text without what looks like a key: text itself where nothing does.
func masked(text []byte) []byte {
	found := keysIn(text, mostEscapes)
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	out, end := make([]byte, 0, len(text)), 0
	for _, key := range found {
		if key[0] >= end {
			out = append(append(out, text[end:key[0]]...), maskedKey...)
		}
		end = max(end, key[1])
	}
	return append(out, text[end:]...)
}

// keysIn returns from where to where there is what looks like a key in text, and in what text is when it is unescaped, up to
// so many times over. They may overlap, and are in no order.
func keysIn(text []byte, times int) (found [][2]int) {
	if mayHoldKey(text) {
		for _, key := range keyLike.FindAllIndex(text, -1) {
			found = append(found, [2]int(key))
		}
	}
	if times == 0 || !hasEscapes(text) {
		return found
	}
	plain, from := unescape(text)
	for _, key := range keysIn(plain, times-1) {
		found = append(found, [2]int{from[key[0]], from[key[1]]})
	}
	return found
}
