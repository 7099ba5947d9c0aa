package token

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/psagate/psagate/broker/redact"
	"github.com/psagate/psagate/broker/refused"
)

// Problem is why there is no token, in words for people: what it is and what to do.
type Problem struct {
	// Refused says that the server does not take the secret. It is not sent again until it changes.
	Refused bool
	text    string
	said    string // of a refusal: what to do, and the server's words
	err     error
}

// Error is the words. No secret is in them, even where the server repeats it.
func (p *Problem) Error() string { return p.text }

// Unwrap is what it comes from, for errors.Is.
func (p *Problem) Unwrap() error { return p.err }

// theServer is one whose URL is in a secret.
const theServer = "the token server"

// heldProblem is why secrets were not sent.
func heldProblem(err error) *Problem {
	p := &Problem{text: err.Error(), err: err}
	if h := new(refused.Held); errors.As(err, &h) {
		p.Refused, p.err = h.Refused, h.Unwrap()
	}
	return p
}

// outcome is what an answer says of the secrets.
func (p *Problem) outcome() refused.Outcome {
	if p.Refused {
		return refused.Refused
	}
	return refused.Unjudged
}

// explain says what an answer, or none, means, and how long nothing is sent after it.
func (s *Source) explain(err error, secrets []string) (*Problem, time.Duration) {
	server, refused := host(s.client.URL), new(oauth2.RetrieveError)
	if s.client.URL == "" {
		server = theServer
	}
	text := func(format string, args ...any) *Problem {
		return &Problem{text: redact.Text(fmt.Sprintf(format, args...), secrets...), err: bare(err, secrets)}
	}
	switch {
	case !errors.As(err, &refused):
		if errors.Is(err, context.DeadlineExceeded) {
			return text("%s does not answer: is the token URL right, and may this machine connect to it?", server), s.pause()
		}
		return text("%s gives no token: %s", server, printable(redact.Text(plain(err), secrets...))), s.pause()
	case refused.ErrorCode == "":
		return text("%s answers with HTTP %d and no word of OAuth 2.0: is the token URL right?", server, refused.Response.StatusCode), s.pause()
	case refused.ErrorCode == "temporarily_unavailable" || refused.ErrorCode == "slow_down" || refused.Response.StatusCode >= 500 || refused.Response.StatusCode == 429:
		return text("%s gives no token for now, and is asked again; it says %s", server, words(refused, secrets)), s.pause()
	}
	p := text("%s gives no token to %s: %s It says %s", server, printable(s.client.ID), advice(refused, s.grant.what), words(refused, secrets))
	// RFC 6749 section 5.2: these two are about what was shown, the others about how it was asked for.
	if p.Refused = slices.Contains([]string{"invalid_client", "invalid_grant"}, refused.ErrorCode); p.Refused {
		p.said = advice(refused, s.grant.what) + " It said " + words(refused, secrets)
		p.text += ". The " + s.grant.what + " is not sent again until it changes"
	}
	return p, recheck
}

// bare is the error, unless a secret is in it.
func bare(err error, secrets []string) error {
	refused := new(oauth2.RetrieveError)
	if errors.As(err, &refused) || redact.Text(err.Error(), secrets...) != err.Error() {
		return nil // its text has the whole answer
	}
	return err
}

// plain is what went wrong on the way, without the request's words.
func plain(err error) string {
	if way := new(url.Error); errors.As(err, &way) {
		return way.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "oauth2: ")
}

func words(e *oauth2.RetrieveError, secrets []string) string {
	text := e.ErrorCode
	if e.ErrorDescription != "" {
		text += ": " + e.ErrorDescription
	}
	return "“" + printable(redact.Text(text, secrets...)) + "”"
}

var entra = regexp.MustCompile(`AADSTS\d+`)

// entraAdvice is what to do about the codes of Microsoft Entra that people meet
// (learn.microsoft.com/entra/identity-platform/reference-error-codes).
var entraAdvice = map[string]string{
	"AADSTS7000215": "the client secret is wrong; is it the secret's value, and not the secret's id?",
	"AADSTS7000222": "the client secret has expired: make a new one for the application and put it into the store.",
	"AADSTS700016":  "there is no application of this id in the tenant: are client id and tenant right, and was consent given there?",
	"AADSTS90002":   "there is no such tenant: is the one in the token URL right?",
	"AADSTS65001":   "consent is missing: an administrator must grant it to the application.",
	"AADSTS1002012": "the scope must end in /.default here: https://outlook.office365.com/.default.",
	"AADSTS70011":   "the scope is not valid: https://outlook.office365.com/.default is that of mailboxes.",
	"AADSTS500011":  "there is no such resource in the tenant: https://outlook.office365.com/.default is the scope of mailboxes.",
	"AADSTS700082":  "the refresh token has expired: the person must sign in again.",
	"AADSTS50173":   "the person's password has changed since: the person must sign in again.",
	"AADSTS50076":   "the person must sign in again, with a second factor.",
	"AADSTS53003":   "a conditional access policy of the tenant forbids it: ask its administrator.",
	"AADSTS7000112": "the application is switched off in the tenant: an administrator must switch it on.",
	"AADSTS7000218": "the application needs a client secret.",
	"AADSTS90019":   "the token URL names no tenant: put the tenant's id into it.",
}

// advice is what to do.
func advice(e *oauth2.RetrieveError, what string) string {
	if known := entraAdvice[entra.FindString(e.ErrorDescription)]; known != "" {
		return known
	}
	switch e.ErrorCode {
	case "invalid_client":
		return "it knows no such application, or the client secret is wrong or has expired."
	case "invalid_grant":
		if what == "key" {
			return "it does not take the service account's key for this mailbox: is the key still there, the mailbox's address right, and this machine's clock?"
		}
		return "the refresh token has expired, was withdrawn, or is another application's: the person must sign in again."
	case "unauthorized_client":
		if what == "key" {
			return "the domain's administrator must let the service account's client id act for its users with this scope (domain-wide delegation)."
		}
		return "the application may not get tokens this way: allow it there, and grant it consent."
	case "invalid_scope":
		return "the scope is not valid, or may not be asked for by this application."
	case "unsupported_grant_type":
		return "it gives no tokens this way."
	case "access_denied":
		return "it is not allowed to."
	}
	return "is the application set up there for this?"
}

// printable is foreign text for people.
func printable(text string) string { return redact.Line(text, 300) }
