package ledger

// Cause is why a mail has not become a ticket, for people.
type Cause struct {
	// Says is a sentence.
	Says string
	// Do is what somebody can do; empty where nothing is to be done.
	Do string
}

// Causes are those that mails end with, and AtesFailed and AtesMade: the words of Mail.Cause.
var Causes = map[string]Cause{
	"in-doubt": {
		"It was sent to the PSA several times without an answer, and each time the PSA said later that it is not there.",
		"Look in the PSA for its reference. Is it there, drop the mail; is it not, retry it: it is looked for once more before it is sent.",
	},
	"ates-in-doubt": {
		"It was handed to the PSA's mail service several times, and whether it got there is not known.",
		"Look in the PSA's incoming queue for its subject. Is it there, drop the mail; is it not, retry it: it is looked for before it is sent.",
	},
	"ates-lost": {
		"The PSA's mail service took it, and has not made a ticket of it within its time.",
		"Look at the mail service's settings and key in the PSA, and in the mailbox of the sender for its failure notices; then retry: it is looked for before it is sent.",
	},
	AtesFailed: {
		"The PSA's mail service says that it makes nothing of it: it waits for the PSA's API.",
		"Look at the mail service's settings and key in the PSA. When the API can be used again the mail becomes a ticket by itself.",
	},
	AtesMade: {
		Says: "The PSA's mail service says that it has made it: what it made is found, and put right, when the PSA's API can be used.",
	},
	"refused": {
		"The PSA refuses it, even with all left out that can be.",
		"The log says what the PSA said. Put right the mailbox's default company and queue, or what the PSA wants of each ticket; then retry.",
	},
	"unreadable": {
		"It could not be taken apart, and not even be made the least of a ticket: psagate died over it, or could not ask, each time.",
		"Look at the raw mail at the console, and retry; does it end so again, tell psagate's makers, and put it into the PSA by hand.",
	},
	"gone": {
		"Its bytes were not kept any more when it was to be understood.",
		"Ask the sender for it, and drop it.",
	},
	"loop": {
		"Too many like it came in a short time, or it went around in a circle.",
		"Stop whoever sends them, then drop it; retry it where it was wanted.",
	},
	"human": {
		"A rule of the mailbox sets it aside.",
		"Look at it, and retry or drop it.",
	},
	"alert": {
		"It is a program's, and such mails are set aside in this mailbox.",
		"Retry it where it is wanted, and have the mailbox take alerts.",
	},
	"list": {
		"It came by a mailing list, and such mails are set aside in this mailbox.",
		"Drop it, or retry it where it is wanted.",
	},
	"auto-reply": {
		"It is an automatic reply that belongs to no ticket.",
		"Drop it, or retry it where it is wanted.",
	},
	"bounce": {
		"It reports that a mail did not arrive, and belongs to no ticket.",
		"Look which mail it is about, then drop it; retry it where a ticket is wanted.",
	},
	"own":         {Says: "This broker has sent it: a ticket of it would make a loop."},
	"lockout":     {Says: "It is the PSA's notice that a user of ours is locked, and was acted on."},
	"ates-notice": {Says: "It is a notice about a mail that was handed to the PSA's mail service, and was acted on."},
	"duplicate":   {Says: "The same mail came before: what becomes of that one counts for both."},
	Dropped:       {Says: "Somebody has decided that nothing is to become of it.", Do: "Retry takes it up again."},
}

// Explained is a word for an end in sentences. A word of a newer version is said as it is.
func Explained(cause string) Cause {
	if c, known := Causes[cause]; known || cause == "" {
		return c
	}
	return Cause{Says: "It was set aside: " + Line(cause, mostWhy) + ".", Do: "Look at it, and retry or drop it."}
}
