package message

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/dimiro1/reply" // for its mails: only what go.mod names is there on a fresh machine
	"github.com/psagate/psagate/broker/plain"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	folder = flag.String("mails", "", "a folder of further mails, one in each file, which scripts/corpora fills")
)

// corpora are mails that modules carry for their own tests; go mod download brings them. Those of the second kind are
// bodies alone.
var corpora = []struct{ module, files, header string }{
	{"github.com/jhillyerd/enmime/v2", "testdata/mail/*.raw", ""},
	{"github.com/jhillyerd/enmime/v2", "testdata/low-quality/*.raw", ""},
	{"github.com/jhillyerd/enmime/v2", "testdata/parts/*.raw", ""},
	{"github.com/jhillyerd/enmime/v2", "dsn/testdata/*.raw", ""},
	{"github.com/dimiro1/reply", "testdata/emails/*.txt", "From: a@example.com\n\n"},
}

// eachMail runs over the mails of all corpora.
func eachMail(t testing.TB, run func(name string, raw []byte)) {
	t.Helper()
	dirs := map[string]string{}
	for _, c := range corpora {
		if dirs[c.module] == "" {
			out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", c.module).Output()
			if err != nil || len(bytes.TrimSpace(out)) == 0 {
				t.Fatalf("%s is not there: go mod download brings it (%v)", c.module, err)
			}
			dirs[c.module] = strings.TrimSpace(string(out))
		}
		files, err := filepath.Glob(filepath.Join(dirs[c.module], filepath.FromSlash(c.files)))
		if err != nil || len(files) == 0 {
			t.Fatalf("no mails are in %s of %s (%v)", c.files, c.module, err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name := c.module[strings.Index(c.module, "/")+1:] + "/" + filepath.Base(filepath.Dir(f)) + "/" + filepath.Base(f)
			run(name, append([]byte(c.header), raw...))
		}
	}
}

// summary is what a change must not change unseen.
func summary(m *Message) string {
	out := fmt.Sprintf("%s | %s | %s | %q\n", m.Kind, m.Author(), m.Subject, plain.Cut(plain.Line(m.Text), 160, "…"))
	for _, f := range m.Files {
		out += fmt.Sprintf("  file %s, %s, %d bytes%s\n", f.Name, f.Type, len(f.Data), map[bool]string{true: ", shown"}[f.Inline])
	}
	if m.Bounce != nil {
		out += fmt.Sprintf("  of %q to %v, %s\n", m.Bounce.MessageID, m.Bounce.Recipients, m.Bounce.Status)
	}
	if m.Fault != nil {
		out += "  fault: " + m.Fault.Cause + "\n"
	}
	if m.Lost {
		out += "  a part is lost\n"
	}
	return out
}

func TestCorpora(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	mails, faults := 0, 0
	eachMail(t, func(name string, raw []byte) {
		m := Read(raw, Options{})
		if mails++; m.Fault != nil {
			faults++
		}
		wellFormed(t, name, raw, m)
		got.WriteString(name + "\n  " + summary(m))
	})
	if mails < 145 || 1000*faults > 5*mails {
		t.Errorf("of %d mails %d could not be read: more than 0.5 %%", mails, faults)
	}
	if *folder != "" {
		readAlmostAll(t, *folder)
	}
	const golden = "testdata/corpora.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the corpora are read differently; look, and run with -update:\n%s", firstDifference(string(want), got.String()))
	}
}

// readAlmostAll demands that of 1,000 mails in a folder 995 can be read.
func readAlmostAll(t *testing.T, folder string) {
	t.Helper()
	mails, faults := 0, 0
	inFolder(t, folder, func(name string, raw []byte) {
		m := Read(raw, Options{})
		wellFormed(t, name, raw, m)
		mails++
		switch {
		case m.Fault != nil:
			faults++
			t.Logf("%s: %s: %s", name, m.Fault.Cause, m.Fault.Detail)
		case m.Lost:
			t.Logf("%s: a part of it is lost, and the mail itself attached", name)
		}
	})
	t.Logf("of %d mails %d could not be read", mails, faults)
	if mails < 500 || 1000*faults > 5*mails {
		t.Errorf("of %d mails %d could not be read: more than 0.5 %%", mails, faults)
	}
}

// inFolder runs over the mails of a folder and those below it.
func inFolder(t *testing.T, folder string, run func(name string, raw []byte)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "README" {
			return err
		}
		raw, err := os.ReadFile(path)
		if _, rest, isBox := bytes.Cut(raw, []byte("\n")); isBox && bytes.HasPrefix(raw, []byte("From ")) {
			raw = rest // the line with which an mbox begins a mail
		}
		run(strings.TrimPrefix(path, folder), raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d is\n%s, was\n%s", i+1, g[i], w[i])
		}
	}
	return "it is longer or shorter"
}

// Cut short anywhere, and with bytes changed, every mail is still read into something.
func TestCorporaDamaged(t *testing.T) {
	t.Parallel()
	eachMail(t, func(name string, raw []byte) {
		for i := range 3 {
			cut := raw[:len(raw)*(i+1)/4]
			wellFormed(t, fmt.Sprintf("%s to %d", name, len(cut)), cut, Read(cut, Options{}))
			hit := bytes.Clone(raw)
			for at := i; at < len(hit); at += 97 {
				hit[at] ^= byte(1 << (2 * i))
			}
			wellFormed(t, fmt.Sprintf("%s, bit %d", name, 2*i), hit, Read(hit, Options{}))
		}
	})
}
