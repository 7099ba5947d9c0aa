package drive

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/loop"
	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/plain"
	"github.com/psagate/psagate/broker/route"
)

// plan is what is to be made of a mail, as it stands in the ledger.
type plan struct {
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Fields      route.Fields `json:"fields"`
	// Default are the fields for when the PSA refuses those.
	Default route.Fields `json:"default"`
	Contact int64        `json:"contact,omitempty"`
	Files   []planned    `json:"files,omitempty"`
	// Blind says that it was made without the PSA, which could not be asked.
	Blind bool `json:"blind,omitempty"`
	// Cut is message.Message.Cut. It is there from when the mail was spooled.
	Cut string `json:"cut,omitempty"`
	// Sender and Subject are for the guard against loops.
	Sender  string `json:"sender,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// planned is a file; its bytes are in the mail, and known by their hash.
type planned struct {
	Name string            `json:"name"`
	Type string            `json:"type"`
	Hash [sha256.Size]byte `json:"hash"`
	Size int               `json:"size"`
}

// planOf writes a draft down. The smallest files come first: where the PSA takes no more for a while, the most are there.
func planOf(d *route.Draft, otherwise route.Fields) plan {
	p := plan{
		Title: d.Title, Description: d.Description, Fields: d.Fields, Default: otherwise, Contact: d.Contact(),
		Sender: d.Sender.Address.Key(), Subject: d.Message.Subject, Cut: d.Message.Cut,
	}
	for _, f := range d.Files {
		p.Files = append(p.Files, planned{f.Name, f.Type, f.Hash, len(f.Data)})
	}
	slices.SortStableFunc(p.Files, func(a, b planned) int { return cmp.Compare(a.Size, b.Size) })
	return p
}

// cutOf is what was said of a mail when it was spooled (CutShort).
func cutOf(m ledger.Mail) string {
	var p plan
	_ = json.Unmarshal(m.Plan, &p) // of most mails there is none yet
	return p.Cut
}

func (p plan) loopMail() loop.Mail {
	return loop.Mail{Sender: p.Sender, Subject: p.Subject, Company: p.Fields.Company}
}

func readPlan(m ledger.Mail) (p plan, err error) {
	if err := json.Unmarshal(m.Plan, &p); err != nil {
		return plan{}, fmt.Errorf("the plan of mail %d is damaged: %w", m.ID, err)
	}
	if len(p.Files) != m.Files {
		return plan{}, fmt.Errorf("the plan of mail %d has %d files, and its row %d", m.ID, len(p.Files), m.Files)
	}
	return p, nil
}

// ticket is the one to be made, with less in it each time that the PSA has refused it.
func (p plan) ticket(m ledger.Mail) Ticket {
	t := Ticket{Mail: m.ID, Reference: m.Reference, Title: p.Title, Description: p.Description, Fields: p.Fields, Otherwise: p.Default, Contact: p.Contact, Sender: p.Sender}
	if m.IsNote {
		t.Note = m.Number
	}
	if m.Plainness >= 1 { // what a ticket does well without
		t.Fields.IssueType, t.Fields.SubIssueType, t.Fields.TicketType, t.Fields.Category, t.Fields.Source = "", "", "", "", ""
	}
	if m.Plainness >= 2 {
		t.Contact = 0
		t.Fields.Queue, t.Fields.Priority, t.Fields.Status = p.Default.Queue, p.Default.Priority, p.Default.Status
	}
	if m.Plainness >= 3 {
		t.Fields = route.Fields{Company: p.Default.Company, Queue: p.Default.Queue}
	}
	return t
}

// mark is the last line of a note of a mail.
func mark(reference string) string { return "Ref: " + reference }

// note is what a mail becomes on a ticket.
func (p plan) note(m ledger.Mail) Note {
	return Note{m.Ticket, p.Title, p.Description, mark(m.Reference)}
}

// namedMost is how many files a note names.
const namedMost = 20

// left is the note that names the files that are not attached, for the PSA takes none that are larger than most bytes (0: not known).
// Where it is not known which they are, as the PSA has refused some, all are named.
func (p plan) left(m ledger.Mail, most int) Note {
	var large, all []string
	for _, f := range p.Files {
		name := fmt.Sprintf("%s (%s)", plain.Cut(plain.Line(f.Name), 100, "…"), size(f.Size))
		if all = append(all, name); most > 0 && f.Size > most {
			large = append(large, name)
		}
	}
	text := fmt.Sprintf("%d of %d files of the mail could not be attached. Its files are %s.", m.Skipped, m.Files, list(all))
	if len(large) == m.Skipped {
		text = fmt.Sprintf("%d of %d files of the mail could not be attached, as the PSA takes none larger than %s: %s.", m.Skipped, m.Files, size(most), list(large))
	}
	line := mark(m.Reference + "-files")
	text += fmt.Sprintf(" psagate keeps the mail for a while, as number %d of mailbox %s.\n\n%s", m.ID, m.Mailbox, line)
	return Note{m.Ticket, "Files that are not attached", text, line}
}

// list names the first of them.
func list(names []string) string {
	if n := len(names) - namedMost; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namedMost], ", "), n)
	}
	return strings.Join(names, ", ")
}

// size is a number of bytes for people.
func size(bytes int) string {
	switch {
	case bytes >= 1_000_000:
		return strconv.FormatFloat(float64(bytes/100_000)/10, 'f', -1, 64) + " MB"
	case bytes >= 1_000:
		return strconv.Itoa(bytes/1_000) + " kB"
	}
	return strconv.Itoa(bytes) + " bytes"
}

// fileTitle tells files of a ticket apart, and names the mail.
func (p plan) fileTitle(m ledger.Mail) string {
	return fmt.Sprintf("(%d/%d) %s [%s]", m.Item, m.Files, p.Files[m.Item-1].Name, short(m.Reference))
}

// short is enough of a reference to tell the mails of one ticket apart.
func short(reference string) string { return reference[max(0, len(reference)-6):] }

// errFile: what the parser finds in the mail now is not what it found.
var errFile = errors.New("the file is not found in the mail any more")

// bytes finds a planned file in the mail that it came with.
func (f planned) bytes(m *message.Message, raw []byte) ([]byte, error) {
	for _, have := range m.Files {
		if have.Hash == f.Hash {
			return have.Data, nil
		}
	}
	for _, all := range [][]byte{[]byte(m.Text), raw} { // a text that was too long, or the mail itself
		if sha256.Sum256(all) == f.Hash {
			return all, nil
		}
	}
	return nil, errFile
}
