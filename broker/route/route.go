package route

import (
	"context"
	"fmt"
	"strconv"

	"github.com/psagate/psagate/broker/message"
	"github.com/psagate/psagate/broker/rule"
)

// Route says what becomes of a mail. Its error is that of a Directory or of Threads; ErrPending is among those.
func (b Mailbox) Route(ctx context.Context, m *message.Message, dir Directory, threads Threads) (*Draft, error) {
	d := &Draft{Message: m}
	if m.Kind == message.Own {
		d.end(Suppressed, "own", "this broker has sent it")
		d.finish(b, b.way(message.Address{}))
		return d, nil
	}
	if d.notice(b) {
		// Notices have the same words for many mails.
		d.finish(b, fmt.Sprintf("notice of mail %d, to %s", d.Notice.Of.Mail, b.Name))
		return d, nil
	}
	alias, came, found := b.alias(m)
	d.applyAlias(b, alias, came, found)
	if alias.LockoutNotice {
		if d.Lockout = b.Lockouts.Read(m); d.Lockout != nil {
			// Nobody is looked up: while the user is locked, the PSA answers no question.
			d.Sender.Address, d.Sender.Kind = m.Author(), UnknownSender
			d.end(Suppressed, "lockout", "it is the PSA's notice that a user of ours is locked")
			d.finish(b, b.way(came))
			return d, nil
		}
		d.say("it came by an alias for lockout notices, but is none about a user of ours: an ordinary mail")
	}
	if err := d.who(ctx, b, dir); err != nil {
		return nil, err
	}
	belongs, err := b.belongs(ctx, m, d.Sender, dir, threads)
	if err != nil {
		return nil, err
	}
	d.say(belongs.why)
	d.Ticket, d.Claimed, d.claims = belongs.ticket, belongs.claimed, belongs.claims
	d.treat(d.rules(b, belongs.found), belongs.found)
	d.finish(b, b.way(came))
	return d, nil
}

func (d *Draft) say(why string) {
	if why != "" {
		d.Why = append(d.Why, why)
	}
}

func (d *Draft) end(outcome Outcome, cause, text string) {
	d.Outcome, d.Cause, d.CauseText = outcome, cause, text
	d.say(text)
}

func (d *Draft) applyAlias(b Mailbox, alias Alias, came message.Address, found bool) {
	d.Alias = came
	if d.Fields = alias.Fields.Over(b.Default); found {
		d.say(fmt.Sprintf("it came by the alias %s", came))
		return
	}
	d.say("none of the addresses that it was sent to is an alias: the default's fields are taken")
}

// who finds the sender.
func (d *Draft) who(ctx context.Context, b Mailbox, dir Directory) error {
	from, why := author(d.Message)
	d.say(why)
	s, why, err := b.identify(ctx, from, dir)
	if err != nil {
		return err
	}
	s.Named = from.Key() != d.Message.Author().Key()
	d.Sender = s
	d.say(why)
	return nil
}

// company is that of the ticket: the sender's, else the fields'.
func (d *Draft) company() int64 {
	if d.Sender.Kind == Contact || d.Sender.Kind == Company {
		return d.Sender.Company
	}
	if id, err := strconv.ParseInt(d.Fields.Company, 10, 64); err == nil {
		return id
	}
	return -1
}

// rules applies the mailbox's own, and returns how the mail is treated.
func (d *Draft) rules(b Mailbox, ticket bool) Treatment {
	treatment := b.Kinds[d.Message.Kind]
	if treatment == "" {
		treatment = Treatments[d.Message.Kind]
	}
	matched, troubles := b.Rules.Match(rule.Mail{
		Message: d.Message, Mailbox: b.Name, Alias: d.Alias.Key(), From: d.Sender.Address, Sender: string(d.Sender.Kind),
		Company: d.company(), Ticket: ticket,
	})
	d.Troubles = append(d.Troubles, troubles...)
	ruled := Fields{}
	for _, place := range matched {
		given := b.Given[place]
		ruled = given.Fields.Over(ruled)
		if given.Treatment != "" {
			treatment = given.Treatment
		}
		d.say(fmt.Sprintf("the rule %q holds", b.Rules.Name(place)))
	}
	if d.Sender.Kind == Contact || d.Sender.Kind == Company { // what alias and default say is for those who are not known
		d.Fields.Company = strconv.FormatInt(d.Sender.Company, 10)
	}
	d.Fields = ruled.Over(d.Fields)
	if ruled.Company != "" && d.Sender.Kind == Contact && ruled.Company != strconv.FormatInt(d.Sender.Company, 10) {
		d.say("a rule gives another company than the sender's, so that no contact is set")
	}
	return treatment
}

// treat decides the outcome of a mail that has not ended yet.
func (d *Draft) treat(treatment Treatment, ticket bool) {
	if d.Message.Kind != message.Human {
		d.say(fmt.Sprintf("it is a mail of the kind %s (%s)", d.Message.Kind, firstOf(d.Message.Signs)))
	}
	switch {
	case treatment == Suspend:
		d.end(Suspended, string(d.Message.Kind), fmt.Sprintf("mails of the kind %s are set aside, or a rule sets it aside", d.Message.Kind))
	case ticket:
		d.Outcome = Note
	case treatment == TakeNote:
		d.end(Suspended, string(d.Message.Kind), fmt.Sprintf("a mail of the kind %s that belongs to no ticket is set aside", d.Message.Kind))
	default:
		d.Outcome = NewTicket
	}
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// Contact is the contact that a new ticket gets: the sender, if the ticket is its company's. 0 is none.
func (d *Draft) Contact() int64 {
	if d.Sender.Kind == Contact && d.Fields.Company == strconv.FormatInt(d.Sender.Company, 10) {
		return d.Sender.Person.ID
	}
	return 0
}

// way is how a mail came: by an alias, which no other mailbox has, or into an inbox. The same mail to two queues makes two tickets. What
// the mailbox is called in the config does not count: a mail that lies in its inbox when that changes is fetched once more.
func (b Mailbox) way(alias message.Address) string {
	switch {
	case alias.Domain != "":
		return alias.Key()
	case b.Inbox != "":
		return "inbox " + b.Inbox
	}
	return b.Name
}

// finish gives the draft its reference and its words.
func (d *Draft) finish(b Mailbox, way string) {
	if d.Message.Fault != nil {
		d.Troubles = append(d.Troubles, "the mail could not be read: "+d.Message.Fault.Detail)
	} else if d.Message.Lost {
		d.Troubles = append(d.Troubles, "a part of the mail could not be read; the mail itself is attached")
	}
	d.Reference = Reference(b.Tenant, way, d.Message.ContentKey)
	d.write()
}
