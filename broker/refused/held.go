package refused

import "fmt"

// Held is why a secret was not sent, in words for people. It is looked at again at any time, which costs nothing.
type Held struct {
	// Refused says that the server does not take the secret, or did not take those before it: somebody has to do something. Else it is
	// not known whether the server does.
	Refused bool
	open    bool // an answer may still come
	text    string
	err     error
}

// Error is the words. No secret is in them.
func (h *Held) Error() string { return h.text }

// Unwrap is what it comes from; nil where nothing went wrong.
func (h *Held) Unwrap() error { return h.err }

func (p Place) wasRefused(said string) *Held {
	if said != "" {
		said = ": " + said
	}
	return &Held{Refused: true, text: fmt.Sprintf("%s has refused the %s of %s, which is not sent again until it changes%s", p.Server, p.What, p.User, said)}
}

func (p Place) wereRefused(n int) *Held {
	return &Held{Refused: true, text: fmt.Sprintf("%s has refused %d %ss of %s, one after the other; the next is sent %s after the last", p.Server, n, p.What, p.User, tokenPause)}
}

func (p Place) unanswered(s *Sending) *Held {
	text := fmt.Sprintf("the %s of %s was sent to %s, and no answer came", p.What, p.User, p.Server)
	if !s.Over {
		text = fmt.Sprintf("the %s of %s was sent to %s, and nobody has noted the answer: psagate was ended just then, or another psagate waits for it", p.What, p.User, p.Server)
	}
	return &Held{open: !s.Over, text: fmt.Sprintf("%s. It may have been refused, so it is sent again %s after that", text, s.pause())}
}

func (p Place) unknown(err error) *Held {
	return &Held{err: err, text: fmt.Sprintf("whether %s has refused the %s of %s before cannot be looked up, so it is not sent for now: %v", p.Server, p.What, p.User, err)}
}
