package report

import (
	"fmt"
	"strings"
)

// mailbox is the name of the mailbox that a change is about; empty for a login's.
func (c *AlertChange) mailbox() string {
	name, is := strings.CutPrefix(c.Login, "mail/")
	if !is {
		return ""
	}
	return name
}

// mailHeadline is a change of a mailbox in one line.
func mailHeadline(state AlertState, mailbox string) string {
	what, known := map[AlertState]string{
		AlertMailboxFailing: "no mails come",
		AlertMailboxWorking: "mails come again",
		AlertMailAside:      "a mail is set aside for people",
		AlertMailMissing:    "A MAIL IS MISSING from the books",
		AlertMailFallback:   "mails go to the PSA's mail service, since its API cannot be used",
	}[state]
	if !known {
		what = string(state)
	}
	return fmt.Sprintf("mailbox %s: %s", mailbox, what)
}

// nextOfMail is what to do next.
func nextOfMail(state AlertState, mailbox string) string {
	switch state {
	case AlertMailboxFailing:
		return "psagate mail test " + mailbox + " says what is wrong, step by step; no mail is lost meanwhile."
	case AlertMailAside:
		return "Decide about it: psagate mail list " + mailbox
	case AlertMailMissing:
		return "Look for it in the mailbox, and tell who made psagate: psagate mail list " + mailbox + " has those that are known."
	case AlertMailFallback:
		return "See why the API cannot be used: psagate status. The tickets are put right when it can."
	}
	return "Nothing."
}
