package ates

import (
	"context"
	"errors"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/thread"
)

// Service is the PSA's mail service, and the server by which mails get there.
type Service struct {
	// To is the service's address. From is ours: mails are from it, and the service's notices come back to it, or to a
	// sub-address of it. It should be that of a mailbox of this broker.
	To, From message.Address
	// Keys sign the tags by which notices are known (thread.Keys.HandedTag).
	Keys thread.Keys
	// PlainSender says that the server takes no sub-address (local+tag) for the envelope's sender. Then a notice is known only
	// if it names the mail that it is about. A server that refuses it so is sent plain ones from then on without this.
	PlainSender bool
	// Key gives the token's key, which the PSA calls PW.
	Key Secret
	// Company is the exact name of a company, if it is known; it should answer from memory, since the API cannot be asked when the
	// service is used. Without a name the service finds the company by the address of whoever wrote.
	Company func(ctx context.Context, id int64) (name string, known bool)
	// Server is where mails are handed in.
	Server Server
	// Pace is how fast.
	Pace Pace
	// Memory is shared with other Senders; where it is nil the Sender has its own.
	Memory *Memory
}

// Check says what is wrong with the service. It opens and asks nothing.
func (s Service) Check() error {
	_, err := s.whole()
	return err
}

func (s Service) whole() (Service, error) {
	switch {
	case !ascii(s.To) || !ascii(s.From):
		return s, errors.New("the mail service needs its own address, and the one that its mails are from, both without umlauts and the like")
	case s.Key == nil:
		return s, errors.New("the mail service needs its key")
	}
	var err error
	if s.Server, err = s.Server.whole(); err != nil {
		return s, err
	}
	if s.Pace, err = s.Pace.whole(); err != nil {
		return s, err
	}
	if s.Memory == nil {
		s.Memory = new(Memory)
	}
	return s, nil
}

func ascii(a message.Address) bool {
	for _, r := range a.String() {
		if r <= ' ' || r > '~' || r == '<' || r == '>' {
			return false
		}
	}
	return a.Local != "" && a.Domain != ""
}
