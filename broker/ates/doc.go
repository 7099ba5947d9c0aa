// Package ates hands tickets to the PSA's Add Ticket Email Service, which takes them as mails when its API cannot be used: one
// address for all customers of a region, a subject that becomes the title, a text that becomes the description, and at its
// end a token in XML that says whose ticket it is.
//
//	out, err := ates.NewSender(ates.Service{To: service, From: ours, Keys: keys, Key: key, Server: ates.Server{Address: "smtp.example.com:587", …}})
//	driver.Fallback = out
//
// A Mail is written without any I/O. The token's key decides whose database the ticket lands in, so it is a secret, and whoever
// writes to us must not be able to bring a token of their own: what looks like one in the text or the subject is made harmless.
//
// # What an error says
//
// A Sender hands one mail in at a time, each over a connection of its own, and never one twice. What goes wrong before the dot that
// ends the mail is drive.ErrNotNow: it was surely not sent. So is a 4xx to the dot; a 5xx is drive.ErrRefused. Only where the
// dot went out and no answer came nobody knows.
//
// # Notices
//
// The service writes to the sender of the envelope whether it has made a ticket. That is a sub-address of ours with a signed tag in
// it (thread.Keys.HandedTag), by which package route knows such a mail as a notice, and the mail that it is about: it never
// becomes a ticket. The mail's own id has the same tag, for servers that take no sub-address.
package ates
