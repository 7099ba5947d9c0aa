package caddymodule

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/report"
)

// booksFresh is for how long what the books said is said again: they are asked for numbers of all mails, by whoever looks.
const booksFresh = 2 * time.Second

// mailLook is the last look at the mailboxes.
var mailLook struct {
	sync.Mutex
	at     time.Time
	states []mail.State
	// strays are mails of mailboxes that the config has not.
	strays []string
}

// lookAtMail is how the mailboxes stand, and what is wrong with mails that belong to none.
func lookAtMail() ([]mail.State, []string) {
	if !mailed.Load() {
		return nil, nil
	}
	mailLook.Lock()
	defer mailLook.Unlock()
	if time.Since(mailLook.at) < booksFresh {
		return mailLook.states, mailLook.strays
	}
	ctx, cancel := context.WithTimeout(context.Background(), reopenEvery)
	defer cancel()
	mailLook.states, mailLook.strays = mails().States(ctx), strayMails(ctx)
	mailLook.at = time.Now()
	return mailLook.states, mailLook.strays
}

// strayMails says which mails nobody works on, since no mailbox of the config has their name.
func strayMails(ctx context.Context) (all []string) {
	counts, err := ground().store.Mail().Counts(ctx)
	if err != nil {
		return nil // the mailboxes say so
	}
	names := mails().Names()
	for name, of := range counts {
		if n := of.Pending() + of.Aside(); n > 0 && !slices.Contains(names, name) {
			all = append(all, fmt.Sprintf("the store has %s of mailbox %s, which is not in the config: nobody works on that. Put it back, without imap and smtp if need be", number(n, "mail", "mails"), name))
		}
	}
	slices.Sort(all)
	return all
}

// mailTroubles are those of a mailbox that is run.
var mailTroubles = func(mailbox string) (all []report.MailTrouble) {
	if !mailed.Load() {
		return nil
	}
	t, runs := mails().maker(mailbox)
	if !runs {
		return nil
	}
	for _, of := range t.Troubles() {
		all = append(all, report.MailTrouble{Since: of.Since, Last: of.Last, Times: of.Times, Text: of.Text})
	}
	return all
}

// mailDown is that the PSA's API cannot be used for a mailbox that is run, since when, and why; nothing while it can. Who looks at mails
// that wait is told here, and not only by status.
func mailDown(mailbox string) []report.MailTrouble {
	if !mailed.Load() {
		return nil
	}
	t, runs := mails().maker(mailbox)
	if !runs || t.Down().IsZero() {
		return nil
	}
	return []report.MailTrouble{{Since: t.Down(), Last: t.Down(), Times: 1, Text: fmt.Sprintf("the PSA's API cannot be used (%s), so that mails wait. psagate status says more; nothing is lost", t.WhyDown())}}
}

// whyDown is why the PSA's API cannot be used for a mailbox that is run.
func whyDown(mailbox string) string {
	if t, runs := mails().maker(mailbox); runs {
		return t.WhyDown()
	}
	return ""
}

// mailboxStatuses is how the mailboxes stand, for reports.
func mailboxStatuses(states []mail.State) []report.MailboxStatus {
	all := make([]report.MailboxStatus, 0, len(states))
	for _, s := range states {
		m := report.MailboxStatus{
			Name: s.Name, Aliases: s.Aliases, Server: s.Server, User: s.User, SMTP: s.Door,
			ConnectedSince: moment(s.Source.Connected), CompleteAt: moment(s.Source.Complete), Inbox: s.Source.Inbox, Held: s.Source.Held,
			Problem: s.Problem(), DownSince: moment(s.Down), BooksProblem: s.BooksProblem,
		}
		if m.Troubles = mailTroubles(s.Name); m.DownSince != nil {
			m.DownWhy = whyDown(s.Name)
		}
		if s.BooksProblem == "" {
			m.Seen, m.Pending, m.OldestPending = s.Balance.Seen, s.Balance.Pending, moment(s.Counts.Oldest)
			m.Suspended, m.Dead, m.Fallback, m.Gap = s.Balance.Suspended, s.Balance.Dead, s.Fallback(), s.Balance.Gap()
		}
		m.Judge()
		all = append(all, m)
	}
	return all
}

var (
	mailMessages = prometheus.NewDesc("psagate_mail_messages", "Mails of the mailbox by the state that they are in: spooled, ready, in-flight, in-doubt, ates-inflight, ates-in-doubt, ates-sent, done, suspended, dead, suppressed.", []string{"mailbox", "state"}, nil)
	mailOldest   = prometheus.NewDesc("psagate_mail_oldest_seconds", "How long ago the oldest mail arrived that has not become what it is to become; 0 where there is none.", []string{"mailbox"}, nil)
	mailFailing  = prometheus.NewDesc("psagate_mail_failing", "1 while no mails come out of the mailbox, or none in by SMTP, 0 while they do.", []string{"mailbox"}, nil)
	mailGap      = prometheus.NewDesc("psagate_mail_gap", "How many mails came and are not in the books: anything but 0 is a mail that is lost.", []string{"mailbox"}, nil)
)

// gaugeMail tells how a mailbox stands. While its books cannot be read, nothing is said of its mails.
func gaugeMail(s mail.State, now time.Time, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	failing := 0.
	if s.Problem() != "" {
		failing = 1
	}
	gauge(mailFailing, failing, s.Name)
	if s.BooksProblem != "" {
		return
	}
	for _, state := range ledger.States {
		gauge(mailMessages, float64(s.Counts.States[state]), s.Name, string(state))
	}
	oldest := 0.
	if !s.Counts.Oldest.IsZero() {
		oldest = max(0, now.Sub(s.Counts.Oldest).Seconds())
	}
	gauge(mailOldest, oldest, s.Name)
	gauge(mailGap, float64(s.Balance.Gap()), s.Name)
}
