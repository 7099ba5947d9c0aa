package autotask

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

const (
	minSecret = 4
	// minCore is the least of a base64 text that is taken for a secret's.
	minCore = 6
)

// secretForms returns the spellings to look for, longest first, so that a short one never cuts a longer one.
func secretForms(secrets []string) []string {
	var forms []string
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		forms = append(forms, s, html.EscapeString(s), xmlText.Replace(s), xmlValue.Replace(s))
		forms = append(forms, jsonForms(s)...)
		forms = append(forms, urlForms(s)...)
		forms = append(forms, base64Forms(s)...)
	}
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(forms)
}

// secretWords returns what else may be spelled by escapes: the secrets, and what of base64 texts they decide.
func secretWords(secrets []string) (words []string) {
	for _, s := range secrets {
		if len(s) >= minSecret {
			words = append(append(words, s), base64Forms(s)...)
		}
	}
	return words
}

// xmlText and xmlValue spell a text as XML does in an element, and in an attribute's value.
var xmlText, xmlValue = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;"),
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// jsonForms are the ways in which encoders spell s inside a JSON string: as little escaped as possible, "/" escaped
// too, HTML's bytes escaped too, and all but ASCII escaped too, with hex digits of either case.
func jsonForms(s string) []string {
	text := string(jsonText(s))
	// A string cannot fail to marshal.
	quoted, _ := json.Marshal(s)
	escaped := string(quoted[1 : len(quoted)-1])
	forms := make([]string, 0, 8)
	for _, f := range []string{text, escaped, asciiJSON(text, "%04x"), asciiJSON(text, "%04X"), asciiJSON(escaped, "%04x")} {
		forms = append(forms, f, strings.ReplaceAll(f, "/", `\/`))
	}
	for _, c := range []string{"+", "'", "&", "<", ">"} {
		// ASP.NET and others escape one or more of these.
		escaped = strings.ReplaceAll(escaped, c, fmt.Sprintf(`\u%04x`, c[0]))
	}
	return append(forms, escaped)
}

func asciiJSON(text, hex string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u`+hex, unit)
		}
	}
	return b.String()
}

// urlForms are s percent-encoded, as a query and as a path write it and with everything encoded that
// encodeURIComponent encodes, with hex digits of either case.
func urlForms(s string) []string {
	query := url.QueryEscape(s)
	forms := []string{query, url.PathEscape(s), strings.ReplaceAll(query, "+", "%20"), componentEscape(s)}
	for _, f := range forms {
		forms = append(forms, lowerEscapes(f))
	}
	return forms
}

// componentEscape encodes as JavaScript's encodeURIComponent does: it leaves !'()* as they are.
func componentEscape(s string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	for _, c := range "!'()*" {
		escaped = strings.ReplaceAll(escaped, fmt.Sprintf("%%%02X", c), string(c))
	}
	return escaped
}

// lowerEscapes writes the hex digits of percent-escapes in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// base64Forms are the parts of base64 texts that s alone decides, at each of the three places where it can begin in a
// group of three bytes, in both alphabets.
func base64Forms(s string) []string {
	var forms []string
	for shift := range 3 {
		coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + s))
		// The first digit after the shift, and the last where bits are left over, depend on the neighbours.
		coded = coded[(shift*8+5)/6:]
		if (shift+len(s))%3 != 0 {
			coded = coded[:len(coded)-1]
		}
		if len(coded) >= minCore {
			forms = append(forms, coded, strings.NewReplacer("+", "-", "/", "_").Replace(coded))
		}
	}
	return forms
}
