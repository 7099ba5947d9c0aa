package imap

import (
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// Folder is where a mail goes that is done with.
type Folder int

// The folders.
const (
	// Processed is for mails of which something has become, or nothing needs to.
	Processed Folder = iota
	// DeadLetter is for those of which nothing can.
	DeadLetter
)

// ask is a mail that is to be moved. Who asks is always told, once.
type ask struct {
	uid      imap.UID
	validity uint32
	folder   Folder
	answer   chan answered
}

type answered struct {
	moved bool
	err   error
}

// Acknowledge moves a mail out of the inbox, by the connection of Run, or marks it there where mails stay in it
// (Mailbox.LeaveSince), whichever folder it would go to. It is false where it is not there any more: somebody
// has moved it, or the mailbox has begun anew. With an error it may be either, and is to be asked for again. It must be
// called only when what became of the mail is durable.
func (s *Source) Acknowledge(ctx context.Context, object string, folder Folder) (moved bool, err error) {
	validity, uid, err := place(object)
	if err != nil {
		return false, err
	}
	a := ask{uid: uid, validity: validity, folder: folder, answer: make(chan answered, 1)}
	select {
	case s.asks <- a:
	case <-ctx.Done():
		return false, fmt.Errorf("moving a mail of %s: %w", s.mailbox.User, ctx.Err())
	}
	select {
	case got := <-a.answer:
		return got.moved, got.err
	case <-ctx.Done():
		return false, fmt.Errorf("moving a mail of %s: %w", s.mailbox.User, ctx.Err())
	}
}

// serve moves what is asked for now.
func (s *Source) serve(ctx context.Context, session *session) error {
	for {
		select {
		case a := <-s.asks:
			if err := s.answer(ctx, session, &a, nil); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// settle moves a mail, or marks it.
func (s *Source) settle(ctx context.Context, session *session, a *ask) (bool, error) {
	switch {
	case s.mailbox.leaves():
		return session.mark(ctx, a.uid)
	case a.folder == DeadLetter:
		return session.move(ctx, a.uid, session.deadLetter)
	}
	return session.move(ctx, a.uid, session.processed)
}

// answer moves one mail, if one is asked for and err, which is the connection's, is nil. What it returns is the
// connection's.
func (s *Source) answer(ctx context.Context, session *session, a *ask, err error) error {
	if a == nil {
		return err
	}
	if err != nil {
		a.answer <- answered{err: err}
		return err
	}
	if a.validity != session.validity {
		a.answer <- answered{}
		return nil
	}
	moved, err := s.settle(ctx, session, a)
	a.answer <- answered{moved, err}
	select {
	case <-session.c.Closed():
		return err
	default:
		return nil // a mail that cannot be moved keeps no other from being read
	}
}
