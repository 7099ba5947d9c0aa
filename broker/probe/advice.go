package probe

import (
	"errors"
	"net"
	"strings"

	"github.com/psagate/psagate/broker/imap"
)

// advice is what to do about a mailbox's trouble where its provider is known, beside what the trouble says itself.
func (r *run) advice(err error) string {
	p := new(imap.Problem)
	if r.Mailbox == nil || !errors.As(err, &p) {
		return ""
	}
	host, _, _ := net.SplitHostPort(r.Mailbox.Server)
	host = strings.ToLower(host)
	exchange := strings.HasSuffix(host, ".office365.com") || strings.HasSuffix(host, ".outlook.com")
	text := strings.ToLower(p.Error())
	switch {
	case p.Stage == imap.Opening && strings.Contains(text, "authenticated but not connected"):
		return "Exchange Online took the token, and has no mailbox for it. Check that the user is the mailbox's address; that the application has IMAP.AccessAsApp with an administrator's consent; that New-ServicePrincipal was given the object id of the enterprise application, not of the registration; that Add-MailboxPermission gave it FullAccess; and that IMAP is on for the mailbox (Set-CASMailbox -ImapEnabled $true)."
	case p.Stage == imap.SigningIn && exchange && r.Mailbox.Password != nil:
		return "Exchange Online takes no passwords for IMAP any more, right or wrong: use oauth2."
	case p.Stage == imap.SigningIn && exchange && p.Refused:
		return "Check that the scope is https://outlook.office365.com/.default, and that the token is for the tenant of the mailbox."
	case p.Stage == imap.SigningIn && (host == "imap.gmail.com" || host == "imap.googlemail.com") && r.Mailbox.Password != nil:
		return "Google takes no account passwords for IMAP: use an app password (it needs 2-step verification), or oauth2."
	case p.Stage == imap.SigningIn && strings.Contains(text, "not sent again until it changes") && p.Unwrap() == nil:
		again := "If the same one is right now, have it sent once with --again."
		if r.Mailbox.Password != nil {
			return "Is it right, and are passwords allowed for this mailbox (an app password may be needed)? Put the right one into the store. " + again
		}
		return "Is the scope right, and may the application read this mailbox? " + again
	}
	return ""
}
