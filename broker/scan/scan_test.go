package scan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"
)

// nested is a mail of so many multiparts, one in the other.
func nested(levels int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"b%d\"\n\n--b%d\n", i, i)
	}
	b.WriteString("Content-Type: text/plain\n\nend\n")
	for i := levels - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\n", i)
	}
	return "From: a@example.com\n" + b.String()
}

// torn is such a mail whose end is lost.
func torn(levels int) string {
	mail, _, _ := strings.Cut(nested(levels), "end\n")
	return mail
}

// wide is a mail of so many parts.
func wide(parts int) string {
	return "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", parts) + "--b--\n"
}

func TestBeyondALimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail, what string
		limits     Limits
	}{
		"nested 1,000 levels":      {nested(1000), "depth", Default},
		"nested 5,000, no limits":  {nested(5000), "depth", Limits{}},
		"nested 51":                {nested(51), "depth", Default},
		"wide 100,000":             {wide(100_000), "parts", Default},
		"wide 1,001":               {wide(1000), "parts", Default}, // the end counts, too
		"too large":                {strings.Repeat("x", 101), "size", Limits{Size: 100}},
		"a header without end":     {strings.Repeat("X-A: b\n", 200_000), "header", Default},
		"a subject of 2.7 MB":      {"Subject: " + strings.Repeat("=?utf-8?q?a?=\n ", 180_000) + "\n\n", "field", Default},
		"recipients":               {"To: " + strings.Repeat("a@b.example,\n ", 2001) + "\n\n", "addresses", Default},
		"recipients in two fields": {strings.Repeat("Cc: a@b.example\n", 2001) + "\n", "addresses", Default},
		"parameters":               {"Content-Type: text/plain" + strings.Repeat("; a=b", 2000) + "\n\n", "field", Default},
		"torn at 17":               {torn(17), "unclosed", Default},
		"torn within":              {"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.TrimPrefix(torn(17), "From: a@example.com\n") + "--b--\n", "unclosed", Default},
		"a long boundary":          {"Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 1001) + "\n\n", "boundary", Default},
		"deep and large":           {torn(49) + strings.Repeat(strings.Repeat("x", 99)+"\n", 60_000), "work", Default},
	} {
		_, err := Check([]byte(c.mail), c.limits)
		var excess *Excess
		if !errors.As(err, &excess) || excess.What != c.what {
			t.Errorf("%s: %v, want %s", name, err, c.what)
		} else if !strings.Contains(err.Error(), fmt.Sprint(excess.Limit)) {
			t.Errorf("%s: %s", name, err)
		}
	}
}

func TestWithinTheLimits(t *testing.T) {
	t.Parallel()
	diff := strings.Repeat("--- a/file\n-- \n-----BEGIN X-----\n", 5000)
	for name, c := range map[string]struct {
		mail string
		want Counts
	}{
		"nothing":            {"", Counts{}},
		"nested":             {nested(50), Counts{Parts: 100, Depth: 50, Addresses: 1}},
		"torn":               {torn(16), Counts{Parts: 16, Depth: 16, Unclosed: 16, Addresses: 1}},
		"wide":               {wide(999), Counts{Parts: 1000, Depth: 1}},
		"dashes in the text": {"From: a@example.com\n\n" + diff, Counts{Addresses: 1}},
		"dashes in a part":   {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + diff + "--b--\n", Counts{Parts: 2, Depth: 1}},
		"one after another": {
			"Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\nx\n--c--\n", 100) + "--b--\n",
			Counts{Parts: 301, Depth: 2},
		},
		"a boundary is folded, and quoted": {"Content-Type: multipart/mixed;\r\n\tboundary=\"a b\"\r\n\r\n--a b\r\n\r\nx\r\n--a b--\r\n", Counts{Parts: 2, Depth: 1}},
		"a boundary in pieces":             {"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\nx\n--ab--\n", Counts{Parts: 2, Depth: 1}},
	} {
		got, err := Check([]byte(c.mail), Default)
		got.Size, got.Header, got.Field, got.Work = 0, 0, 0, 0
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// parser is enmime as the broker uses it.
var parser = enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.MaxStoredPartErrors(16), enmime.DisableTextConversion(true), enmime.DisableCharacterDetection(true), enmime.SetCustomParseMediaType(MediaType))

func depthAndParts(p *enmime.Part) (depth, parts int) {
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		d, n := depthAndParts(c)
		depth, parts = max(depth, d+1), parts+n+1
	}
	return depth, parts
}

// FuzzScan holds the scan against enmime: it must never count less depth or parts.
func FuzzScan(f *testing.F) {
	f.Add(nested(3))
	f.Add(wide(3))
	f.Add(torn(3))
	f.Add("Content-Type: multipart/mixed>; boundary=b\n\n--b\nContent-Type: multipart/mixed\"; boundary=c\n\n--c\n\n--c--\n--b--\n")
	f.Add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/x\r\n boundary=\"c\"\r\n\r\nx--c\r\n\r\nx--b\r\n\r\n--b--\r\n")
	f.Add("Content-Type: multipart/mixed;; boundary=b; boundary=c\n\n --b \nContent-type : application/pdf; boundary=c\n\n--c\n\n--c--\n--b\n")
	f.Add("X: y\nContent-Type: text/plain; boundary=b\n\n--b\n\n--b\x85\n\n--b\n")
	f.Add("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--\n--b\n")
	f.Fuzz(func(t *testing.T, mail string) {
		counts, err := Check([]byte(mail), Limits{Size: 1 << 16, Parts: 100, Depth: 20, Unclosed: 16})
		if err != nil {
			return
		}
		root, err := parser.ReadParts(strings.NewReader(mail))
		if err != nil {
			return
		}
		if depth, parts := depthAndParts(root); depth > counts.Depth || parts > counts.Parts {
			t.Errorf("enmime finds %d parts, %d deep; the scan %d, %d deep", parts, depth, counts.Parts, counts.Depth)
		}
	})
}
