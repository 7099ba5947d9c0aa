//go:build linux

package mail

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

// originals are all of these mails.
func originals(t testing.TB) (all [][]byte) {
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

// soakMail is one that is sent.
type soakMail struct {
	token string
	raw   []byte
	smtp  bool
}

var (
	subjectField = regexp.MustCompile(`(?im)^Subject:[ \t]*`)
	messageID    = regexp.MustCompile(`(?im)^Message-ID:[ \t]*<`)
	header       = regexp.MustCompile(`\A[!-9;-~]+:`)
	soakToken    = regexp.MustCompile(`soak\d{6}`)
	soakSubject  = regexp.MustCompile(`(?im)^Subject:[ \t]*soak\d{6}`)
)

// vary makes a mail of its own of an original: with a token in its subject by which it is found anywhere, and an id of its own or not,
// since there are programs that use one twice. An answer may be one to a mail that came before.
func vary(r *rand.Rand, originals [][]byte, no int) soakMail {
	m := soakMail{token: fmt.Sprintf("soak%06d", no), smtp: r.IntN(2) == 0}
	raw := originals[r.IntN(len(originals))]
	if !header.Match(raw) {
		raw = append([]byte("From: headless@example.com\n\n"), raw...)
	}
	head, text := raw, []byte(nil)
	if end := regexp.MustCompile(`\r?\n\r?\n`).FindIndex(raw); end != nil {
		head, text = raw[:end[0]], raw[end[0]:]
	}
	if at := subjectField.FindIndex(head); at != nil {
		head = bytes.Join([][]byte{head[:at[1]], []byte(m.token + " "), head[at[1]:]}, nil)
	} else {
		head = append([]byte("Subject: "+m.token+"\n"), head...)
	}
	if at := messageID.FindIndex(head); at != nil && r.IntN(10) > 0 {
		head = bytes.Join([][]byte{head[:at[1]], []byte(m.token + "."), head[at[1]:]}, nil)
	}
	if no > 10 && r.IntN(5) == 0 {
		head = append(fmt.Appendf(nil, "References: <soak%06d.id@example.com>\n", r.IntN(no)), head...)
	} else if messageID.FindIndex(head) == nil {
		head = append([]byte("Message-ID: <"+m.token+".id@example.com>\n"), head...)
	}
	m.raw = append(bytes.Clone(head), text...)
	for line := range bytes.Lines(m.raw) {
		if len(line) > 990 { // RFC 5321 section 4.5.3.1.6: no server would hand it on
			m.smtp = false
		}
	}
	return m
}
