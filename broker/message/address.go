package message

import (
	"net/mail"
	"strings"
	"unicode"
)

// Address is a mail address. Two are the same if their Keys are.
type Address struct {
	// Name is the person's or list's, if it is said.
	Name string
	// Local and Domain are what stands before and after the last at sign; Domain is in lower case.
	Local, Domain string
}

// String is local@domain; empty for no address.
func (a Address) String() string {
	if a.Domain == "" {
		return ""
	}
	return a.Local + "@" + a.Domain
}

// Key is by what addresses are compared: in lower case. (RFC 5321 section 2.4 leaves the local part to its host; none is
// known that makes a difference, and PSAs do not.)
func (a Address) Key() string { return strings.ToLower(a.String()) }

// Tag is what stands after the first plus sign in the local part, and Base the address without it (RFC 5233).
func (a Address) Tag() string {
	_, tag, _ := strings.Cut(a.Local, "+")
	return tag
}

// Base is the address without its Tag.
func (a Address) Base() Address {
	local, _, _ := strings.Cut(a.Local, "+")
	return Address{a.Name, local, a.Domain}
}

// ParseAddresses reads the addresses of a field's value, however it is written: what cannot be read is passed over, and
// the names of groups are. Where there is no address in it, one is looked for in its encoded words: RFC 2047 section 5 forbids that,
// and Python's library does it to names outside of ASCII, as the scripts that send alerts are written with it.
func ParseAddresses(raw string) []Address {
	list := addressesIn(raw)
	if len(list) == 0 && strings.Contains(raw, "=?") {
		list = addressesIn(decodeValue(raw))
	}
	return list
}

func addressesIn(raw string) (list []Address) {
	for _, one := range splitAddresses(raw) {
		if a, ok := parseAddress(one); ok {
			list = append(list, a)
		}
	}
	return list
}

// splitAddresses cuts at commas and semicolons that are in no quotes, comments or angle brackets.
func splitAddresses(raw string) (parts []string) {
	start, quoted, comment, angle := 0, false, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\':
			i++
		case c == '"' && comment == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comment++
		case c == ')':
			comment = max(0, comment-1)
		case comment > 0:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle, c == ';':
			parts, start, angle = append(parts, raw[start:i]), i+1, false
		case c == ':' && !angle && !strings.Contains(raw[start:i], "@"): // the name of a group
			start = i + 1
		}
	}
	return append(parts, raw[start:])
}

func parseAddress(raw string) (Address, bool) {
	raw = strings.TrimSpace(raw)
	if len(raw) > 2000 {
		return Address{}, false
	}
	if a, err := mail.ParseAddress(raw); err == nil {
		if out, ok := split(a.Address); ok {
			out.Name = decodeValue(a.Name)
			return out, true
		}
	}
	name, inner := "", raw
	if open := strings.LastIndexByte(raw, '<'); open >= 0 {
		name, inner = raw[:open], raw[open+1:]
		inner, _, _ = strings.Cut(inner, ">")
	}
	for _, word := range strings.FieldsFunc(inner, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>()[]\"'", r) }) {
		if out, ok := split(strings.TrimPrefix(word, "mailto:")); ok {
			out.Name = decodeValue(strings.Trim(strings.TrimSpace(name), `"'`))
			return out, true
		}
	}
	return Address{}, false
}

// split takes an address apart, if it is one that mail could be sent to.
func split(address string) (Address, bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || len(address) > 320 {
		return Address{}, false
	}
	a := Address{Local: address[:at], Domain: strings.ToLower(address[at+1:])}
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_", r)
	}
	if a.Domain == "" || strings.HasPrefix(a.Domain, ".") || strings.HasSuffix(a.Domain, ".") || strings.Contains(a.Domain, "..") || strings.ContainsFunc(a.Domain, bad) || strings.ContainsFunc(a.Local, unicode.IsControl) {
		return Address{}, false
	}
	return a, true
}
