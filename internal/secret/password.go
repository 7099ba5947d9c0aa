package secret

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPassword is the PSA's limit, in characters.
const maxPassword = 64

// PasswordProblem says what is wrong with a new password of a PSA user, as words that follow "the password"; empty where
// nothing is. The rules are the PSA's: at most 64 characters, no space, no single quote (Autotask help, "Logging in to
// Autotask"). What is invisible or damaged is refused too: nobody can type it into the PSA again.
func PasswordProblem(text string) string {
	problem := textProblem(text)
	length := utf8.RuneCountInString(text)
	switch {
	case problem != "":
		return problem
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "holds a space, which the PSA does not take"
	case strings.Contains(text, "'"):
		return "holds a single quote, which the PSA does not take"
	case length > maxPassword:
		return fmt.Sprintf("has %d characters; the PSA takes %d at most", length, maxPassword)
	default:
		return ""
	}
}

// UsedBefore tells whether one of the records, which are versions of one, has this content in the field, and the number
// of the newest that has it. The PSA takes none of a user's last five passwords (Autotask help, "Logging in to Autotask"),
// so the five newest versions are to be asked for. How long it takes tells nothing about contents but their lengths.
func UsedBefore(history []Record, field string, value Value) (version uint64, used bool) {
	for _, r := range history {
		held, there := r.Fields[field]
		if same := held.Equal(value); same && there && (!used || r.Version > version) {
			version, used = r.Version, true
		}
	}
	return version, used
}
