package ates

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
)

// Key is the token's, which the PSA calls PW. It prints as redacted.
type Key struct{ key string }

// NewKey wraps a key.
func NewKey(key string) Key { return Key{key} }

// Format keeps it out of logs.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) }

// MarshalText does in JSON.
func (Key) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// LogValue does in slog.
func (Key) LogValue() slog.Value { return slog.StringValue("redacted") }

// Token says whose ticket it is. Empty fields are left out.
type Token struct {
	Key Key
	// Customer is the exact name of a company, Contact that of one of its people, Email the address by which the PSA looks
	// for the contact.
	Customer, Contact, Email string
	// SubIssue is the name of a sub-issue type.
	SubIssue string
	// TicketNumber is that of a ticket to which the mail is added.
	TicketNumber string
}

// write is the token in XML, without white space.
func (t Token) write() string {
	var b strings.Builder
	b.WriteString("<Autotask>")
	for _, field := range []struct{ name, value string }{
		{"PW", t.Key.key}, {"Customer", t.Customer}, {"Email", t.Email}, {"Contact", t.Contact}, {"SubIssue", t.SubIssue}, {"TicketNumber", t.TicketNumber},
	} {
		if value := oneLine(field.value); value != "" {
			b.WriteString("<" + field.name + ` name="` + escape.Replace(value) + `"/>`)
		}
	}
	b.WriteString("</Autotask>")
	return b.String()
}

// escape are the five entities of XML, which are all that the service knows.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// oneLine leaves out what XML cannot hold (XML 1.0 section 2.2) and makes one line of the rest.
func oneLine(value string) string {
	value = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar, r == '\ufffe', r == '\uffff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, ""))
	return strings.Join(strings.Fields(value), " ")
}

// tokens are what the service could take for one, however it is written.
var tokens = regexp.MustCompile(`(?i)<(\s*/?\s*autotask)`)

// harmless is a text without tokens in it: people still read what stood there.
func harmless(text string) string { return tokens.ReplaceAllString(text, "‹$1") }
