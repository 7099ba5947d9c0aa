// Package ates writes mails for the PSA's Add Ticket Email Service, which takes tickets when its API cannot be used: one
// address for all customers of a region, a subject that becomes the title, a text that becomes the description, and at its
// end a token in XML that says whose ticket it is. It does no I/O.
//
// The token's key decides whose database the ticket lands in, so it is a secret, and whoever writes to us must not be able
// to bring a token of their own: what looks like one in the text or the subject is made harmless.
package ates
