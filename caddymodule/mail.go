package caddymodule

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/broker/imap"
	"github.com/psagate/psagate/broker/route"
)

// Mailbox is a mailbox whose mails become tickets.
type Mailbox struct {
	// IMAP is where mails are fetched. It or SMTP is needed; a mailbox with neither works on what it has.
	IMAP *MailIMAP `json:"imap,omitempty"`

	// SMTP is where mails come in by SMTP.
	SMTP *MailSMTP `json:"smtp,omitempty"`

	// As is the integration that it calls the PSA as. Default: the mailbox itself, which policies know as Mailbox::"<name>".
	As string `json:"as,omitempty"`

	// Login is the login or pool that its calls are sent as, where it does not call as an integration. Default: the only login.
	Login string `json:"login,omitempty"`

	// PerHour is how many calls in an hour it may make; each process counts for itself. Default: 4000 for all mailboxes of a login
	// that call as themselves and do not say it, and 2000 for each where they are several.
	PerHour int `json:"calls_per_hour,omitempty"`

	// Aliases are its addresses, and what is said of the tickets of each.
	Aliases []*MailAlias `json:"aliases,omitempty"`

	// Default is what is said of tickets where nothing else says it. Default: the company is the PSA's owner.
	Default *MailFields `json:"default,omitempty"`

	// Rules are conditions over mails, in their order, and what is said of tickets where they hold. Default: none.
	Rules []*MailRule `json:"rules,omitempty"`

	// Treat says what becomes of mails by their kind: human, alert, auto-reply, bounce or list, each take, note or suspend. Default:
	// auto-reply and bounce are note, which is a note on the ticket that they belong to; all others are take, which is a ticket.
	Treat map[string]route.Treatment `json:"treat,omitempty"`

	// FreeMail are further domains where anyone has addresses, so that no company is known by them. Default: none.
	FreeMail []string `json:"free_mail,omitempty"`

	// MaxSize is the longest mail that is taken whole, in bytes. By SMTP longer ones are refused; by IMAP their beginning is
	// fetched. Default: 67108864 (64 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	// Description is for people. Default: none.
	Description string `json:"description,omitempty"`

	// Keep is how long the mails themselves are kept when they are done with. Default: 720h (30 days).
	Keep caddy.Duration `json:"keep,omitempty"`

	// Fallback is what is used while the PSA's API cannot be. Default: nothing, mails wait.
	Fallback *MailFallback `json:"fallback,omitempty"`
}

// MailIMAP is a mailbox on a mail server.
type MailIMAP struct {
	// Server is its host:port. Required.
	Server string `json:"server,omitempty"`

	// TLS is on (from the first byte), starttls, or off, which is for loopback addresses. Default: on.
	TLS imap.TLSMode `json:"tls,omitempty"`

	// CA is a PEM file of the certificates that the server's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// User is who signs in. Required.
	User string `json:"user,omitempty"`

	// Password is the user's. It or OAuth2 is required.
	Password *SecretText `json:"password,omitempty"`

	// OAuth2 is where access tokens for the user come from.
	OAuth2 *MailOAuth2 `json:"oauth2,omitempty"`

	// Processed is the folder for mails that are done with. Default: Processed.
	Processed string `json:"processed,omitempty"`

	// DeadLetter is the folder for mails that can become nothing. Default: DeadLetter.
	DeadLetter string `json:"dead_letter,omitempty"`

	// LeaveSince is a day, such as 2026-11-27: mails stay in the inbox, where those that are done with are marked, and those that came
	// before that day, and were there before psagate first looked, are left alone. Default: none, and mails are moved to Processed and
	// DeadLetter.
	LeaveSince string `json:"leave_since,omitempty"`

	// Poll is how often the whole inbox is compared at least, whatever the server tells. Default: 1m.
	Poll caddy.Duration `json:"poll,omitempty"`
}

// MailOAuth2 is where access tokens come from, by OAuth 2.0.
type MailOAuth2 struct {
	// TokenURL is the server's token endpoint. Required, as ClientID is, unless there is a ServiceAccount.
	TokenURL string `json:"token_url,omitempty"`

	// ClientID is what the server calls psagate.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret is what psagate proves itself with. Required, unless there is a RefreshToken.
	ClientSecret *SecretText `json:"client_secret,omitempty"`

	// ServiceAccount is the key of a service account of Google's, the JSON that Google gave for it, in a secret store. The account acts
	// for the user, and goes with none of the others but Scopes. Default: none.
	ServiceAccount *SecretText `json:"service_account,omitempty"`

	// Scopes are what is asked for. Default: none; of a ServiceAccount https://mail.google.com/.
	Scopes []string `json:"scopes,omitempty"`

	// RefreshToken is that of a person who has signed in elsewhere. Default: none, and psagate asks in its own name (client
	// credentials).
	RefreshToken *SecretText `json:"refresh_token,omitempty"`
}

// MailSMTP is where mails come in by SMTP. Mailboxes that have the same address have the same settings.
type MailSMTP struct {
	// Listen is the address that is listened at, such as :25 or 127.0.0.1:2525. Required.
	Listen string `json:"listen,omitempty"`

	// Domain is the name that the server gives itself. Default: the machine's.
	Domain string `json:"domain,omitempty"`

	// Certificate is a PEM file of the certificate for STARTTLS, which is read anew when it changes. Default: none, and no TLS.
	Certificate string `json:"certificate,omitempty"`

	// Key is a PEM file of its key.
	Key string `json:"key,omitempty"`

	// RequireTLS refuses mails that come without TLS. Default: false.
	RequireTLS bool `json:"require_tls,omitempty"`

	// From are the networks that mails may come from, as CIDR or address, or private_ranges. Default: any.
	From []string `json:"from,omitempty"`
}

// MailFields are what is said of a ticket. Where the PSA has a picklist for one, it is an id or a label.
type MailFields struct {
	// Company is the id of one, 0 for the PSA's owner.
	Company string `json:"company,omitempty"`

	// Queue is a queue's id or label.
	Queue string `json:"queue,omitempty"`

	// Source is a source's id or label.
	Source string `json:"source,omitempty"`

	// Priority is a priority's id or label.
	Priority string `json:"priority,omitempty"`

	// Status is a status's id or label.
	Status string `json:"status,omitempty"`

	// IssueType is an issue type's id or label.
	IssueType string `json:"issue_type,omitempty"`

	// SubIssueType is a sub-issue type's id or label.
	SubIssueType string `json:"sub_issue_type,omitempty"`

	// TicketType is a ticket type's id or label.
	TicketType string `json:"ticket_type,omitempty"`

	// Category is a category's id or label.
	Category string `json:"category,omitempty"`

	// TitlePrefix stands before the title.
	TitlePrefix string `json:"title_prefix,omitempty"`
}

// MailAlias is an address of a mailbox.
type MailAlias struct {
	// Address is the mail address. Mails to a sub-address of it (address+tag) come by it too. Required.
	Address string `json:"address,omitempty"`

	// Fields are what is said of its tickets. Default: those of the mailbox's default.
	Fields *MailFields `json:"fields,omitempty"`

	// LockoutNotice says that the PSA sends its notices about locked users there. Default: nothing.
	LockoutNotice *MailLockoutNotice `json:"lockout_notice,omitempty"`
}

// MailLockoutNotice says which notices about locked users are believed: the login that one names is taken for locked.
type MailLockoutNotice struct {
	// From are the domains whose mails are believed, those below them too. Default: autotask.net and autotask.com.
	From []string `json:"from,omitempty"`

	// Ours are the networks by whose addresses the PSA sees this gateway and what shares its way to the internet, as CIDR or
	// address, or private_ranges: by them status says whether the wrong sign-ins that a notice tells of came from here. Default:
	// none, and that is not known.
	Ours []string `json:"ours,omitempty"`
}

// MailRule is a condition over mails, and what is said of them where it holds.
type MailRule struct {
	// Name is what errors and reasons call it. Required.
	Name string `json:"name,omitempty"`

	// When is the condition, an expression in CEL. Required.
	When string `json:"when,omitempty"`

	// Fields are what is said of the ticket; they win over those of the alias, and later rules over earlier ones. Default: none.
	Fields *MailFields `json:"fields,omitempty"`

	// Treat is take, note or suspend: what becomes of the mail. Default: what its kind says.
	Treat route.Treatment `json:"treat,omitempty"`

	// Last ends the rules where the condition holds. Default: false.
	Last bool `json:"last,omitempty"`
}

// MailFallback is the PSA's Add Ticket Email Service, which takes tickets by mail while its API cannot be used.
type MailFallback struct {
	// Address is the service's mail address. Required.
	Address string `json:"address,omitempty"`

	// After is how long the API has not been usable when the service is used. Default: 30m.
	After caddy.Duration `json:"after,omitempty"`

	// SMTP is the host:port of the server that mails are handed to. Required.
	SMTP string `json:"smtp,omitempty"`

	// TLS is on (from the first byte), starttls (and nothing is sent without it), or off, which is for loopback addresses.
	// Default: on; at the ports 25 and 587 starttls.
	TLS imap.TLSMode `json:"tls,omitempty"`

	// CA is a PEM file of the certificates that the server's is verified with. Default: the system's.
	CA string `json:"ca,omitempty"`

	// From is the address that mails come from, to which the service's notices return. Default: the mailbox's first alias.
	From string `json:"from,omitempty"`

	// User is who signs in to the server. Default: nobody.
	User string `json:"user,omitempty"`

	// Password is the user's.
	Password *SecretText `json:"password,omitempty"`

	// OAuth2 is where access tokens for the user come from, in the place of a password.
	OAuth2 *MailOAuth2 `json:"oauth2,omitempty"`

	// Key is what the service knows whose tickets they are by, which the PSA calls PW. Required.
	Key *SecretText `json:"key,omitempty"`
}

// companies are the ids of those that the mailbox names.
func (m *Mailbox) companies() (ids []int64) {
	fields := []*MailFields{m.Default}
	for _, alias := range m.Aliases {
		fields = append(fields, alias.Fields)
	}
	for _, rule := range m.Rules {
		fields = append(fields, rule.Fields)
	}
	for _, f := range fields {
		if id, err := strconv.ParseInt(f.route().Company, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// route is the fields as they are routed with.
func (f *MailFields) route() route.Fields {
	if f == nil {
		return route.Fields{}
	}
	return route.Fields{
		Company: f.Company, Queue: f.Queue, Source: f.Source, Priority: f.Priority, Status: f.Status, IssueType: f.IssueType,
		SubIssueType: f.SubIssueType, TicketType: f.TicketType, Category: f.Category, TitlePrefix: f.TitlePrefix,
	}
}
