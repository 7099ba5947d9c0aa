package ates

import "context"

// Send hands in a mail that is not for the service, by the same server: one that tests whether mails to an address come. It waits
// for nothing but its turn, and a password that the server has refused is not sent for it either. Its error is in words for people.
func (s *Sender) Send(ctx context.Context, from, to string, raw []byte) error {
	return s.send(ctx, from, to, raw, false)
}

// SendAgain is Send, but for that the password or a new token is sent once though the server has refused it: people say so.
func (s *Sender) SendAgain(ctx context.Context, from, to string, raw []byte) error {
	return s.send(ctx, from, to, raw, true)
}

func (s *Sender) send(ctx context.Context, from, to string, raw []byte, again bool) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return notNow(ctx.Err(), "other mails come first")
	}
	s.allow(again)
	return s.submit(ctx, letter{from: from, to: to, raw: raw, again: again})
}

// allow has whoever gives the token ask for another, where people say that what was refused is right: it may have been refused
// something itself.
func (s *Sender) allow(again bool) {
	if again && s.s.Server.Forget != nil {
		s.s.Server.Forget()
	}
}
