package caddymodule

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap/buffer"
)

// escapeWhere percent-escapes the bytes of text that where picks.
func escapeWhere(text string, where func(i int) bool) string {
	var out strings.Builder
	for i := range len(text) {
		if where(i) {
			fmt.Fprintf(&out, "%%%02x", text[i])
		} else {
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

func escapeAll(text string) string { return escapeWhere(text, func(int) bool { return true }) }

func escapeByte(text string, at int) string {
	return escapeWhere(text, func(i int) bool { return i == at })
}

func TestAKeyIsMaskedBehindPercentEscapes(t *testing.T) {
	escapedPercent := strings.NewReplacer("%", "%25")
	basic := base64.StdEncoding.EncodeToString([]byte("jane:" + aKey))
	for name, key := range map[string]string{
		"the first letter":                  "%70" + aKey[1:],
		"the underscore":                    "psagate%5F" + aKey[8:],
		"a letter of the secret":            escapeByte(aKey, 12),
		"a letter far behind":               escapeByte(aKey, 40),
		"the last letter":                   escapeByte(aKey, len(aKey)-1),
		"every letter":                      escapeAll(aKey),
		"every letter, in upper case":       strings.ToUpper(escapeAll(aKey)),
		"every letter, twice":               escapeAll(escapeAll(aKey)),
		"every letter, three times":         escapeAll(escapeAll(escapeAll(aKey))),
		"the first letter, and the percent": escapedPercent.Replace("%70" + aKey[1:]),
		"the percent's percent":             escapedPercent.Replace(escapedPercent.Replace("%70" + aKey[1:])),
		"an escape's digits":                "%%37%30" + aKey[1:],
		"a letter, after a stray percent":   "%2%70" + aKey[1:],
		"the first letter of Base64":        escapeByte(basic[4:], 4),
		"every letter of Base64":            escapeAll(basic),
		"an underscore of Base64":           escapeByte("cHNhZ2F0ZV_"+aKey[8:], 10),
	} {
		t.Run(name, func(t *testing.T) {
			got := shown("/Tickets?q=%7B%22a%2Fb%22%7D&k=" + key + "&l=" + key + " %41")
			end := got[max(0, strings.LastIndex(got, "psagate_")):]
			if !strings.HasPrefix(got, "/Tickets?q=%7B%22a%2Fb%22%7D&k=") || strings.Count(got, maskedKey) != 2 || len(end) > len(maskedKey+"%3d%3d %41") || !strings.HasSuffix(end, " %41") {
				t.Errorf("%s is shown as %s", key, got)
			}
		})
	}
}

func TestEscapesThatHideNoKeyAreShownAsTheyAre(t *testing.T) {
	for _, text := range []string{
		"%", "%%", "%7", "100%", "%zz%g1", "?search=%7B%22op%22%3A%22eq%22%7D", "https%3A%2F%2Fpsa.example.com%2Fx", "a%252Fb", "%70sagate_status",
		"%70sagate.example.com", "%00%ff%41",
	} {
		if got := shown(text); got != text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

func TestTwoFormsOfAKeyInEachOtherAreMaskedOnce(t *testing.T) {
	// Unescaped, the first begins earlier and ends later than the text as it is.
	if got := shown("a %42zYWdhdGVf" + aKey + "%41%41 b"); got != "a "+maskedKey+" b" {
		t.Errorf("it is shown as %s", got)
	}
}

func TestALineWithoutAKeyCostsNoMemory(t *testing.T) {
	line := buffer.NewPool().Get()
	line.AppendString(`{"uri":"/Tickets/query?search=%7B%22filter%22%3A%5B%5D%7D","n":"100%"}`)
	if n := testing.AllocsPerRun(100, func() { maskKeys(line) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var percentEscape = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// plainly returns text with all of its escapes taken away once: what a reader of the log would do.
func plainly(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, func(escape string) string {
		c, _ := hex.DecodeString(escape[1:])
		return string(c)
	})
}

// FuzzNoEscapeHidesAKey has the bits of escapes say which bytes of a key are escaped, up to three times over.
func FuzzNoEscapeHidesAKey(f *testing.F) {
	f.Add("", uint64(1), uint64(0), uint64(0))
	f.Add("%", ^uint64(0), ^uint64(0), ^uint64(0))
	f.Add("%2570%", uint64(1)<<40, uint64(7), uint64(5))
	f.Add("BzYWdhdGVf%3", uint64(1)<<56, uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, around string, once, twice, thrice uint64) {
		key := aKey
		for _, bits := range []uint64{once, twice, thrice} {
			key = escapeWhere(key, func(i int) bool { return bits>>(i%64)&1 == 1 })
		}
		text := around + key + around
		line := logged(t, `{}`, nil, nil, text)
		for _, written := range []string{line, shown(text)} {
			for range mostEscapes + 1 {
				if strings.Contains(written, aKey) {
					t.Fatalf("the key is in the line: %q, of %q", line, text)
				}
				written = plainly(written)
			}
		}
	})
}
