package imap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Books are what is known of mails, and where they are kept.
type Books interface {
	// Missing are those of the objects that are not kept yet, in the same order.
	Missing(ctx context.Context, objects []string) ([]string, error)
	// Spool keeps a mail. When it returns nil the mail is durable. It must not hold on to Raw otherwise.
	Spool(ctx context.Context, mail Mail) error
	// Begun is from which UID on the mails of an inbox came after psagate first opened it: next, which is the one that the next mail
	// gets, when it is first asked about an inbox of that UIDVALIDITY, and the same ever after. It is asked where mails stay in the
	// inbox (Mailbox.LeaveSince).
	Begun(ctx context.Context, validity, next uint32) (from uint32, err error)
}

// Source is a mailbox that is being read.
type Source struct {
	mailbox Mailbox
	books   Books
	log     *slog.Logger
	asks    chan ask
	woken   chan struct{}
	// troubles are the mails that could not be brought over, by object.
	troubles map[string]trouble

	mu    sync.Mutex
	state State
}

// State is how it stands with a mailbox.
type State struct {
	// Connected is since when it is; zero where it is not.
	Connected time.Time
	// Complete is when the whole inbox was last compared, and all that was missing spooled but for those that are Held.
	Complete time.Time
	// Inbox is how many mails were in the inbox then; where they stay there, how many were not marked as done with.
	Inbox int
	// Held is how many of them could not be fetched or kept, time after time, and are not tried just now.
	Held int
	// Problem is what is wrong now; nil where nothing is.
	Problem *Problem
}

// New is a source of a mailbox. Nothing is dialled before Run. The error says what is wrong with the mailbox.
func New(mailbox Mailbox, books Books, log *slog.Logger) (*Source, error) {
	mailbox, err := mailbox.whole()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{mailbox: mailbox, books: books, log: log, asks: make(chan ask), woken: make(chan struct{}, 1), troubles: map[string]trouble{}}, nil
}

// State tells it.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *Source) note(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

// Wake has it connect now where it waits to: somebody has put right what was wrong. A password that was refused is not sent for that.
func (s *Source) Wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Waits between two connections.
const (
	retryFirst = time.Second
	retryMost  = 5 * time.Minute
)

// Run reads the mailbox until the context ends. Whatever goes wrong, it goes on, later: State says what.
func (s *Source) Run(ctx context.Context) {
	wait := retryFirst
	for ctx.Err() == nil {
		before := s.State().Complete
		err := s.connected(ctx)
		if ctx.Err() != nil {
			break
		}
		s.failed(err)
		if s.State().Complete.After(before) {
			wait = retryFirst
		}
		pause := wait/2 + rand.N(wait) // not all mailboxes of a server at once
		if p := new(Problem); errors.As(err, &p) && (p.Refused || p.held) {
			pause = s.mailbox.Poll // the secret is looked at, and not sent unless it may be
		} else {
			wait = min(2*wait, retryMost)
		}
		s.rest(ctx, pause)
	}
	s.note(func(state *State) { state.Connected = time.Time{} })
}

// failed writes down what is wrong, and says it in the log once.
func (s *Source) failed(err error) {
	p := broken(Connecting, err, "reading the mailbox of "+s.mailbox.User)
	said := s.State().Problem
	s.note(func(state *State) { state.Problem, state.Connected = p, time.Time{} })
	if said == nil || said.text != p.text {
		s.log.Warn("a mailbox cannot be read", "user", s.mailbox.User, "server", s.mailbox.Server, "stage", string(p.Stage), "problem", p.text)
	}
}

// rest waits without a connection: whoever asks for something is told so.
func (s *Source) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-s.woken:
			return
		case a := <-s.asks:
			a.answer <- answered{err: fmt.Errorf("there is no connection to the mailbox of %s at the moment: %w", s.mailbox.User, s.State().Problem)}
		}
	}
}

// connected is one connection, from its beginning to its end.
func (s *Source) connected(ctx context.Context) error {
	secret, err := s.mailbox.mayShow(ctx)
	if err != nil {
		return err
	}
	session, err := connect(ctx, s.mailbox)
	if err != nil {
		return err
	}
	defer session.close()
	session.hidden = func(err error) error { return s.mailbox.hidden(err, secret) }
	if err := session.signIn(ctx, s.mailbox, secret, false); err != nil {
		return err
	}
	return s.signedIn(ctx, session)
}

// signedIn is what is left of it once somebody is signed in.
func (s *Source) signedIn(ctx context.Context, session *session) error {
	if !s.mailbox.leaves() {
		if err := session.folders(ctx, s.mailbox); err != nil {
			return err
		}
	}
	if err := session.open(ctx, s.mailbox); err != nil {
		return err
	}
	s.note(func(state *State) { state.Connected, state.Problem = time.Now(), nil })
	for {
		if err := s.pass(ctx, session); err != nil {
			return err
		}
		if err := s.idle(ctx, session); err != nil {
			return err
		}
	}
}
