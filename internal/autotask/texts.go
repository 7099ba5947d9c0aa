package autotask

import (
	"strings"
	"unicode"

	"github.com/psagate/psagate/internal/guard"
)

// textRule says what a text of the PSA's means. All words are compared in lower case, with everything but letters and
// digits read as one space.
type textRule struct {
	verdict guard.Verdict
	// begins: the text starts with one of these.
	begins []string
	// about and says: the text holds one of each, as whole words. Only the PSA's own words are looked at, see ownWords.
	about, says []string
}

// Reported from the service are the texts on limits, permissions, references and syntax, "IntegrationCode is invalid" and
// the lockout's; the other words of the locked and refused rules are guesses at wordings nobody has captured.
//
// textRules are tried in order; the first that fits decides. A text that none fits is neutral: business rules speak
// the same {"errors":[…]}, and there are too many of them to know.
var textRules = []textRule{
	{
		// Limits and permissions: the sign-in was taken, or not looked at yet. These name resources, users and fields,
		// so they come before the rules that look for such words.
		verdict: guard.Neutral,
		begins: []string{
			"the autotask api thread threshold", "the logged in resource does not have", "no matching records found",
			"reference value on field", "queries are limited", "invalid query syntax", "unable to find", "maxcountofrecordstoreturn",
			"missing required field", "the entity", "server was unable to read request", "server did not recognize",
		},
	},
	{
		// The PSA's JSON reader (Newtonsoft.Json, from whose own words the rest of this list is). It repeats values of the
		// request without quotation marks, so that a caller could word any of the rules below into them.
		verdict: guard.Neutral,
		begins: []string{
			"unexpected character encountered", "could not convert", "error converting value", "input string", "json integer",
			"could not find member", "after parsing a value", "invalid character after", "invalid property identifier",
			"invalid javascript property", "bad json escape sequence", "unterminated string",
		},
	},
	{
		verdict: guard.Locked,
		about:   []string{"user account", "your account", "account", "api user", "this user", "login"},
		says:    []string{"has been locked", "is locked out", "locked out", "is locked see", "is locked please", "is locked contact"},
	},
	{
		verdict: guard.Refused,
		about: []string{
			"integrationcode", "integration code", "apiintegrationcode", "api integration code", "tracking identifier",
		},
		says: faults,
	},
	{
		verdict: guard.Refused,
		about: []string{
			"username", "user name", "password", "credentials", "credential", "secret", "login", "api user",
			"user account",
		},
		says: faults,
	},
	{
		verdict: guard.Refused,
		about: []string{
			"authentication failed", "failed to authenticate", "could not be authenticated", "cannot be authenticated",
			"unable to authenticate", "not authenticated", "could not authenticate", "login failed", "logon failed",
			"sign in failed", "unauthorized",
		},
		says: []string{""},
	},
}

// faults are the words with which a credential's part is called wrong.
var faults = []string{
	"invalid", "incorrect", "wrong", "expired", "not valid", "not correct", "not recognized", "not found", "unknown",
	"does not exist", "do not match", "does not match", "missing", "disabled", "deactivated", "inactive", "not active",
	"locked", "must be provided", "not provided", "need to provide", "not supplied",
}

// judgeTexts returns the worst that the texts say of the sign-in (locked, refused, neutral), and whether a rule was
// found for any of them.
func judgeTexts(texts []string) (guard.Verdict, bool) {
	worst, known := guard.Neutral, false
	for _, text := range texts {
		v, found := judgeText(plainWords(ownWords(text)))
		known = known || found
		if v == guard.Locked || v == guard.Refused && worst != guard.Locked {
			worst = v
		}
	}
	return worst, known
}

func judgeText(words string) (guard.Verdict, bool) {
	for _, rule := range textRules {
		if rule.fits(words) {
			return rule.verdict, true
		}
	}
	return guard.Neutral, false
}

func (r textRule) fits(words string) bool {
	for _, b := range r.begins {
		if strings.HasPrefix(words, " "+b+" ") {
			return true
		}
	}
	return holdsAny(words, r.about) && holdsAny(words, r.says)
}

func holdsAny(words string, phrases []string) bool {
	for _, p := range phrases {
		if p == "" || strings.Contains(words, " "+p+" ") {
			return true
		}
	}
	return false
}

// ownWords returns a text without what it quotes: the PSA repeats values of the request between quotation marks, and no
// caller must be able to word them into a rule. What lies between the first mark and the last is left out, for a value
// can hold marks too. An apostrophe within a word is no mark.
func ownWords(text string) string {
	runes := []rune(text)
	first, last := -1, -1
	for i, r := range runes {
		switch r {
		case '"', '“', '”', '‘', '’', '\'':
		default:
			continue
		}
		if (r == '\'' || r == '’') && i > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[i+1]) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	if first == last {
		return text
	}
	return string(runes[:first]) + " " + string(runes[last+1:])
}

// plainWords returns the text in lower case, its words between single spaces, one at either end. An underscore parts no words: names,
// which the PSA repeats without marks, have them, and an entity that a caller calls account_has_been_locked must say nothing.
func plainWords(text string) string {
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
	})
	return " " + strings.Join(fields, " ") + " "
}
