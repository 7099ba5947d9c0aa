package caddymodule

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// mostEscapes is how many times over a text is unescaped to look for keys: a proxy or a redirect before the gateway may
// have escaped once more what was escaped.
const mostEscapes = 3

// hasEscapes tells whether unescape would change text. Most lines of a log have no '%', and most others no such escape.
func hasEscapes(text []byte) bool {
	for {
		at := bytes.IndexByte(text, '%')
		if at < 0 {
			return false
		}
		if _, is := escapeAt(text[at:]); is {
			return true
		}
		text = text[at+1:]
	}
}

// unescape returns text with one layer of those percent-escapes taken away that a key can hide behind, and from where in
// text each byte is, its end included.
func unescape(text []byte) (plain []byte, from []int) {
	plain, from = make([]byte, 0, len(text)), make([]int, 0, len(text)+1)
	for at := 0; at < len(text); {
		c, is := escapeAt(text[at:])
		width := 3
		if !is {
			c, width = text[at], 1
		}
		plain, from = append(plain, c), append(from, at)
		at += width
	}
	return plain, append(from, len(text))
}

// escapeAt returns the byte that text begins with the percent-escape of, if that byte can be one of a match of keyLike, or
// begins an escape once more.
func escapeAt(text []byte) (c byte, is bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	var b [1]byte
	if _, err := hex.Decode(b[:], text[1:3]); err != nil {
		return 0, false
	}
	c = b[0]
	return c, '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("%_-+/", c) >= 0
}
