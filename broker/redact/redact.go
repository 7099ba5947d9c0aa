// Package redact makes what others say fit for logs and people: it takes secrets out. A server to which a secret was shown may repeat it in any of the forms in
// which it went over the wire, and its words end up in logs and in front of people. It does no I/O.
package redact

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// instead is what stands for a secret.
const instead = "[redacted]"

// xml are the five entities of XML.
var xml = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// backslashed is how IMAP quotes a string (RFC 9051 section 4.3), and JSON most.
var backslashed = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Text is a text without the secrets: as they are, in a form (application/x-www-form-urlencoded), in XML, between quotes, any of these in
// quoted-printable (RFC 2045 section 6.7), and in whatever in base64 holds one, such as the answers of SASL. Where lines break within one, as
// in an answer of SMTP that has several, they are joined. Empty secrets are none.
func Text(text string, secrets ...string) string {
	text = whole(text, secrets)
	if joined := joiner.Replace(text); joined != text {
		if without := whole(joined, secrets); without != joined {
			return without
		}
	}
	return text
}

var joiner = strings.NewReplacer("\r", "", "\n", "")

// whole takes those out that are in one line.
func whole(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, core := range encoded(secret) {
			text = regexp.MustCompile(`[A-Za-z0-9+/]*`+regexp.QuoteMeta(core)+`[A-Za-z0-9+/]*=*`).ReplaceAllLiteralString(text, instead)
		}
		for _, form := range []string{secret, xml.Replace(secret), url.QueryEscape(secret), backslashed.Replace(secret)} {
			if len(form) <= quotedMost {
				text = quoted(form).ReplaceAllLiteralString(text, instead)
			}
			text = strings.ReplaceAll(text, form, instead)
		}
	}
	return text
}

// quotedMost is the longest secret that is looked for in quoted-printable, in bytes: no longer one is in a mail.
const quotedMost = 1000

// coreLeast is the shortest piece of base64 that is looked for: shorter ones are in any text.
const coreLeast = 6

// encoded are the characters of base64 that a secret alone decides, for each of the three places where it can begin in what is encoded.
func encoded(secret string) (cores []string) {
	for before := range 3 {
		all := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
		from, to := (before*8+5)/6, (before+len(secret))*8/6
		if to-from >= coreLeast {
			cores = append(cores, all[from:to])
		}
	}
	return cores
}

// quoted finds a text in quoted-printable, where any of its bytes may be quoted and lines may be broken anywhere.
func quoted(text string) *regexp.Regexp {
	var b strings.Builder
	for i := range len(text) {
		if i > 0 {
			b.WriteString(`(?:=\r?\n)?`)
		}
		if text[i] < utf8.RuneSelf {
			fmt.Fprintf(&b, `(?:%s|=(?i:%02x))`, regexp.QuoteMeta(text[i:i+1]), text[i])
		} else {
			fmt.Fprintf(&b, `=(?i:%02x)`, text[i])
		}
	}
	return regexp.MustCompile(b.String())
}

// Line is foreign text on one line, without what a terminal would take for more than text, and no longer than so many characters.
func Line(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if all := []rune(text); len(all) > most {
		text = string(all[:most]) + "…"
	}
	return strings.TrimSpace(text)
}
