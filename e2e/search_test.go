package e2e

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// hidden is a secret that must be found nowhere, and what to call it, so that it is not shown where it is found.
type hidden struct{ name, text string }

// place is a text in which a secret might be: a file, an answer, what a command printed.
type place struct {
	name string
	text []byte
	// own is the text of a secret that may be there: an answer may hold the key of the caller who gets it.
	own string
}

// finding is a secret that was found. It shows the secret nowhere.
type finding struct {
	place, secret, form, around string
}

// String says what was found where.
func (f finding) String() string {
	return fmt.Sprintf("%s is in %s, %s: %s", f.secret, f.place, f.form, f.around)
}

// search looks for secrets in places, and reports each secret once for each place.
func search(places []place, secrets []hidden) (findings []finding) {
	patterns := patternsOf(secrets)
	for _, p := range places {
		reported := map[string]bool{}
		for _, v := range views(opened(p.text)) {
			for _, h := range hits(v.text, patterns, p.own) {
				if reported[h.secret.name] {
					continue
				}
				reported[h.secret.name] = true
				form := strings.TrimSpace(h.form.name + " " + v.name)
				findings = append(findings, finding{p.name, h.secret.name, form, maskedAround(v.text, patterns, h)})
			}
		}
	}
	return findings
}

// pattern is one form of a secret.
type pattern struct {
	form
	secret hidden
}

// patternsOf returns the forms of all secrets, those of one secret together.
func patternsOf(secrets []hidden) (all []pattern) {
	for _, s := range secrets {
		for _, f := range forms(s.text) {
			all = append(all, pattern{f, s})
		}
	}
	return all
}

// hit is where a pattern was found.
type hit struct {
	pattern
	at int
}

// hits returns the first place of each pattern in text. own is the text of a secret that is left out, all its forms too.
func hits(text []byte, patterns []pattern, own string) (found []hit) {
	for _, p := range patterns {
		if p.secret.text == own {
			continue
		}
		if at := bytes.Index(text, []byte(p.text)); at >= 0 {
			found = append(found, hit{p, at})
		}
	}
	return found
}

// around is how much of a text is shown before and after what was found, in bytes.
const around = 160

// maskedAround shows what is around a hit, each secret in it masked. A longer piece is masked than is shown, so that no
// secret is cut in two and one half of it overlooked. What holds a secret even so is not shown.
func maskedAround(text []byte, patterns []pattern, h hit) string {
	const margin = 1024
	masked := mask(string(text[max(0, h.at-margin):min(len(text), h.at+margin)]), patterns)
	at := max(0, strings.Index(masked, maskOf(h.secret)))
	shown := masked[max(0, at-around):min(len(masked), at+around)]
	for _, v := range views([]byte(shown)) {
		if len(hits(v.text, patterns, "")) > 0 {
			return "(what is around it holds a secret too)"
		}
	}
	return fmt.Sprintf("%q", shown)
}

func maskOf(secret hidden) string { return "<" + secret.name + ">" }

// mask puts names in the place of secrets: of the longest forms first, escaped ones too.
func mask(text string, patterns []pattern) string {
	var masks []string
	for _, p := range slices.SortedStableFunc(slices.Values(withEscaped(patterns)), func(a, b pattern) int { return cmp.Compare(len(b.text), len(a.text)) }) {
		masks = append(masks, p.text, maskOf(p.secret))
	}
	return strings.NewReplacer(masks...).Replace(text)
}

func withEscaped(patterns []pattern) []pattern {
	all := slices.Clone(patterns)
	for _, p := range patterns {
		if p.text == p.secret.text {
			for _, text := range escaped(p.text) {
				all = append(all, pattern{form{"escaped", text}, p.secret})
			}
		}
	}
	return all
}

// view is a text with its escapes undone.
type view struct {
	name string
	text []byte
}

// depth is how many layers of escapes are undone: a log's JSON may quote an error's JSON, which quotes a URL.
const depth = 3

// views returns a text as it is, and with each sequence of up to depth kinds of escapes undone.
func views(text []byte) []view {
	all := []view{{text: text}}
	seen := map[[sha256.Size]byte]bool{sha256.Sum256(text): true}
	layer := all
	for range depth {
		var next []view
		for _, v := range layer {
			for _, kind := range escapes {
				undone := kind.undo(v.text)
				if sum := sha256.Sum256(undone); !seen[sum] {
					seen[sum] = true
					next = append(next, view{strings.TrimSpace(v.name + " under " + kind.name), undone})
				}
			}
		}
		all, layer = append(all, next...), next
	}
	return all
}

// opened returns a text with what it is a compressed form of, as far as that can be read: logs are compressed when they
// are rolled, and answers for callers who ask for it.
func opened(text []byte) []byte {
	var in io.Reader
	switch {
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		if z, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			in = z
		}
	case bytes.HasPrefix(text, []byte("\x28\xb5\x2f\xfd")):
		if z, err := zstd.NewReader(bytes.NewReader(text)); err == nil {
			defer z.Close()
			in = z
		}
	}
	if in == nil {
		return text
	}
	inside, _ := io.ReadAll(in) // what came before an error counts
	return append(slices.Clip(text), inside...)
}
