package loop

import (
	"regexp"
	"strings"
)

// answers are what mail programs put before a subject when they answer or forward, in the languages that they do it in.
var answers = regexp.MustCompile(`(?i)^\s*(re|aw|antw|sv|vs|odp|ref|rif|res|r|fwd?|wg|tr|doorst|vl|fs|vb|enc|rv|i|out of office|automatic reply|automatische antwort|abwesenheitsnotiz|auto)(\[\d+\]|\(\d+\))?\s*[:：]\s*`)

var (
	brackets = regexp.MustCompile(`\[[^\]]*\]|\([^)]*\)`)
	digits   = regexp.MustCompile(`[\pL]*\d[\pL\pN.:/_-]*`)
)

// subjectMost is how much of a subject is looked at, in bytes.
const subjectMost = 1000

// Subject is what subjects of the same matter have in common: without marks of answers, what is in brackets, and words
// with digits (times, counters, ticket numbers), in lower case.
func Subject(subject string) string {
	subject = subject[:min(len(subject), subjectMost)]
	subject = brackets.ReplaceAllString(subject, " ")
	for answers.MatchString(subject) {
		subject = answers.ReplaceAllString(subject, "")
	}
	return strings.ToLower(strings.Join(strings.Fields(digits.ReplaceAllString(subject, "#")), " "))
}
