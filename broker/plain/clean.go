package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text valid UTF-8 without what cannot be seen: control and format characters (zero-width spaces, marks that
// turn the direction of writing and so make one name look like another) but for tab, newline and the joiners that some
// scripts and emoji need. Line ends become newlines, white space at the ends of lines goes, and more than two empty lines
// become two.
func Clean(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n", "\u00a0", " ", "\f", "\n", "\v", "\n").Replace(text)
	text = strings.Map(seen, text)
	var b strings.Builder
	empty := 0
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if line == "" {
			empty++
			continue
		}
		if b.Len() > 0 {
			b.WriteString(strings.Repeat("\n", min(empty, 2)+1))
		}
		b.WriteString(line)
		empty = 0
	}
	return b.String()
}

// Line makes one line of text, as a title is: Clean, and white space of any kind becomes one space.
func Line(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

func seen(r rune) rune {
	switch {
	case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d':
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return -1
	case r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0': // fillers of mail preheaders
		return -1
	}
	return r
}

// Cut shortens text to at most so many characters, at the end of a word where one is near, and says that it did by the
// words at its end.
func Cut(text string, most int, words string) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	keep := most - utf8.RuneCountInString(words)
	if keep <= 0 {
		return firstRunes(words, most)
	}
	text = firstRunes(text, keep)
	if space := strings.LastIndexFunc(text, unicode.IsSpace); space > len(text)*9/10 {
		text = text[:space]
	}
	return strings.TrimRightFunc(text, unicode.IsSpace) + words
}

func firstRunes(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}
