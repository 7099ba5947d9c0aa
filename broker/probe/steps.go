package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/psagate/psagate/broker/imap"
)

// imap tries the mailbox out, from its name on. Each step needs those before it.
func (r *run) imap(ctx context.Context) {
	trial, err := imap.Try(*r.Mailbox)
	if err != nil {
		r.say(Step{Name: "config", Result: Failed, Words: err.Error()})
		return
	}
	r.trial = trial
	needed := []struct {
		name string
		take func() (found, error)
	}{
		{"name", func() (found, error) { return r.resolve(ctx) }},
		{"connection", func() (found, error) { return r.dial(ctx) }},
		{"tls", func() (found, error) { return r.secure(ctx) }},
		{"sign-in", func() (found, error) { return r.signIn(ctx) }},
		{"inbox", func() (found, error) { return r.inbox(ctx) }},
	}
	for i, step := range needed {
		if !r.step(step.name, step.take) {
			for _, left := range needed[i+1:] {
				r.skip("not tried, since “"+step.name+"” failed", left.name)
			}
			r.skip("not tried, since “"+step.name+"” failed", r.further()...)
			r.skipAliases("not tried, since “" + step.name + "” failed")
			return
		}
	}
	if r.leaves() {
		r.step("abilities", r.abilities)
		r.tag(ctx)
		r.aliases(ctx)
		return
	}
	there := r.step("folder Processed", func() (found, error) { return r.folder(ctx, imap.Processed) })
	there = r.step("folder DeadLetter", func() (found, error) { return r.folder(ctx, imap.DeadLetter) }) && there
	r.step("abilities", r.abilities)
	r.move(ctx, there)
	r.aliases(ctx)
}

// leaves tells whether mails that are done with stay in the inbox.
func (r *run) leaves() bool { return !r.Mailbox.LeaveSince.IsZero() }

// further are the names of the steps that come once the inbox is open.
func (r *run) further() []string {
	if r.leaves() {
		return []string{"abilities", "mark"}
	}
	return []string{"folder Processed", "folder DeadLetter", "abilities", "move"}
}

func (r *run) resolve(ctx context.Context) (found, error) {
	addresses, err := r.trial.Resolve(ctx)
	if err != nil {
		return found{}, err
	}
	host, _, _ := net.SplitHostPort(r.Mailbox.Server)
	if len(addresses) > 0 && addresses[0] == host {
		return ok("%s is an address itself", host)
	}
	return ok("%s is at %s", host, strings.Join(addresses[:min(len(addresses), 3)], ", "))
}

func (r *run) dial(ctx context.Context) (found, error) {
	address, err := r.trial.Dial(ctx)
	if err != nil {
		return found{}, err
	}
	return ok("%s answers", address)
}

// certificateSoon is how long before its end a certificate is warned of.
const certificateSoon = 14 * 24 * time.Hour

func (r *run) secure(ctx context.Context) (found, error) {
	s, err := r.trial.Secure(ctx)
	if err != nil {
		return found{}, err
	}
	left := time.Until(s.Expires)
	switch {
	case s.Version == "":
		return ok("without TLS, as the config says: the server is on this machine")
	case left < certificateSoon:
		return warn("Renew the certificate on the server, or mails stop coming then.", "%s; the server's certificate ends soon, at %s", s.Version, s.Expires.UTC().Format(time.RFC3339))
	}
	return ok("%s; the certificate is trusted, and good until %s", s.Version, s.Expires.UTC().Format(time.DateOnly))
}

func (r *run) signIn(ctx context.Context) (found, error) {
	mechanism, err := r.trial.SignIn(ctx, r.Again)
	if err != nil {
		return found{}, err
	}
	what := "password"
	if r.Mailbox.Token != nil {
		what = "access token"
	}
	return ok("the server takes the %s of %s (%s)", what, r.Mailbox.User, mechanism)
}

func (r *run) inbox(ctx context.Context) (found, error) {
	in, err := r.trial.Open(ctx)
	if err != nil {
		return found{}, err
	}
	mails := fmt.Sprintf("the inbox opens; mails in it: %d", in.Mails)
	if r.leaves() { // it would not have opened without
		return ok("%s, and it keeps marks of our own", mails)
	}
	if !in.Deletes && !r.trial.Abilities().Move {
		return warn("Give the user the right to delete mails in the inbox.", "%s, but the user may not mark them as deleted, and the server has no MOVE: none could be moved away", mails)
	}
	if !in.Seen {
		return warn("Give the user the right to change mails in the inbox.", "%s, but it keeps no flags: it may be for reading alone", mails)
	}
	return ok("%s, and it keeps flags", mails)
}

func (r *run) folder(ctx context.Context, which imap.Folder) (found, error) {
	name, made, err := r.trial.Folder(ctx, which)
	if err != nil {
		return found{}, err
	}
	if which == imap.Processed {
		r.processed = name
	}
	if made {
		return ok("%s was not there, and was made", name)
	}
	return ok("%s is there", name)
}

func (r *run) abilities() (found, error) {
	a := r.trial.Abilities()
	var has, without []string
	note := func(is bool, name, lack string) {
		if is {
			has = append(has, name)
			return
		}
		without = append(without, "no "+name+": "+lack)
	}
	note(a.Idle, "IDLE", "new mails are seen at the next look (poll), not at once")
	if !r.leaves() {
		note(a.Move, "MOVE", "mails are copied, marked as deleted and expunged instead")
		note(a.UIDPlus, "UIDPLUS", "copied mails stay in the inbox, marked as deleted, until a mail program expunges them")
	}
	if a.Move {
		without = drop(without, "no UIDPLUS") // it is not needed then
	}
	if len(without) > 0 {
		return warn("Nothing needs to be done: it works without, only less well.", "%s", strings.Join(without, "; "))
	}
	return ok("the server has %s", strings.Join(has, ", "))
}

func drop(all []string, prefix string) (left []string) {
	for _, s := range all {
		if !strings.HasPrefix(s, prefix) {
			left = append(left, s)
		}
	}
	return left
}
