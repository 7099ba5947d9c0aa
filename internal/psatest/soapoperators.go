package psatest

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// soapOperators are those of the XML query language, by folded name.
var soapOperators = map[string]operator{
	"equals":              operators["eq"],
	"notequal":            operators["noteq"],
	"greaterthan":         operators["gt"],
	"greaterthanorequals": operators["gte"],
	"lessthan":            operators["lt"],
	"lessthanorequals":    operators["lte"],
	"beginswith":          operators["beginswith"],
	"endswith":            operators["endswith"],
	"contains":            operators["contains"],
	"isnotnull":           operators["exist"],
	"isnull":              operators["notexist"],
	"like":                {one, func(have any, want []any) bool { return like(have, want[0]) }},
	"notlike":             {one, func(have any, want []any) bool { return !like(have, want[0]) }},
	"soundslike":          {one, func(have any, want []any) bool { return soundex(asText(have)) == soundex(asText(want[0])) }},
	"isthisday":           {one, func(have any, want []any) bool { return sameDay(have, want[0]) }},
}

// like compares as SQL does: % stands for any text, _ for any character.
func like(have, pattern any) bool {
	quoted := regexp.QuoteMeta(asText(pattern))
	expr := strings.NewReplacer("%", ".*", "_", ".").Replace(quoted)
	return regexp.MustCompile("(?s)^" + expr + "$").MatchString(asText(have))
}

// sameDay compares two times by their day, in UTC as all times of the API.
func sameDay(have, want any) bool {
	a, isTime := have.(time.Time)
	b, fits := want.(time.Time)
	return isTime && fits && a.Truncate(24*time.Hour).Equal(b.Truncate(24*time.Hour))
}

// soundCodes are the digits of the letters from a on. Those with 0 have none; of these h and w do not part equal digits.
const soundCodes = "01230120022455012623010202"

// soundex is SQL's SOUNDEX: a letter and three digits for how an English word sounds.
func soundex(text string) string {
	code, last := []byte{}, byte('0')
	for _, r := range strings.ToLower(text) {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) {
			break
		}
		digit := soundCodes[r-'a']
		switch {
		case len(code) == 0:
			code = append(code, byte(r))
		case digit != '0' && digit != last && len(code) < 4:
			code = append(code, digit)
		}
		if r != 'h' && r != 'w' {
			last = digit
		}
	}
	for len(code) > 0 && len(code) < 4 {
		code = append(code, '0')
	}
	return string(code)
}
