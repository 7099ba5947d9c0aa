package ates

import (
	"context"

	"github.com/psagate/psagate/broker/drive"
)

// Try finds out whether mails can be handed in: it connects, signs in, and asks whether the server takes the sender and the
// service's address, but sends nothing. A password that was refused is not presented again, here as elsewhere. What is wrong, and what
// to do, is in the error.
func (s *Sender) Try(ctx context.Context) error { return s.try(ctx, false) }

// TryAgain is Try, but for that the password or a new token is presented once though the server has refused it: people say so.
func (s *Sender) TryAgain(ctx context.Context) error { return s.try(ctx, true) }

func (s *Sender) try(ctx context.Context, again bool) error {
	done, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	s.allow(again)
	key, err := s.key(ctx)
	if err != nil {
		return err
	}
	c, hidden, end, err := s.open(ctx, key, again)
	if err != nil {
		return err
	}
	defer end()
	l := letter{from: s.sender(drive.Ticket{Reference: "a try"}), to: s.s.To.String()}
	if err := envelope(c, l); err != nil {
		return s.answered(err, l, hidden)
	}
	c.CommandTimeout = quitTime
	_ = c.Quit()
	return nil
}
