package probe

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/message"
)

func (r *run) skipAliases(why string) {
	for _, alias := range r.Aliases {
		r.skip(why, "alias "+alias)
	}
}

// aliases sends a mail to each address, and waits for it.
func (r *run) aliases(ctx context.Context) {
	switch {
	case r.Send == nil:
		r.skipAliases("not tried: " + cmp.Or(r.Unsent, "no mail was sent, so it is not known whether mails to this address come to the mailbox"))
		return
	case !r.marks():
		r.skipAliases("not tried: there is no key to mark mails with, so that none becomes a ticket")
		return
	}
	for _, alias := range r.Aliases {
		r.step("alias "+alias, func() (found, error) { return r.roundTrip(ctx, alias) })
	}
}

// roundTrip sends a mail to an address and waits for it. Where it does not come, the folder for spam is looked into as well.
func (r *run) roundTrip(ctx context.Context, alias string) (found, error) {
	junk, err := r.trial.Junk(ctx)
	if err != nil {
		return found{}, err
	}
	m, err := r.mark(ctx, inbox, r.processed, junk)
	if err != nil {
		return found{}, err
	}
	l, begun := r.letter(r.from(), alias), time.Now()
	if err := r.Send(ctx, r.from(), alias, l.raw); err != nil {
		return found{}, fmt.Errorf("a mail to %s could not be sent: %w", alias, err)
	}
	for time.Since(begun) < r.Wait {
		place, err := r.seek(ctx, l, m, inbox, r.processed, junk)
		switch {
		case err != nil:
			return found{}, err
		case place == nil:
			if !r.rest(ctx) {
				return found{}, ctx.Err()
			}
			continue
		case place.Folder == junk:
			f, err := r.removed(ctx, l, m, *place, fmt.Sprintf("a mail to %s came, but into %s, where what is taken for spam goes", alias, junk))
			f.result, f.do = Warn, "Mails there are not read. Have the server take fewer for spam, or move them to the inbox by a rule; a probe is a plain mail, and may be taken for spam where a customer's is not."
			return f, err
		}
		f, err := r.removed(ctx, l, m, *place, came(alias, place.Header, time.Since(begun)))
		return unnamed(f, alias, place.Header), err
	}
	return found{}, fmt.Errorf("a mail to %s was sent, and did not come to the inbox of %s within %s: does mail to this address go to that mailbox, directly or as an alias? If it comes later, it is known as a test and makes no ticket", alias, r.Mailbox.User, r.Wait)
}

// came says how a mail came.
func came(alias string, header []byte, took time.Duration) string {
	words := fmt.Sprintf("a mail came within %s", took.Round(time.Second/10))
	switch at := deliveredTo(header); at {
	case "":
		return words + "; whether this is the mailbox's own address or an alias of it, the server does not say"
	case strings.ToLower(alias):
		return words + "; this is the mailbox's own address"
	default:
		return words + "; this is an alias: the mail was delivered to " + at
	}
}

// unnamed warns of an address that is not in the mail as it came: nobody would know by which alias it did.
func unnamed(f found, alias string, header []byte) found {
	if f.result == "" && deliveredTo(header) != strings.ToLower(alias) && !hasRecipient(header, alias) {
		f.result, f.words = Warn, f.words+"; the address itself is not in the mail any more"
		f.do = "Have the mail server keep To, or write X-Original-To: a mail that names none of the aliases is treated as the mailbox's default says."
	}
	return f
}

// deliveredTo is the address that the last server delivered a mail to, in lower case; empty where no server has written that down.
// (Delivered-To is that of Postfix, Gmail and others, in no RFC but RFC 9228; the topmost is the last one.)
func deliveredTo(header []byte) string {
	fields, _ := message.ReadHeader(header)
	return strings.ToLower(strings.Trim(strings.TrimSpace(fields.Get("Delivered-To")), "<>"))
}

// hasRecipient tells whether an address is among those that a mail is to.
func hasRecipient(header []byte, alias string) bool {
	fields, _ := message.ReadHeader(header)
	for _, name := range []string{"To", "Cc", "X-Original-To", "Envelope-To"} {
		if strings.Contains(strings.ToLower(fields.Get(name)), strings.ToLower(alias)) {
			return true
		}
	}
	return false
}
