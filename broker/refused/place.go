package refused

import "strings"

// Place is somebody at a server, who shows secrets of one kind there. A user of another name, and another server, are other places, of
// which nothing is known yet.
type Place struct {
	// Protocol is what is spoken there, such as imap.
	Protocol string
	// Server is where, as in imap.example.com:993. It is shown to people, as User and What are.
	Server string
	// User is who signs in.
	User string
	// What the secrets are: password, access token.
	What string
	// Changing says that they change by themselves, so that a new one proves nothing.
	Changing bool
	// Shared says that many show the same secret at once, as all mailboxes of an application do, and that nobody is locked for it: none
	// waits for another, and of sendings without an answer nothing is known.
	Shared bool
}

// key names the place. Capitals make no other one.
func (p Place) key() string {
	return strings.ToValidUTF8(strings.ToLower(strings.Join([]string{p.Protocol, p.What, p.Server, p.User}, "\n")), "?")
}
