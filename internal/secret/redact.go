package secret

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxErrorText bounds, in bytes, what is kept of a source's error: some quote whole answers.
	maxErrorText = 512
	// minSecret is the length in bytes below which a content is not looked for: "1" would be found in any port number.
	minSecret = 4
)

// redactedError is a source's error whose text shows none of the record's contents, on one line of bounded length.
type redactedError struct {
	text  string
	cause error
}

func (e redactedError) Error() string { return e.text }

// Unwrap lets errors.Is see the cause; its text is not printed by anything here.
func (e redactedError) Unwrap() error { return e.cause }

// redactError is the second line behind the rule that a source's errors hold no contents: the sources wrap
// libraries, and those quote what they were given. It can only know the contents of the last good reading.
func redactError(err error, record Record) error {
	return redactedError{text: Redact(err.Error(), slices.Collect(maps.Values(record.Fields))...), cause: err}
}

// Redact returns text with the secrets in it replaced, in the forms in which libraries quote them, on one line of
// bounded length. It is for texts that others wrote.
func Redact(text string, secrets ...Value) string {
	// The longest first, because one may be part of another, which would then not be found whole.
	longestFirst := slices.SortedFunc(slices.Values(secrets), func(a, b Value) int { return len(b.Reveal()) - len(a.Reveal()) })
	for _, value := range longestFirst {
		text = redactText(text, value.Reveal())
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

// redactText replaces secret, and the forms in which libraries quote it, in text.
func redactText(text, secret string) string {
	if len(secret) < minSecret {
		return text
	}
	quoted := strconv.Quote(secret)
	inJSON, _ := json.Marshal(secret) // of a string: it cannot fail
	for _, form := range []string{
		secret, quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1]), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		text = strings.ReplaceAll(text, form, Redacted)
	}
	return text
}
