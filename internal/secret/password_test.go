package secret

import (
	"strings"
	"testing"
)

func TestAPasswordThatThePSADoesNotTakeIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "is empty",
		"correct horse":                    "holds a space, which the PSA does not take",
		"no\u00a0break":                    "holds a space, which the PSA does not take",
		" first":                           "begins or ends with a space",
		"last\n":                           "ends with a line break",
		"tab\tbed":                         "holds a control or invisible character",
		"zero\u200bwidth":                  "holds a control or invisible character",
		"bro\xffken":                       "holds a replacement character; its text is damaged",
		"it's":                             "holds a single quote, which the PSA does not take",
		strings.Repeat("x", 65):            "has 65 characters; the PSA takes 64 at most",
		strings.Repeat("x", 64):            "",
		strings.Repeat("\u00fc", 64):       "",
		"a":                                "",
		"\"`\u2019<>&%$\\/#+;:,{}[]()@!?^": "",
	} {
		if got := PasswordProblem(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAPasswordOfAnEarlierVersionIsFoundWithItsNumber(t *testing.T) {
	version := func(number uint64, text string) Record {
		return Record{Version: number, Fields: map[string]Value{"secret": NewValue(text), "username": NewValue("u")}}
	}
	history := []Record{version(9, "nine"), version(8, "eight"), version(6, "six"), version(5, "eight"), {Version: 4}}
	for text, want := range map[string]uint64{"nine": 9, "eight": 8, "six": 6, "five": 0, "Nine": 0, "u": 0, "": 0} {
		got, used := UsedBefore(history, "secret", NewValue(text))
		if got != want || used != (want > 0) {
			t.Errorf("%q: version %d, %t; want %d", text, got, used, want)
		}
	}
	if _, used := UsedBefore(nil, "secret", Value{}); used {
		t.Error("nothing is found in no history")
	}
}
