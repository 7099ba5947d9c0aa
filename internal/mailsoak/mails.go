// Package mailsoak has the mails of the soaks, and the equations that must hold when all is calm again: for a soak of the engine alone,
// and for one of the binary.
package mailsoak

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// corpora are mails that modules carry for their own tests; go mod download brings them (see broker/message). Those of the second kind
// are bodies alone.
var corpora = []struct{ module, files, header string }{
	{"github.com/jhillyerd/enmime/v2", "testdata/mail/*.raw", ""},
	{"github.com/jhillyerd/enmime/v2", "testdata/low-quality/*.raw", ""},
	{"github.com/jhillyerd/enmime/v2", "dsn/testdata/*.raw", ""},
	{"github.com/dimiro1/reply", "testdata/emails/*.txt", "From: reply@example.com\n\n"},
}

// Originals are all of these mails.
func Originals(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, c := range corpora {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", c.module).Output()
		if err != nil {
			t.Fatalf("%s is not there: go mod download brings it (%v)", c.module, err)
		}
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(c.files)))
		if err != nil || len(files) == 0 {
			t.Fatalf("no mails are in %s of %s (%v)", c.files, c.module, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, append([]byte(c.header), raw...))
		}
	}
	return all
}

// Mail is one that is sent.
type Mail struct {
	// Token is in its subject, and in no other's.
	Token string
	Raw   []byte
	// BySMTP says that it is to come by SMTP, else by IMAP.
	BySMTP bool
}

var (
	subjectField = regexp.MustCompile(`(?im)^Subject:[ \t]*`)
	messageID    = regexp.MustCompile(`(?im)^Message-ID:[ \t]*<`)
	sender       = regexp.MustCompile(`(?im)^From:[^\r\n@]*?([a-z0-9._-]+@[a-z0-9.-]+)`)
	header       = regexp.MustCompile(`\A[!-9;-~]+:`)
	headEnds     = regexp.MustCompile(`\r?\n\r?\n`)
	token        = regexp.MustCompile(`soak[a-j]{6}`)
	subject      = regexp.MustCompile(`(?im)^Subject:[ \t]*soak[a-j]{6}`)
)

// tokenOf is the token of a mail. It has no digits: subjects that differ by those alone are alike to the guard against loops.
func tokenOf(no int) string {
	return "soak" + strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%06d", no))
}

// Token finds the token in a subject or a title; it is empty where there is none.
func Token(title string) string { return token.FindString(title) }

// TokenOf finds the token of a whole mail.
func TokenOf(raw string) string { return token.FindString(subject.FindString(raw)) }

// senderOf is who writes a mail: ten people write the mails of each hundred, since nobody writes so many alone.
func senderOf(no int) string {
	return fmt.Sprintf("%s@customer-%d.example", tokenOf(no/100*10+no%10), no/100)
}

// Vary makes a mail of its own of an original: with a token in its subject by which it is found anywhere, mostly by one of our senders, and
// with an id of its own or not, since there are programs that use one twice. It may be an answer to a mail that its sender wrote before:
// those of others become no notes.
func Vary(r *rand.Rand, originals [][]byte, no int) Mail {
	m := Mail{Token: tokenOf(no), BySMTP: r.IntN(2) == 0}
	raw := originals[r.IntN(len(originals))]
	if !header.Match(raw) {
		raw = append([]byte("From: headless@example.com\n\n"), raw...)
	}
	head, text := raw, []byte(nil)
	if end := headEnds.FindIndex(raw); end != nil {
		head, text = raw[:end[0]], raw[end[0]:]
	}
	if at := subjectField.FindIndex(head); at != nil {
		head = put(head, at[1], m.Token+" ")
	} else {
		head = append([]byte("Subject: "+m.Token+"\n"), head...)
	}
	if at := sender.FindSubmatchIndex(head); at != nil && r.IntN(10) > 0 {
		head = append(append(bytes.Clone(head[:at[2]]), senderOf(no)...), head[at[3]:]...)
	}
	if at := messageID.FindIndex(head); at != nil && r.IntN(10) > 0 {
		head = put(head, at[1], m.Token+".")
	}
	if before := no % 100 / 10; before > 0 && r.IntN(5) == 0 {
		head = append(fmt.Appendf(nil, "References: <%s.id@example.com>\n", tokenOf(no-10*(1+r.IntN(before)))), head...)
	} else if !messageID.Match(head) {
		head = append([]byte("Message-ID: <"+m.Token+".id@example.com>\n"), head...)
	}
	m.Raw = append(bytes.Clone(head), text...)
	for line := range bytes.Lines(m.Raw) {
		if len(line) > 990 { // RFC 5321 section 4.5.3.1.6: no server would hand it on
			m.BySMTP = false
		}
	}
	return m
}

// put is a text with another in its midst.
func put(text []byte, at int, more string) []byte {
	return bytes.Join([][]byte{text[:at], []byte(more), text[at:]}, nil)
}
