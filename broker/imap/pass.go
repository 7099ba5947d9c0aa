package imap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
)

// spoolFails is how many mails in one pass may not be kept before it is taken for the books' fault (a full disk), and no
// more are fetched.
const spoolFails = 3

// pass compares the whole inbox with the books, and brings what is missing. An error is the connection's; what is wrong with
// the books is in the State, and the next pass may find it right.
func (s *Source) pass(ctx context.Context, session *session) error {
	if err := s.serve(ctx, session); err != nil {
		return err
	}
	if err := s.begin(ctx, session); err != nil {
		s.cannotSpool(fmt.Errorf("from where on mails are new cannot be said: %w", err))
		return ctx.Err()
	}
	uids, err := s.list(ctx, session)
	if err != nil {
		return err
	}
	objects := make([]string, len(uids))
	for i, uid := range uids {
		objects[i] = object(session.validity, uid)
	}
	missing, err := s.books.Missing(ctx, objects)
	if err != nil {
		s.cannotSpool(fmt.Errorf("which mails are new cannot be said: %w", err))
		return ctx.Err()
	}
	due, held := s.due(missing, time.Now())
	failed, err := s.bring(ctx, session, due)
	if err != nil || failed {
		return err
	}
	s.note(func(state *State) {
		state.Complete, state.Inbox, state.Held = time.Now(), len(uids), held
		if state.Problem != nil && state.Problem.Stage == Spooling {
			state.Problem = nil
		}
	})
	return nil
}

// list are the mails of the inbox of which something may be to become.
func (s *Source) list(ctx context.Context, session *session) ([]imap.UID, error) {
	if s.mailbox.leaves() {
		return session.unmarked(ctx, s.mailbox.LeaveSince, session.from)
	}
	return session.list(ctx)
}

// bring fetches and spools. Between two mails it does what it was asked to.
func (s *Source) bring(ctx context.Context, session *session, objects []string) (failed bool, err error) {
	refused := 0
	for _, object := range objects {
		if err := s.serve(ctx, session); err != nil {
			return false, err
		}
		validity, uid, err := place(object)
		if err != nil || validity != session.validity {
			return false, problem(Spooling, err, "the books miss a mail that nobody has asked for: %q", printable(object))
		}
		s.troubles[object] = s.troubles[object].more(time.Now()) // before the work: it may end the connection
		mail, there, err := session.fetch(ctx, uid, s.mailbox.Most)
		switch {
		case err != nil:
			return false, err
		case !there:
			continue // somebody has taken it away
		}
		if err := s.books.Spool(ctx, mail); err != nil {
			s.cannotSpool(fmt.Errorf("a mail cannot be kept: %w", err))
			if failed, refused = true, refused+1; refused >= spoolFails || ctx.Err() != nil {
				return true, ctx.Err()
			}
			continue
		}
		delete(s.troubles, object)
	}
	return failed, nil
}

func (s *Source) cannotSpool(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	p := problem(Spooling, err, "%v; nothing is lost: the mails stay in the inbox", err)
	said := s.State().Problem
	s.note(func(state *State) { state.Problem = p })
	if said == nil || said.text != p.text {
		s.log.Error("mails cannot be kept", "user", s.mailbox.User, "problem", p.text)
	}
}
