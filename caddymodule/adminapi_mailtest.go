package caddymodule

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/broker/probe"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/report"
)

// eventMailTested is the event of the audit log about a test.
const eventMailTested = "mail_tested"

// mailTestAsked is what a test is to do.
type mailTestAsked struct {
	// Send sends a mail to each alias, and waits for it. Again sends a password though it was refused.
	Send  bool `json:"send"`
	Again bool `json:"again"`
}

// mailTests are the mailboxes that are being tested. Two tests of one would find each other's mails, and sign in twice.
var mailTests sync.Map

// testMailbox tests a mailbox. Its answer is a line of JSON for each step, as soon as it is over, and one for the whole: mails may
// take minutes to come.
func testMailbox(w http.ResponseWriter, r *http.Request, in *App, name string) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var asked mailTestAsked
	if len(body) > 0 && caddy.StrictUnmarshalJSON(body, &asked) != nil {
		return apiError(http.StatusBadRequest, `the body must be {"send": true, "again": true}, each of which may be left out, or empty`)
	}
	config, box := mailboxInForce(in, name)
	switch {
	case config == nil:
		return apiError(http.StatusNotFound, "mailbox %q: no mailbox of that name in the config; %s", name, defined(in.Mail))
	case box == nil:
		return apiError(http.StatusServiceUnavailable, "mailbox %q is not run yet: psagate status says whether the store can be used", name)
	}
	if _, busy := mailTests.LoadOrStore(name, true); busy {
		return apiError(http.StatusConflict, "mailbox %q: %w", name, report.ErrMailTested)
	}
	over := sync.OnceFunc(func() { mailTests.Delete(name) })
	defer over()
	in.readAnew(r.Context(), config.secrets()...)
	lines := &jsonLines{w: w}
	test := mailTest(config, box, asked)
	test.Told = func(s probe.Step) { step := testedStep(s); lines.write(report.MailTestLine{Step: &step}) }
	done := report.MailTest{Mailbox: name, Steps: []report.MailTestStep{}}
	steps := runMailTest(r.Context(), test.Test)
	if len(steps) == 0 {
		s := probe.Step{Name: "config", Result: probe.Failed, Words: "no mails come in: the mailbox has neither `imap` nor `smtp`"}
		test.Told(s)
		steps = append(steps, s)
	}
	for _, of := range []func() (probe.Step, bool){
		func() (probe.Step, bool) { return stepFallback(r.Context(), box, asked.Again && !test.sent) },
		func() (probe.Step, bool) { return in.stepPolicy(name, config) },
		func() (probe.Step, bool) { return stepFields(r.Context(), config, box) },
	} {
		if s, there := of(); there {
			test.Told(s)
			steps = append(steps, s)
		}
	}
	for _, s := range steps {
		done.Steps = append(done.Steps, testedStep(s))
	}
	if done.OK = probe.Works(steps); done.OK {
		boxesOf{}.Wake(name) // which may wait for a while, as it did not work before
	}
	noteOperator(r, eventMailTested, "", map[string]string{
		"mailbox": name, "ok": strconv.FormatBool(done.OK), "send": strconv.FormatBool(asked.Send), "again": strconv.FormatBool(asked.Again),
	})
	over() // before it is told: whoever hears it may begin the next at once
	lines.write(report.MailTestLine{Done: &done})
	return nil
}

// mailboxInForce is a mailbox as the config has it, and as it is run; nil where there is none, or where it is not run yet.
var mailboxInForce = func(in *App, name string) (config *Mailbox, box *mail.Mailbox) {
	if config = in.Mail[name]; config != nil && mailed.Load() {
		box, _ = mails().Mailbox(name)
	}
	return config, box
}

// runMailTest runs a test; tests of the command have one of their own.
var runMailTest = func(ctx context.Context, t probe.Test) []probe.Step { return t.Run(ctx) }

// testedStep is a step as it is reported.
func testedStep(s probe.Step) report.MailTestStep {
	return report.MailTestStep{Name: s.Name, Result: string(s.Result), Words: s.Words, Do: s.Do, Took: s.Took.Milliseconds()}
}

// mailTried is a test of a mailbox. sent says that a mail went to the fallback's server, and with it what that had refused, where it was to
// be sent again: without an inbox to wait in none does.
type mailTried struct {
	probe.Test
	sent bool
}

// mailTest is the test of a mailbox as it is run.
func mailTest(config *Mailbox, box *mail.Mailbox, asked mailTestAsked) *mailTried {
	t := &mailTried{Test: probe.Test{Mailbox: box.IMAP, Again: asked.Again, Keys: box.Route.Keys}}
	for _, alias := range box.Route.Aliases {
		t.Aliases = append(t.Aliases, alias.Address)
	}
	if config.SMTP != nil {
		t.Intake = config.SMTP.tested(asked.Send)
	}
	if !asked.Send {
		t.Unsent = "--send sends a mail to this address, and waits for it"
		return t
	}
	// The server by which the PSA's mail service is reached hands on other mails as well.
	by, can := box.Fallback.(interface {
		Send(ctx context.Context, from, to string, raw []byte) error
		SendAgain(ctx context.Context, from, to string, raw []byte) error
	})
	if !can {
		t.Unsent = "the mailbox has no `fallback`, by whose server a mail could be sent. Send one to this address from elsewhere, and see with psagate mail list whether it comes"
		return t
	}
	send := by.Send
	if asked.Again {
		send = by.SendAgain
	}
	t.Send = func(ctx context.Context, from, to string, raw []byte) error {
		now := send
		send, t.sent = by.Send, true // what is refused is sent once for all aliases
		return now(ctx, from, to, raw)
	}
	t.From = config.Fallback.from(config)
	return t
}

// from is whom mails are from that are handed to the server.
func (f *MailFallback) from(m *Mailbox) string {
	switch {
	case f != nil && f.From != "":
		return f.From
	case len(m.Aliases) > 0:
		return m.Aliases[0].Address
	}
	return ""
}

// tested is the intake as it is reached from this machine.
func (s *MailSMTP) tested(deliver bool) *probe.Intake {
	host, port, err := net.SplitHostPort(s.place())
	if err != nil { // it has been checked
		host, port = s.Listen, "25"
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return &probe.Intake{Address: net.JoinHostPort(host, port), TLS: s.Certificate != "", Deliver: deliver, Name: s.Domain}
}

// storeTime is how long a store has to read a record anew.
const storeTime = 5 * time.Second

// readAnew has the stores read records now: who has just put the right password there tests it. Where that fails, what was read
// before is used, or is missing, which the sign-in says.
func (a *App) readAnew(ctx context.Context, secrets ...*SecretText) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	for _, s := range secrets {
		if s == nil || s.Store == "" {
			continue
		}
		store, err := openStore(s.Store, a.stores)
		if err != nil {
			continue
		}
		_, _ = store.Confirm(ctx, s.Path)
		if _, err := stores.Delete(storeKey(s.Store, a.stores)); err != nil {
			slog.New(currentLog{}).Error("a secret store cannot be closed", "error", err)
		}
	}
}
