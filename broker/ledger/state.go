package ledger

// State is where a mail is.
type State string

// States. The first is where all begin; those of the second group are ends.
const (
	Spooled      State = "spooled"       // its bytes are kept, and nothing else is known
	Ready        State = "ready"         // the next Item can be sent
	InFlight     State = "in-flight"     // an Item is being sent
	InDoubt      State = "in-doubt"      // an Item was sent and nobody knows whether it took effect
	AtesInFlight State = "ates-inflight" // it is being handed to the PSA's mail service
	AtesInDoubt  State = "ates-in-doubt" // it may have been
	AtesSent     State = "ates-sent"     // it was; the ticket is to be found and put right

	Done       State = "done"
	Suspended  State = "suspended"  // for people to decide
	Dead       State = "dead"       // cannot become anything
	Suppressed State = "suppressed" // nothing is to become of it: a duplicate, our own, a notice that was acted on
)

// States lists all of them.
var States = []State{Spooled, Ready, InFlight, InDoubt, AtesInFlight, AtesInDoubt, AtesSent, Done, Suspended, Dead, Suppressed}

// Ended tells whether nothing more becomes of the mail by itself.
func (s State) Ended() bool { return s == Done || s == Suspended || s == Dead || s == Suppressed }
