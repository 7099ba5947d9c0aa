package message

import (
	"crypto/sha256"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/psagate/psagate/broker/plain"
)

// wellFormed checks what holds for every mail, whatever it is.
func wellFormed(t *testing.T, name string, raw []byte, m *Message) {
	t.Helper()
	bad := func(what string) { t.Errorf("%s: %s", name, what) }
	if m.Size != len(raw) || m.Hash != sha256.Sum256(raw) || m.ContentKey != ContentKeyOf(raw) || m.Kind == "" {
		bad("it is not known again")
	}
	if plain.Clean(m.Text) != m.Text || plain.Line(m.Subject) != m.Subject {
		bad("its text or subject is not clean")
	}
	names := map[string]bool{}
	hasRaw := false
	for _, f := range m.Files {
		key := strings.ToLower(f.Name)
		switch {
		case f.Name == "", names[key], strings.ContainsAny(f.Name, "/\\\x00\n:"), strings.HasPrefix(f.Name, "."), !utf8.ValidString(f.Name):
			bad("a file is called " + f.Name)
		case f.Hash != sha256.Sum256(f.Data):
			bad("the hash of a file is wrong")
		}
		names[key], hasRaw = true, hasRaw || f.Raw && string(f.Data) == string(raw)
	}
	if (m.Fault != nil || m.Lost) != hasRaw {
		bad("the mail itself is attached, or is not, in the wrong case")
	}
	if m.Fault != nil && (m.Text == "" || !strings.Contains(m.Text, m.Fault.Detail)) {
		bad("its fault is not said")
	}
	if m.Fault == nil && m.Text == "" && len(m.Files) == 0 && !m.Header.isMail() && len(raw) > 0 {
		bad("nothing was made of something")
	}
	if (m.Kind == BounceMail) != (m.Bounce != nil) {
		bad("a bounce says nothing, or something else does")
	}
	for _, a := range append(append([]Address{m.Author()}, m.To...), m.From...) {
		if s := a.String(); s != "" && (!strings.Contains(s, "@") || strings.ContainsAny(s, "\r\n\x00")) {
			bad("an address is " + s)
		}
	}
}

// FuzzRead gives any bytes to Read.
func FuzzRead(f *testing.F) {
	f.Add([]byte("From: =?utf-8?q?A_=C3=A4?= <a@example.com>\nTo: b@example.com\nSubject: s\nMessage-ID: <1@a>\nReferences: <2@a> <3@b>\n\ntext\n"))
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\nA: b\n\nFinal-Recipient: rfc822; a@example.com\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@a>\n\n--b--\n"))
	f.Add([]byte("Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-16\n\n<img src=cid:a><img src='data:image/png;base64,AAAA'>\n--b\nContent-ID: <a>\nContent-Type: image/png; name=\"../a.png\"\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n"))
	f.Add([]byte("From x\n>From: a\nSubject:\n=?utf-7?q?+?=\n--b\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		wellFormed(t, "this", raw, Read(raw, Options{}))
		wellFormed(t, "the least of this", raw, ReadLeast(raw, Options{}))
	})
}

// FuzzAddresses gives any text to ParseAddresses: what is taken can be written and read again.
func FuzzAddresses(f *testing.F) {
	f.Add(`"Doe, J." <j.doe@example.com>, group: a@b.example, "x y"@c.example;; <d@e.example (f)`)
	f.Add("undisclosed-recipients:;")
	f.Add("=?utf-8?b?w6Q=?= <mailto:a+tag@example.com>")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, a := range ParseAddresses(raw) {
			if a.Local == "" || a.Domain != strings.ToLower(a.Domain) || strings.ContainsAny(a.Domain, " <>@\"'") {
				t.Errorf("%q: %+v", raw, a)
			}
			if again, ok := split(a.String()); !ok || again.Key() != a.Key() {
				t.Errorf("%q is read again as %q", a, again)
			}
			if b := a.Base(); a.Tag() == "" && !strings.Contains(a.Local, "+") && b.Key() != a.Key() {
				t.Errorf("%q without a tag is %q", a, b)
			}
		}
	})
}
