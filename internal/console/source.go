package console

import (
	"context"
	"time"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/session"
)

// Source is what a console shows. Its methods may be called at any time by any number of callers.
type Source interface {
	// Status is what `psagate status` prints.
	Status() report.Status
	// Failures are what `psagate failures` prints, of what failed since a moment.
	Failures(since time.Time) (report.Failures, error)
	// Integrations are those of the config, by name.
	Integrations() []Integration
	// Denials are the calls that were denied lately, at this process.
	Denials() Denials
	// Sessions are those of people that are not over, the newest first.
	Sessions(context.Context) ([]session.Session, error)
	// Factors are what `psagate totp list` prints.
	Factors(context.Context) (report.TOTPPeople, error)
	// MailBooks, Mails and Mail are what `psagate mail list` and `psagate mail show` print. Where something is not there the errors are those
	// of internal/report.
	MailBooks(context.Context) (report.MailBooks, error)
	Mails(context.Context, ledger.Query) (report.MailList, error)
	Mail(ctx context.Context, mailbox string, id int64) (report.MailShown, error)
	// Settings are those in force, without any secret.
	Settings() []Section
}

// Integration is a program that may call, as the config has it.
type Integration struct {
	Name, Owner, Login string
	// Proves is by what it is known, Limits what bounds it, each in words.
	Proves, Limits []string
	// Disabled: the config disables it, and Reason says why.
	Disabled bool
	Reason   string
}

// Section is a part of the settings, such as one login's.
type Section struct {
	Title    string
	Settings []Setting
}

// Setting is one setting, by its name in the config's JSON.
type Setting struct{ Name, Value string }
