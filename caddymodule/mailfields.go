package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/broker/route"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/tickets"
)

// picklister asks the PSA for its picklists: a tickets.Tickets.
type picklister interface {
	AskPicklists(ctx context.Context) (route.Picklists, error)
}

// fieldsWithin is how long the PSA may take to tell its picklists: the queue has its own, shorter limit.
const fieldsWithin = time.Minute

// fallbackWithin is how long the fallback's server may take; those that work need less than a second for each of their answers.
const fallbackWithin = 20 * time.Second

// stepFields holds what the config says of tickets against the PSA's picklists: with a queue that the PSA does not have, tickets come
// into none, and nobody sees them. It goes all the way to the PSA, as a ticket does: what it had told before is not enough. There is no
// step for a mailbox whose PSA has no picklists.
func stepFields(ctx context.Context, config *Mailbox, box *mail.Mailbox) (s probe.Step, there bool) {
	psa, there := box.PSA.Directory.(picklister)
	if !there {
		return s, false
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, fieldsWithin)
	defer cancel()
	lists, err := psa.AskPicklists(ctx)
	s = probe.Step{Name: "fields", Result: probe.OK, Words: "the PSA has every queue, source and priority, and all else that the config names for tickets"}
	if errors.Is(err, tickets.ErrDenied) {
		s.Result, s.Words = probe.Warn, "the mailbox may not ask whether the PSA has what the config names for tickets: "+whyNotNow(err)
		s.Do = "Permit it to read Tickets, which their picklists are part of, or name everything by its id."
	} else if err != nil {
		s.Result, s.Words = probe.Failed, "the PSA cannot be asked whether it has what the config names for tickets: "+whyNotNow(err)
		s.Do = "psagate check says how its login stands, and what to do. Mails are kept, and become tickets once the PSA can be used."
	} else if unknown, known := unknownFields(config, lists); len(unknown) > 0 {
		s.Result, s.Words = probe.Failed, strings.Join(unknown, "; ")
		s.Do = "Tickets are made without them. Name them as the PSA does: " + known + "."
	}
	s.Took = time.Since(begun).Round(time.Millisecond)
	return s, true
}

// whyNotNow is why the PSA cannot be asked, without what it was asked for.
func whyNotNow(err error) string {
	text := err.Error()
	if _, why, is := strings.Cut(text, drive.ErrNotNow.Error()+": "); is {
		return why
	}
	return text
}

// tryingOut is a way to the PSA's mail service that can be tried: an ates.Sender.
type tryingOut interface {
	Try(ctx context.Context) error
	TryAgain(ctx context.Context) error
}

// stepFallback goes the way to the PSA's mail service as far as it goes without a mail: the hour when it is needed is none to find out
// that its key is not in the store. There is no step for a mailbox without a fallback.
func stepFallback(ctx context.Context, box *mail.Mailbox, again bool) (s probe.Step, there bool) {
	by, there := box.Fallback.(tryingOut)
	if !there {
		return s, false
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, fallbackWithin)
	defer cancel()
	s = probe.Step{Name: "fallback", Result: probe.OK, Words: "its key is there, and its server takes mails for the PSA's mail service; none was sent"}
	try := by.Try
	if again {
		try = by.TryAgain
	}
	if err := try(ctx); err != nil {
		s.Result, s.Words = probe.Failed, "no mail could be handed to the PSA's mail service: "+err.Error()
	}
	s.Took = time.Since(begun).Round(time.Millisecond)
	return s, true
}

// unknownFields are what a mailbox's block names that is not in picklists, and what is there of the same kinds.
func unknownFields(m *Mailbox, lists route.Picklists) (unknown []string, known string) {
	lacking := map[string]bool{}
	usual := m.Default.route()
	_, everywhere := lists.Resolve(usual)
	for _, said := range m.fields() {
		_, troubles := lists.Resolve(said.of.route().Over(usual)) // a sub-issue type may be one of the default's issue type
		for _, text := range troubles {
			if said.of != m.Default && slices.Contains(everywhere, text) {
				continue
			}
			unknown = append(unknown, said.where+": "+text)
			name, _, _ := strings.Cut(text, " ")
			lacking[name] = true
		}
	}
	var there []string
	for name := range lacking {
		var labels []string
		for _, c := range lists[name] {
			if !c.Inactive && !slices.Contains(labels, c.Label) {
				labels = append(labels, c.Label)
			}
		}
		if len(labels) > 0 {
			there = append(there, fmt.Sprintf("%s %s", name, strings.Join(labels, ", ")))
		}
	}
	slices.Sort(there)
	return unknown, strings.Join(there, "; ")
}

// saidFields are what is said of tickets at a place of a mailbox's block.
type saidFields struct {
	where string
	of    *MailFields
}

// fields are all that a mailbox's block says of tickets.
func (m *Mailbox) fields() (all []saidFields) {
	for _, a := range m.Aliases {
		all = append(all, saidFields{"alias " + a.Address, a.Fields})
	}
	all = append(all, saidFields{"default", m.Default})
	for _, r := range m.Rules {
		all = append(all, saidFields{"rule " + r.Name, r.Fields})
	}
	return all
}
