package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/broker/drive"
	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/maildesk"
	"github.com/psagate/psagate/internal/report"
)

// mailDesk is what people ask about mails, of the config in force.
var mailDesk = func(a *App) *maildesk.Desk {
	return &maildesk.Desk{Books: ground().store.Mail(), Boxes: boxesOf{a}, Trial: trialOf}
}

// trialOf tries how a mailbox that is run would understand mails today.
func trialOf(mailbox string) *drive.Driver {
	if !mailed.Load() {
		return nil
	}
	m, ok := mails().Mailbox(mailbox)
	if !ok {
		return nil
	}
	return &drive.Driver{
		Mailbox: m.Route, Ledger: ground().store.Mail(), Directory: m.PSA.Directory, Participates: m.PSA.Participates, Options: m.Reading,
		Log: slog.New(currentLog{}).With("mailbox", mailbox),
	}
}

// boxesOf are the mailboxes of a config.
type boxesOf struct{ app *App }

// Names implements maildesk.Boxes.
func (b boxesOf) Names() []string { return slices.Sorted(maps.Keys(b.app.Mail)) }

// Wake implements maildesk.Boxes.
func (boxesOf) Wake(name string) {
	if mailed.Load() {
		mails().Wake(name)
	}
}

// The events of the audit log about mails.
const (
	eventMailRead    = "mail_read"
	eventMailRetried = "mail_retried"
	eventMailDropped = "mail_dropped"
)

// serveMail finds the route below mail/.
func serveMail(w http.ResponseWriter, r *http.Request, in *App, path []string) error {
	desk := mailDesk(in)
	switch {
	case len(path) == 0:
		if err := onlyGet(w, r); err != nil {
			return err
		}
		all, err := desk.Overview(r.Context())
		return answered(w, all, err)
	case len(path) == 1:
		return listMails(w, r, desk, path[0])
	case len(path) == 2 && path[1] == "dryrun":
		return dryRunMails(w, r, desk, path[0])
	}
	id, err := strconv.ParseInt(path[1], 10, 64)
	if err != nil || id <= 0 {
		return apiError(http.StatusNotFound, "a mail is named by its number, which %q is not", ledger.Line(path[1], 40))
	}
	switch {
	case len(path) == 2:
		if err := onlyGet(w, r); err != nil {
			return err
		}
		shown, err := desk.Show(r.Context(), path[0], id)
		return answered(w, shown, err)
	case len(path) == 3 && path[2] == "retry":
		return decideMail(w, r, desk, path[0], id, true)
	case len(path) == 3 && path[2] == "drop":
		return decideMail(w, r, desk, path[0], id, false)
	}
	return apiError(http.StatusNotFound, "nothing is at %s", r.URL.Path)
}

// answered writes what was found.
func answered(w http.ResponseWriter, found any, err error) error {
	if err != nil {
		return mailError(err)
	}
	return writeJSON(w, found)
}

// mailError is the answer to what does not work with a mail.
func mailError(err error) error {
	status := http.StatusServiceUnavailable // the store cannot be used
	var unfit report.Unfit
	switch {
	case errors.Is(err, report.ErrUnknownMail), errors.Is(err, report.ErrUnknownMailbox):
		status = http.StatusNotFound
	case errors.As(err, &unfit), errors.Is(err, report.ErrMailMoved):
		status = http.StatusConflict
	}
	return apiError(status, "%w", err)
}

func listMails(w http.ResponseWriter, r *http.Request, desk *maildesk.Desk, mailbox string) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	q, err := mailQuery(r.URL.Query(), sessionClock())
	if err != nil {
		return apiError(http.StatusBadRequest, "%w", err)
	}
	q.Mailbox = mailbox
	list, err := listed(r.Context(), desk, q)
	return answered(w, list, err)
}

// listed is a page of mails, with what is in trouble about their tickets.
func listed(ctx context.Context, desk *maildesk.Desk, q ledger.Query) (report.MailList, error) {
	list, err := desk.List(ctx, q)
	if err == nil {
		list.Troubles = append(mailDown(q.Mailbox), mailTroubles(q.Mailbox)...)
	}
	return list, err
}

// usualDryRun is how far back a dry run looks where nobody says it.
const usualDryRun = 7 * 24 * time.Hour

func dryRunMails(w http.ResponseWriter, r *http.Request, desk *maildesk.Desk, mailbox string) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	q, err := mailQuery(r.URL.Query(), sessionClock())
	if err != nil {
		return apiError(http.StatusBadRequest, "%w", err)
	}
	if q.Since.IsZero() {
		q.Since = sessionClock().Add(-usualDryRun)
	}
	done, err := desk.DryRun(r.Context(), mailbox, q.Since, q.Most)
	return answered(w, done, err)
}

// mailQuery reads which mails are asked for.
func mailQuery(asked url.Values, now time.Time) (q ledger.Query, err error) {
	q = ledger.Query{Cause: asked.Get("cause"), Text: asked.Get("text"), Oldest: asked.Get("oldest") == "1"}
	for _, word := range asked["state"] {
		if !slices.Contains(ledger.States, ledger.State(word)) {
			return q, unknownState(word)
		}
		q.States = append(q.States, ledger.State(word))
	}
	for _, f := range []struct {
		name string
		into *time.Time
	}{{"since", &q.Since}, {"until", &q.Until}} {
		if text := asked.Get(f.name); text != "" {
			back, err := caddy.ParseDuration(text)
			if err != nil || back < 0 {
				return q, usageErrorf("%s is a duration back from now, as 24h or 7d, and not %q", f.name, ledger.Line(text, 40))
			}
			*f.into = now.Add(-back)
		}
	}
	if text := asked.Get("after"); text != "" {
		if q.After, err = strconv.ParseInt(text, 10, 64); err != nil || q.After <= 0 {
			return q, usageErrorf("after is the number of the last mail of the page before, and not %q", ledger.Line(text, 40))
		}
	}
	if text := asked.Get("most"); text != "" {
		if q.Most, err = strconv.Atoi(text); err != nil || q.Most < 1 || q.Most > maildesk.MostPage {
			return q, usageErrorf("most is how many mails are on a page, from 1 to %d, and not %q", maildesk.MostPage, ledger.Line(text, 40))
		}
	}
	return q, nil
}

func unknownState(word string) error {
	known := make([]string, len(ledger.States))
	for i, s := range ledger.States {
		known[i] = string(s)
	}
	return usageErrorf("%s", unknownWord(ledger.Line(word, 40), "state", known))
}

// decideMail tries a mail again, or drops it.
func decideMail(w http.ResponseWriter, r *http.Request, desk *maildesk.Desk, mailbox string, id int64, again bool) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var given struct {
		Reason string `json:"reason"`
	}
	if len(body) > 0 {
		if err := caddy.StrictUnmarshalJSON(body, &given); err != nil {
			return apiError(http.StatusBadRequest, `the body must be {"reason": "…"}, or nothing`)
		}
	}
	done, err := decidedBy(desk, operatorOf(r), byOperator, given.Reason, again)(r.Context(), mailbox, id)
	return answered(w, done, err)
}
