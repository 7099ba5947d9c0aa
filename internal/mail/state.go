package mail

import (
	"context"
	"time"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/ledger"
)

// State is how a mailbox stands.
type State struct {
	Name string
	// Aliases are its addresses.
	Aliases []string
	// Server and User are where it is read, and Source how that goes; Server is empty where it is not read.
	Server, User string
	Source       imap.State
	// Door is where its mails come in by SMTP, and DoorProblem why they do not.
	Door, DoorProblem string
	// Down is since when the PSA's API cannot be used for it; zero where it can.
	Down time.Time
	// Counts and Balance are its books, where BooksProblem is empty.
	Counts       ledger.Counts
	Balance      ledger.Balance
	BooksProblem string
}

// Fallback is how many mails the PSA's mail service has, or may have, and has not made a ticket of yet.
func (s State) Fallback() int {
	return s.Counts.States[ledger.AtesInFlight] + s.Counts.States[ledger.AtesInDoubt] + s.Counts.States[ledger.AtesSent]
}

// States are those of all mailboxes, by name.
func (e *Engine) States(ctx context.Context) []State {
	counts, err := e.books.Counts(ctx)
	names := e.Names()
	all := make([]State, 0, len(names))
	for _, name := range names {
		s, there := e.state(name)
		if !there {
			continue
		}
		s.Counts = counts[name]
		problem := err
		if problem == nil {
			s.Balance, problem = e.books.Balance(ctx, name)
		}
		if problem != nil {
			s.BooksProblem = problem.Error()
		}
		all = append(all, s)
	}
	return all
}

// state is what is known of a mailbox without its books.
func (e *Engine) state(name string) (s State, there bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.boxes[name]
	if b == nil {
		return s, false
	}
	s = State{Name: name, Door: b.mailbox.Door}
	for _, a := range b.mailbox.Route.Aliases {
		s.Aliases = append(s.Aliases, a.Address)
	}
	if b.reader != nil {
		s.Server, s.User = b.reader.mailbox.Server, b.reader.mailbox.User
		s.Source, _ = b.reader.state()
	}
	if d := e.doors[b.mailbox.Door]; d != nil {
		s.DoorProblem = d.trouble()
	}
	if b.mailbox.PSA.Down != nil {
		s.Down = b.mailbox.PSA.Down()
	}
	return s, true
}
