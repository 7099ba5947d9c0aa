package message

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cention-sany/utf7"
	"github.com/psagate/psagate/broker/plain"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// encodedWord is RFC 2047's, taken as widely as mailers write it: with spaces in its text, and a language (RFC 2231).
var encodedWord = regexp.MustCompile(`=\?([\w.:-]+)(?:\*[\w-]*)?\?([bBqQ])\?([^?\r\n]*)\?=`)

// decodeValue makes one readable line of a field's value. Words side by side in the same charset are put together before
// they are decoded: some mailers cut within a character.
func decodeValue(raw string) string {
	if !strings.Contains(raw, "=?") {
		return plain.Line(decodeBytes([]byte(raw), ""))
	}
	var out strings.Builder
	var held []byte
	heldCharset, at := "", 0
	flush := func() {
		out.WriteString(decodeBytes(held, heldCharset))
		held, heldCharset = nil, ""
	}
	for _, m := range encodedWord.FindAllStringSubmatchIndex(raw, -1) {
		between, label := raw[at:m[0]], strings.ToLower(raw[m[2]:m[3]])
		if at == 0 || strings.TrimSpace(between) != "" {
			flush()
			out.WriteString(decodeBytes([]byte(between), ""))
		} else if label != heldCharset {
			flush()
		}
		held, heldCharset, at = append(held, wordBytes(raw[m[4]:m[5]], raw[m[6]:m[7]])...), label, m[1]
	}
	flush()
	return plain.Line(out.String() + decodeBytes([]byte(raw[at:]), ""))
}

func wordBytes(kind, text string) []byte {
	if strings.EqualFold(kind, "b") {
		text = strings.Map(func(r rune) rune {
			if r == '=' || r == ' ' {
				return -1
			}
			return r
		}, text)
		data, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil { // the end of the last group is lost
			data, _ = base64.RawStdEncoding.DecodeString(text[:len(text)/4*4])
		}
		return data
	}
	var out []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			out = append(out, hex(text[i+1])<<4|hex(text[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

func hex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// decodeBytes makes text of bytes in the charset that a mail names. What is UTF-8 is taken for that, whatever is named:
// text of another charset is hardly ever UTF-8 by chance. What fits no charset that is known is windows-1252, in which
// nearly every byte is something.
func decodeBytes(data []byte, label string) string {
	named := encodingOf(label)
	if utf8.Valid(data) && (named == nil || multibyte(data)) {
		return string(data)
	}
	for _, e := range []encoding.Encoding{named, charmap.Windows1252} {
		if e == nil {
			continue
		}
		if text, err := e.NewDecoder().Bytes(data); err == nil && utf8.Valid(text) {
			return string(text)
		}
	}
	return strings.ToValidUTF8(string(data), "\ufffd")
}

// encodingOf is a charset by its name, and nil for one that is not known or adds nothing to what decodeBytes does.
func encodingOf(label string) encoding.Encoding {
	switch label = strings.ToLower(strings.TrimSpace(label)); label {
	case "utf-7", "unicode-1-1-utf-7":
		return utf7.UTF7
	case "gb2312", "gbk", "cp936": // mailers that name the smaller use the greater
		return simplifiedchinese.GB18030
	}
	e, name := charset.Lookup(label)
	if name == "utf-8" || name == "replacement" {
		return nil
	}
	return e
}

// multibyte tells whether there is anything in UTF-8 that is not ASCII: text of another charset is hardly ever that.
func multibyte(data []byte) bool {
	for _, c := range data {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}
