package autotask

import (
	"bytes"
	"html"
	"io"
	"regexp"
	"strings"

	"github.com/psagate/psagate/internal/guard"
)

// ClassifyAfter is Classify for a SOAP call, whose answer may repeat what was sent: names and values of any wording, and nobody has seen
// which of its texts put them between quotation marks. Where the words by which a text of the answer is known for a refusal or a lockout
// were all sent too, the text proves nothing, and the answer is read without it: as no answer, most often. Then nothing is forgiven and
// the gate shuts until the gateway's own sign-in, which repeats nobody's words, has found out. sent is the request's body; its error is
// the reader's, and then the text counts.
func ClassifyAfter(op Operation, a Answer, sent io.Reader) (v guard.Verdict, complains bool) {
	v, complains = Classify(op, a)
	if v != guard.Refused && v != guard.Locked || !echoed(answerTexts(op, a), sent) {
		return v, complains
	}
	a.Body = nil
	if v, _ = Classify(op, a); v != guard.Refused {
		v = guard.NoAnswer
	}
	return v, complains
}

// echoed says whether the words that decide about texts are all among what was sent.
func echoed(texts []string, sent io.Reader) bool {
	missing := make(map[string]bool)
	for _, text := range texts {
		words := plainWords(ownWords(text))
		for _, rule := range textRules {
			if !rule.fits(words) {
				continue
			}
			if rule.verdict != guard.Neutral {
				missing[first(words, rule.about)], missing[first(words, rule.says)] = true, true
			}
			break
		}
	}
	delete(missing, "")
	if len(missing) == 0 {
		return false
	}
	return sentAll(missing, sent) == nil && len(missing) == 0
}

// first returns the first of some phrases that is among words.
func first(words string, phrases []string) string {
	for _, p := range phrases {
		if strings.Contains(words, " "+p+" ") {
			return p
		}
	}
	return ""
}

// sentPiece is how much of a request is looked through at once, in bytes, and sentOverlap how much of it with the next piece again.
const (
	sentPiece   = 64 << 10
	sentOverlap = 1 << 10
)

// sentAll takes from missing what is among the words that were sent. A body may be large, and is not held.
func sentAll(missing map[string]bool, sent io.Reader) error {
	buf, kept := make([]byte, sentPiece), 0
	for len(missing) > 0 {
		n, err := io.ReadFull(sent, buf[kept:])
		words := wordsSent(buf[:kept+n])
		for phrase := range missing {
			if strings.Contains(words, " "+phrase+" ") {
				delete(missing, phrase)
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF: //nolint:errorlint // ReadFull's own
			return nil
		case err != nil:
			return err
		}
		kept = copy(buf, buf[len(buf)-sentOverlap:])
	}
	return nil
}

var (
	sentComments = regexp.MustCompile(`(?s)<!--.*?-->`)
	sentSections = strings.NewReplacer("<![CDATA[", "", "]]>", "")
)

// wordsSent are the words in a piece of an envelope: of its texts, and of the query that is a text in it.
func wordsSent(p []byte) string {
	text := string(bytes.ToValidUTF8(p, nil))
	for range 2 {
		text = html.UnescapeString(sentSections.Replace(sentComments.ReplaceAllString(text, "")))
	}
	return plainWords(text)
}
