// Package token gets access tokens from OAuth 2.0 servers, so that nobody must switch off MFA for a mailbox or keep a password
// for one. What it gives, a Source's Token, is a secret as broker/imap and outgoing SMTP take one: it answers from memory, and
// asks anew before the token ends.
//
// The rule of all secrets holds here, too: a client secret or a refresh token that the server refuses is not sent again until
// it changes.
package token
