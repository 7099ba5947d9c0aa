package totp

import (
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"
)

// FormError is what is wrong with the form of a code that somebody typed: it is none, so it counts as no failure.
type FormError struct {
	// Problem says it in words that follow "the code"; it shows nothing of the code.
	Problem string
}

// Error implements error.
func (e FormError) Error() string { return "the code " + e.Problem }

// maxTyped is the longest text that is taken for a code, in bytes.
const maxTyped = 64

// isGap tells what people, and apps that they copy from, put between digits: spaces of any kind, and dashes.
func isGap(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Pd, r) || r == '\u2212'
}

// ParseCode reads a code of an app that somebody typed, and gives its digits: 6 to 8 of 0 to 9. Spaces and dashes count for
// nothing. Digits of other scripts are refused: which one is meant is not for us to guess. Its error is a FormError.
func ParseCode(text string) (digits string, err error) {
	clean, err := ungap(text)
	if err != nil {
		return "", err
	}
	for _, r := range clean {
		switch {
		case r >= '0' && r <= '9':
		case unicode.IsDigit(r):
			return "", FormError{"has digits of another script: type it with the digits 0 to 9"}
		default:
			return "", FormError{"is made of the digits 0 to 9 alone"}
		}
	}
	if n := len(clean); n < 6 || n > 8 {
		return "", FormError{fmt.Sprintf("has %d digits: those of the app have 6, or 8", n)}
	}
	return clean, nil
}

// ungap takes the gaps out of what somebody typed.
func ungap(text string) (string, error) {
	if len(text) > maxTyped {
		return "", FormError{"is too long"}
	}
	clean := strings.Map(func(r rune) rune {
		if isGap(r) {
			return -1
		}
		return r
	}, text)
	if clean == "" {
		return "", FormError{"is empty"}
	}
	return clean, nil
}

// crockford is base32 without the letters I, L, O and U, which are taken for others.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

const (
	recoveryBytes = 10 // 80 bits
	recoveryLen   = 16 // characters
)

// ParseRecovery reads a recovery code that somebody typed: 16 letters and digits, in groups or not, in either case; I, L and O are
// taken for the digits that they look like. Its error is a FormError.
func ParseRecovery(text string) (code string, err error) { return parseLong(text, "a recovery code") }

// parseLong reads a text of as many letters and digits as recovery codes have, for what is called so.
func parseLong(text, called string) (code string, err error) {
	clean, err := ungap(text)
	if err != nil {
		return "", err
	}
	clean = strings.NewReplacer("I", "1", "L", "1", "O", "0").Replace(strings.Map(upper, clean))
	if strings.Trim(clean, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" || strings.ContainsFunc(clean, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", FormError{"is made of letters and digits alone, without U: type it as it is written"}
	}
	if len(clean) != recoveryLen {
		return "", FormError{fmt.Sprintf("has %d characters: %s has %d", len(clean), called, recoveryLen)}
	}
	if _, err := crockford.DecodeString(clean); err != nil {
		return "", FormError{"is made of letters and digits alone, without U: type it as it is written"}
	}
	return clean, nil
}

// upper makes capitals of a to z; other letters have capitals that are those of a code's.
func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// grouped writes a text in groups of four.
func grouped(text, gap string) string {
	var b strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			b.WriteString(gap)
		}
		b.WriteRune(r)
	}
	return b.String()
}
