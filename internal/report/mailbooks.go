package report

import (
	"errors"
	"time"
)

// ErrUnknownMail says that a mailbox has no mail of a number.
var ErrUnknownMail = errors.New("no mail of that number")

// ErrUnknownMailbox says that neither the config has a mailbox, nor the books a mail of it.
var ErrUnknownMailbox = errors.New("no mailbox of that name in the config, and no mail of one in the books")

// ErrMailMoved says that a mail is worked on, so that nothing was decided about it.
var ErrMailMoved = errors.New("the mail is being worked on at this moment: look at it, and try again")

// MailBooks is the answer of GET /psa/mail.
type MailBooks struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Mailboxes are those of the config, and those of which mails are in the books still, by name.
	Mailboxes []MailboxBooks `json:"mailboxes"`
}

// MailboxBooks are the books of one mailbox: seen is the sum of tickets, notes, suspended, dead, suppressed and pending, or a mail is lost.
type MailboxBooks struct {
	// Name is the mailbox's name in the config.
	Name string `json:"name"`
	// InConfig says that the config in force has it.
	InConfig bool `json:"in_config"`
	// Seen is how many mails came.
	Seen int `json:"seen"`
	// Tickets is how many became tickets.
	Tickets int `json:"tickets"`
	// Notes is how many became notes on tickets.
	Notes int `json:"notes"`
	// Suspended is how many are set aside for people.
	Suspended int `json:"suspended"`
	// Dead is how many cannot become anything.
	Dead int `json:"dead"`
	// Suppressed is how many were to become nothing: duplicates, our own, those that were dropped.
	Suppressed int `json:"suppressed"`
	// Pending is how many are worked on, or wait.
	Pending int `json:"pending"`
	// Gap is how many are missing from the books.
	Gap int `json:"gap"`
	// Balanced says that none is.
	Balanced bool `json:"balanced"`
	// OldestPending is when the mail arrived that has been pending for longest; it is left out where none is.
	OldestPending *time.Time `json:"oldest_pending,omitempty"`
	// States is how many mails are in each state that any is in.
	States map[string]int `json:"states"`
}

// MailList is the answer of GET /psa/mail/<mailbox>.
type MailList struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Mailbox has the mailbox's books, of all of its mails.
	Mailbox MailboxBooks `json:"mailbox"`
	// Mails are those that were asked for, one page of them.
	Mails []MailLine `json:"mails"`
	// After is the id with which to ask for the next page; it is left out where this is the last one.
	After int64 `json:"after,omitempty"`
	// Troubles are what somebody should look at about the mailbox's tickets, of the last day; left out where there are none.
	Troubles []MailTrouble `json:"troubles,omitempty"`
}

// MailLine is by what people recognise a mail, and how it stands. Nothing of its text is here.
type MailLine struct {
	// ID is the mail's number in the books.
	ID int64 `json:"id"`
	// Arrived is when the mail server or the intake had it.
	Arrived time.Time `json:"arrived"`
	// From is the sender's address; like the subject it is kept as long as the mail's bytes.
	From string `json:"from,omitempty"`
	// Subject is its subject, shortened.
	Subject string `json:"subject,omitempty"`
	// Size is the mail's size in bytes.
	Size int `json:"size"`
	// Gone says that its bytes are not kept any more.
	Gone bool `json:"gone,omitempty"`
	// State is how it stands.
	State string `json:"state"`
	// Since is when it came to its state; it is left out where it is in its first one.
	Since *time.Time `json:"since,omitempty"`
	// Cause is a word for why it ended as it did, where it is not done.
	Cause string `json:"cause,omitempty"`
	// Why says the cause in a sentence.
	Why string `json:"why,omitempty"`
	// Do is what somebody can do about it.
	Do string `json:"do,omitempty"`
	// IsNote says that it is, or becomes, a note on the ticket.
	IsNote bool `json:"is_note,omitempty"`
	// Ticket is the PSA's id of the ticket.
	Ticket int64 `json:"ticket,omitempty"`
	// Number is the ticket's number, as people write it.
	Number string `json:"number,omitempty"`
	// Tries is how many times the present step was begun.
	Tries int `json:"tries,omitempty"`
	// Fails is how many times in a row it could not be done for a reason that passes.
	Fails int `json:"fails,omitempty"`
	// Due is when something is done next; it is left out where nothing is.
	Due *time.Time `json:"due,omitempty"`
}

// MailShown is the answer of GET /psa/mail/<mailbox>/<id>. What the mail says is not in it: that is for people at the console.
type MailShown struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Mailbox is the mailbox's name.
	Mailbox string `json:"mailbox"`
	// Mail is how it stands.
	Mail MailLine `json:"mail"`
	// Object is its place at its source: UIDVALIDITY and UID, or the intake's id.
	Object string `json:"object"`
	// MessageID is the mail's own id.
	MessageID string `json:"message_id,omitempty"`
	// Reference is by what it is found in the PSA.
	Reference string `json:"reference,omitempty"`
	// Files is how many attachments it has, of which Skipped could not be attached.
	Files int `json:"files"`
	// Skipped is how many files could not be attached.
	Skipped int `json:"skipped"`
	// Marks are what is particular about it, in words.
	Marks []string `json:"marks"`
	// Understood are the steps by which it was understood, in words.
	Understood []string `json:"understood"`
	// History are its last moves, and those of people, the newest last.
	History []MailMove `json:"history"`
	// NoRetry says why it cannot be tried again; it is left out where it can.
	NoRetry string `json:"no_retry,omitempty"`
	// NoDrop says why it cannot be dropped; it is left out where it can.
	NoDrop string `json:"no_drop,omitempty"`
}

// MailMove is one move of a mail.
type MailMove struct {
	// At is when it was.
	At time.Time `json:"at"`
	// State is the state that it came to.
	State string `json:"state"`
	// Cause is a word for an end.
	Cause string `json:"cause,omitempty"`
	// By is who decided, where people did: issuer and subject, or operator.
	By string `json:"by,omitempty"`
	// Why is the reason that was given.
	Why string `json:"why,omitempty"`
}

// MailDecided is the answer of POST /psa/mail/<mailbox>/<id>/retry and …/drop.
type MailDecided struct {
	// Mailbox is the mailbox's name.
	Mailbox string `json:"mailbox"`
	// Was is the state that the mail was in.
	Was string `json:"was"`
	// Mail is how it stands now.
	Mail MailLine `json:"mail"`
}

// MailDryRun is the answer of GET /psa/mail/<mailbox>/dryrun: what the rules of today would make of mails that came.
type MailDryRun struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Mailbox is the mailbox's name.
	Mailbox string `json:"mailbox"`
	// Since is from when on mails are looked at, by their arrival.
	Since time.Time `json:"since"`
	// Looked is how many mails were understood anew.
	Looked int `json:"looked"`
	// Gone is how many more came in that time whose bytes are not kept any more.
	Gone int `json:"gone"`
	// Differ is how many would become something else than they did.
	Differ int `json:"differ"`
	// Failed is how many could not be understood anew, as the PSA could not be asked.
	Failed int `json:"failed"`
	// More says that there are more mails than were looked at.
	More bool `json:"more"`
	// Outcomes is how many would become what: ticket, note, suspended, suppressed.
	Outcomes map[string]int `json:"outcomes"`
	// Mails are those that were looked at, the oldest first.
	Mails []MailDryLine `json:"mails"`
}

// MailDryLine is one mail of a dry run.
type MailDryLine struct {
	// Mail is how it stands.
	Mail MailLine `json:"mail"`
	// Outcome is what would become of it: ticket, note, suspended or suppressed.
	Outcome string `json:"outcome,omitempty"`
	// Cause is a word for why nothing would.
	Cause string `json:"cause,omitempty"`
	// Gets is what its ticket would get, in words.
	Gets string `json:"gets,omitempty"`
	// Ticket is the number of the ticket that a note would go to.
	Ticket string `json:"ticket,omitempty"`
	// Differs are the differences from what did become of it, in words.
	Differs []string `json:"differs"`
	// Steps are the steps that led there, in words.
	Steps []string `json:"steps"`
	// Problem is why it could not be understood anew.
	Problem string `json:"problem,omitempty"`
}
