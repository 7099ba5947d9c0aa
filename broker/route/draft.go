package route

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/plain"
)

// Outcome is what becomes of a mail.
type Outcome string

// Outcomes.
const (
	NewTicket  Outcome = "ticket"
	Note       Outcome = "note"       // on Draft.Ticket
	Suspended  Outcome = "suspended"  // set aside for people, with a cause
	Suppressed Outcome = "suppressed" // it is our own, or a notice that was acted on: nothing becomes of it
)

// Draft is a mail on its way to becoming a ticket.
type Draft struct {
	Message *message.Message
	Outcome Outcome
	// Cause is why a mail is suspended or suppressed: a word, and a sentence.
	Cause, CauseText string

	Sender Sender
	// Alias is the address that the mail came by; zero for none.
	Alias message.Address
	// Fields are what is set of a new ticket.
	Fields Fields
	// Ticket is the one that a note goes to.
	Ticket Ticket
	// Claimed is the number of a ticket that the mail names, by its subject or as an answer, and the sender has nothing to do with.
	Claimed string
	claims  string // how

	// Title and Description are those of the ticket or note; where Description had to be cut, Files has all of it.
	Title, Description string
	Files              []message.File
	// Reference is by what the ticket is found again in the PSA; the same for the same mail by the same way, whenever it is
	// made. It is the last line of Description, too.
	Reference string

	// Lockout is what a notice of the PSA's about a locked user says, where the mail came by an alias for those.
	Lockout *Lockout
	// Notice is what the PSA's mail service says of a mail that was handed to it, where this mail is that.
	Notice *Notice

	// Why are the steps that led here, in words; Troubles are what somebody should look at.
	Why, Troubles []string
}

// Limits of the PSA, in characters (facts of Autotask's REST API; a note's title has 250, and its description 32,000).
const (
	titleMost       = 255
	descriptionMost = 8000
	noteTitleMost   = 250
	noteMost        = 32000
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Reference is what a mail that takes a way in a tenant is known by in the PSA: 35 letters and digits. A lost store
// does not change it.
func Reference(tenant, way string, contentKey [sha256.Size]byte) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%d:%s|%d:%s|%x", len(tenant), tenant, len(way), way, contentKey)))
	return "mb1" + letters.EncodeToString(sum[:20])
}

// write makes title and description within the PSA's limits. The reference is never cut.
func (d *Draft) write() {
	title, most := titleMost, descriptionMost
	if d.Outcome == Note {
		title, most = noteTitleMost, noteMost
	}
	d.Title = d.Fields.TitlePrefix + d.Message.Subject
	if d.Outcome == Note {
		d.Title = d.Message.Subject
	}
	if strings.TrimSpace(d.Title) == strings.TrimSpace(d.Fields.TitlePrefix) {
		d.Title += "Mail without a subject"
		if from := d.Sender.Address.String(); from != "" {
			d.Title += " from " + from
		}
	}
	d.Title = plain.Cut(plain.Line(d.Title), title, "…")
	d.Files = append([]message.File(nil), d.Message.Files...)

	head, tail := d.head(), "\n\nRef: "+d.Reference
	text := d.Message.Text
	if text == "" {
		text = "The mail has no text."
	}
	if len([]rune(head+text+tail)) > most {
		name := unused("message.txt", d.Files)
		d.Files = append(d.Files, message.File{Name: name, Type: "text/plain", Data: []byte(text), Hash: sha256.Sum256([]byte(text))})
		text = plain.Cut(text, most-len([]rune(head+tail)), "\n\n[…] The mail is longer. All of it is in the attached "+name+".")
	}
	d.Description = head + text + tail
}

// head says what the PSA's own fields do not: that the mail is longer, who wrote, where that is not the contact of the ticket, and what to look at.
func (d *Draft) head() string {
	var lines []string
	if d.Message.Cut != "" {
		lines = append(lines, plain.Line(d.Message.Cut))
	}
	// The line is always there: else one at the beginning of the mail's own text would be taken for it.
	who := "(the mail does not say)"
	if from := d.Message.Author(); from.Domain != "" {
		who = from.String()
		if from.Name != "" {
			who = plain.Cut(from.Name, 100, "…") + " <" + who + ">"
		}
	}
	lines = append(lines, "From: "+plain.Cut(plain.Line(who), 300, "…"))
	if names := others(d.Message); names != "" {
		lines = append(lines, "Also to: "+names)
	}
	if d.Claimed != "" {
		lines = append(lines, d.claims+d.Claimed+", with which the sender has nothing to do.")
	}
	return strings.Join(lines, "\n") + "\n\n"
}

// othersMost is how many of those who got the mail as well are named.
const othersMost = 10

func others(m *message.Message) string {
	var names []string
	for _, a := range m.Cc {
		if len(names) == othersMost {
			names = append(names, fmt.Sprintf("and %d more", len(m.Cc)-othersMost))
			break
		}
		names = append(names, plain.Cut(plain.Line(a.String()), 100, "…"))
	}
	return strings.Join(names, ", ")
}

func unused(name string, files []message.File) string {
	for i := 2; ; i++ {
		taken := false
		for _, f := range files {
			taken = taken || strings.EqualFold(f.Name, name)
		}
		if !taken {
			return name
		}
		name = fmt.Sprintf("message (%d).txt", i)
	}
}
