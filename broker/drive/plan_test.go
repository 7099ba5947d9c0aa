package drive

import (
	"strings"
	"testing"

	"github.com/psagate/psagate/broker/ledger"
)

// Whoever works on the ticket asks the sender for the file by its name.
func TestTheNoteNamesTheFilesThatAreNotAttached(t *testing.T) {
	t.Parallel()
	p := plan{Files: []planned{{Name: "a.txt", Size: 12}, {Name: "b.log", Size: 41_234}, {Name: "c.zip", Size: 22_090_000}}}
	m := ledger.Mail{ID: 16, Mailbox: "support", Ticket: 7, Reference: "mb1x", Files: 3, Skipped: 1}
	for name, c := range map[string]struct {
		skipped, most int
		want          string
	}{
		"too large":              {1, 6_000_000, "1 of 3 files of the mail could not be attached, as the PSA takes none larger than 6 MB: c.zip (22 MB)."},
		"another was refused":    {2, 6_000_000, "2 of 3 files of the mail could not be attached. Its files are a.txt (12 bytes), b.log (41 kB), c.zip (22 MB)."},
		"nobody knows how large": {1, 0, "1 of 3 files of the mail could not be attached. Its files are a.txt (12 bytes), b.log (41 kB), c.zip (22 MB)."},
	} {
		m.Skipped = c.skipped
		n := p.left(m, c.most)
		if want := c.want + " psagate keeps the mail for a while, as number 16 of mailbox support.\n\n" + n.Mark; n.Text != want || n.Ticket != 7 || !strings.HasSuffix(n.Mark, "-files") {
			t.Errorf("%s: %+v", name, n)
		}
	}
	for range namedMost + 2 - len(p.Files) {
		p.Files = append(p.Files, planned{Name: strings.Repeat("n", 500), Size: 1})
	}
	m.Files, m.Skipped = len(p.Files), len(p.Files)
	if n := p.left(m, 0); !strings.Contains(n.Text, "… (1 bytes) and 2 more.") || len(n.Text) > 4_000 {
		t.Errorf("%d bytes: %s", len(n.Text), n.Text)
	}
}
