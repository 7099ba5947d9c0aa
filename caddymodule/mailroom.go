package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/thread"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/tickets"
)

// mailroom runs the mailboxes of the config that is in force. It lives as long as the process, as what its mails are kept in does.
type mailroom struct {
	*mail.Engine

	mu    sync.Mutex
	owner *App // whose mailboxes it runs, or will once the store is open
	// allowances are what the attachments of a login may be in all, by its name: the PSA counts them over reloads, too.
	allowances map[string]*tickets.Allowance
	// makers make the tickets of the mailboxes that are run, by their names.
	makers map[string]maker
}

// maker makes tickets, through a login or pool.
type maker struct {
	*tickets.Tickets
	login string
}

// maker is what makes a mailbox's tickets, if it is run.
func (r *mailroom) maker(mailbox string) (*tickets.Tickets, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.makers[mailbox]
	return m.Tickets, ok
}

// mails is this process's.
var mails = sync.OnceValue(func() *mailroom {
	return &mailroom{Engine: mail.New(ground().store.Mail(), slog.New(currentLog{}), mailWatch{}), allowances: map[string]*tickets.Allowance{}}
})

// apiMayBeBack has all mailboxes that hold the PSA's API for away ask it.
func (r *mailroom) apiMayBeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.makers {
		m.AskNow()
	}
}

// through runs an app's mailboxes instead of those of the one before. Where the store is not open yet, it waits for that: without it
// no mail can be taken, and no key is known to sign with.
func (r *mailroom) through(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owner = a
	select {
	case <-ground().opened:
		r.use(a)
		return
	default:
	}
	if len(a.Mail) == 0 {
		return
	}
	go func() {
		<-ground().opened
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.owner == a {
			r.use(a)
		}
	}()
}

// use runs them. Called with the mutex held.
func (r *mailroom) use(a *App) {
	built := a.mail
	if built == nil {
		return
	}
	a.mail = nil // the engine's now
	keys, unkeyed := mailKeys()
	config := mail.Config{Doors: built.doors}
	makers := map[string]maker{}
	for _, b := range built.boxes {
		b.imap.use()
		b.rest.use()
		made, err := r.fill(a, b, keys)
		if err := cmp.Or(unkeyed, err); err != nil { // nothing that has been checked comes to this
			slog.New(currentLog{}).Error("a mailbox cannot be run", "mailbox", b.Route.Name, "error", err)
			mail.Config{Mailboxes: []*mail.Mailbox{&b.Mailbox}}.Close()
			continue
		}
		config.Mailboxes = append(config.Mailboxes, &b.Mailbox)
		makers[b.Route.Name] = made
	}
	r.makers = makers
	r.Use(config)
}

// fill adds what is known only now that the config is in force.
func (r *mailroom) fill(a *App, b *builtBox, keys thread.Keys) (maker, error) {
	name, login := b.Route.Name, b.Route.Tenant
	b.Route.Keys, b.Route.Lockouts.UsersNow = keys, a.engine.UserNames
	inside, err := a.engine.Inside(name)
	if err != nil {
		return maker{}, err
	}
	if r.allowances[login] == nil {
		r.allowances[login] = new(tickets.Allowance)
	}
	t := tickets.New(tickets.Options{
		Caller: inside, Allowance: r.allowances[login], Names: b.fallback != nil, Companies: a.Mail[name].companies(), Back: r.Hasten, Log: slog.New(currentLog{}).With("mailbox", name),
	})
	if before, ran := r.makers[name]; ran && before.login == login { // an outage goes on, however often the config is loaded
		t.TakeOver(before.Tickets)
	}
	if b.fallback != nil {
		if b.Fallback, err = b.fallback(keys, t.CompanyName); err != nil {
			return maker{}, fmt.Errorf("mailbox %s: %w", name, err)
		}
	}
	b.PSA = mail.PSA{Ticketer: t, Directory: t, Participates: t.Participates, Down: t.Down, Run: t.Run, MayMake: tickets.MayMake(inside), Lockout: tickets.Lockout(a.engine, name)}
	return maker{t, login}, nil
}

// leave ends the use of an app's mailboxes, where no other config has come into force.
func (r *mailroom) leave(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owner == a {
		r.owner, r.makers = nil, nil
		r.Use(mail.Config{})
	}
}

// mailKeys are derived from the installation's, which replicas share.
func mailKeys() (thread.Keys, error) {
	var all [][]byte
	for _, mac := range ground().installationKey().MACs("mail tokens") {
		all = append(all, []byte(mac.Sum))
	}
	if len(all) == 0 {
		return thread.Keys{}, errors.New("the installation key is not known")
	}
	return thread.NewKeys(all[0], all[1:]...)
}

// checkRemoved refuses a config that leaves a mailbox out which is not done with: its mails would lie in the store, and nobody would
// see them or be told.
func (a *App) checkRemoved() error {
	before := inForce.Load()
	if before == nil {
		return nil
	}
	var problems, blocks []string
	for _, name := range slices.Sorted(maps.Keys(before.Mail)) {
		if _, stays := a.Mail[name]; !stays {
			if problem := leftOf(name, before.Mail[name]); problem != "" {
				problems, blocks = append(problems, problem), append(blocks, "`mail "+name+"`")
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%s. Leave %s in the config without the lines imap, smtp and alias, so that what is there is done with (`psagate mail list` shows it, `psagate mail drop` ends what nothing is to become of), and take it out then", strings.Join(problems, "; "), strings.Join(blocks, ", "))
}

// leftOf says what is left of a mailbox that is to be taken out; empty where nothing is.
func leftOf(name string, m *Mailbox) string {
	var left []string
	if len(m.Aliases) > 0 {
		aliases := make([]string, 0, len(m.Aliases))
		for _, alias := range m.Aliases {
			aliases = append(aliases, alias.Address)
		}
		left = append(left, fmt.Sprintf("%s, mails to which nobody would take any more (%s)", number(len(aliases), "alias", "aliases"), strings.Join(aliases, ", ")))
	}
	ctx, cancel := context.WithTimeout(context.Background(), reopenEvery)
	defer cancel()
	all, err := ground().store.Mail().Counts(ctx)
	switch counts := all[name]; {
	case err != nil:
		left = append(left, fmt.Sprintf("mails of which nobody knows how many are not done with, since the store cannot be read (%v)", err))
	case counts.Pending()+counts.Aside() > 0:
		left = append(left, fmt.Sprintf("%s not done with (%s)", number(counts.Pending()+counts.Aside(), "mail that is", "mails that are"), unfinished(counts)))
	}
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("mailbox %s cannot be taken out of the config: it has %s", name, strings.Join(left, ", and "))
}

// number is how many there are.
func number(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

// unfinished lists the states of mails that are not done with.
func unfinished(c ledger.Counts) string {
	var list []string
	for _, state := range ledger.States {
		if n := c.States[state]; n > 0 && (!state.Ended() || state == ledger.Suspended || state == ledger.Dead) {
			list = append(list, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(list, ", ")
}

// mailed tells whether a config of this process had mailboxes: only then is there something to end.
var mailed atomic.Bool

// commitMail runs the mailboxes: the config is in force.
func (a *App) commitMail() {
	if len(a.Mail) > 0 || mailed.Load() {
		mailed.Store(true)
		mails().through(a)
	}
}

// leaveMail gives back what was built, and ends the mailboxes where they are run.
func (a *App) leaveMail() {
	a.mail.drop()
	a.mail = nil
	if mailed.Load() {
		mails().leave(a)
	}
}

// stopMail begins to end the work on mails, as the process does: nothing more is begun.
func stopMail() {
	if mailed.Load() {
		mails().Stop()
	}
}

// finishMail waits until what was begun has ended; for as long as calls in flight have.
func finishMail() {
	if !mailed.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), call.Grace)
	defer cancel()
	if err := mails().Wait(ctx); err != nil {
		slog.New(currentLog{}).Warn("the process ends while something is done with a mail: what became of it is found out at the next start")
	}
}
