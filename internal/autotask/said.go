package autotask

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/psagate/psagate/internal/guard"
)

// maxSaid is how much of a text of the PSA's is shown to an operator, in runes.
const maxSaid = 160

// Said tells an operator what an answer said of a sign-in that it did not accept: its status, and the text that a rule
// knew it by. Of that text it shows neither what d looks for, nor what it quotes, which may be a caller's. Without d it
// shows no text.
func Said(op Operation, a Answer, d *Redactor) string {
	if text := judgedText(answerTexts(op, a)); text != "" && d != nil {
		return fmt.Sprintf("%d: %s", a.Status, shown(ownWords(d.Text(text))))
	}
	switch {
	case a.Status == http.StatusUnauthorized && unauthorized(a.Header) == guard.Refused:
		return "401 with a Basic challenge"
	case a.Status == http.StatusUnauthorized:
		return "401 without the PSA's challenge: something in between answered"
	case op.API == SOAP && a.Status >= 200 && a.Status < 300:
		return fmt.Sprintf("%d that is no whole answer of the SOAP interface's: something in between answered, or cut it off", a.Status)
	case a.Status >= 200 && a.Status < 300:
		return fmt.Sprintf("%d as HTML, which the PSA never sends: something in between answered", a.Status)
	}
	return fmt.Sprintf("%d without a text of the PSA's", a.Status)
}

// judgedText returns the first of an answer's texts that says that a sign-in failed; a lockout's comes before others.
func judgedText(texts []string) (found string) {
	for _, text := range texts {
		switch v, _ := judgeText(plainWords(ownWords(text))); {
		case v == guard.Locked:
			return text
		case v == guard.Refused && found == "":
			found = text
		}
	}
	return found
}

// shown is a text on one line, cut where it is long.
func shown(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > maxSaid {
		return string(runes[:maxSaid-1]) + "…"
	}
	return text
}
