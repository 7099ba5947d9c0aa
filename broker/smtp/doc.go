// Package smtp takes mails in by SMTP, from a mail server that is told to hand them on, or from the world. It says 250 to a
// mail only once that is durable; whatever keeps it from being so is answered with 4xx, and the sender comes again. It takes
// mails for its own recipients alone and sends none, so that it is nobody's relay.
//
// Where a mail ends is never in doubt (SMTP smuggling): the end is CR LF . CR LF and nothing else, as the library reads it. A
// client that writes another one waits, and its connection ends.
package smtp
