package imap

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// idleMost is how long a server is left alone: it may forget us, or a router between may.
const idleMost = 5 * time.Minute

// idle waits for something to do: news from the server, the end of the time between two passes, or somebody who asks.
func (s *Source) idle(ctx context.Context, session *session) error {
	most := min(s.mailbox.Poll, idleMost)
	wait := func(ctx context.Context, most time.Duration) (*ask, error) { return s.until(ctx, session, most) }
	if !session.caps.Has(imap.CapIdle) {
		a, err := wait(ctx, most)
		return s.answer(ctx, session, a, err)
	}
	var hint *imapclient.IdleCommand
	if err := session.do(ctx, dialTime, func() (err error) {
		hint, err = session.c.Idle()
		return err
	}); err != nil {
		return broken(Listing, err, "waiting for mails")
	}
	a, err := wait(ctx, most)
	ended := session.do(context.WithoutCancel(ctx), dialTime, func() error {
		if err := hint.Close(); err != nil {
			return err
		}
		return hint.Wait()
	})
	if err == nil && ended != nil {
		err = broken(Listing, ended, "waiting for mails")
	}
	return s.answer(ctx, session, a, err)
}

// until waits.
func (s *Source) until(ctx context.Context, session *session, most time.Duration) (*ask, error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-session.c.Closed():
		return nil, problem(Listing, nil, "the server has ended the connection")
	case <-timer.C:
	case <-session.news:
	case a := <-s.asks:
		return &a, nil
	}
	return nil, nil
}
