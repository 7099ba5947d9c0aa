// Package message understands a mail: who wrote it, to whom, what it says as plain text, what is attached, what kind of
// mail it is, and by what it is known again. It does no I/O.
//
//	m := message.Read(raw, message.Options{})
//
// Read never fails. What is beyond the limits of package scan, or what no parser can take apart, has a Fault, its header as
// far as that can be read, and the mail itself as its only file: so that a ticket can be made of anything.
//
// # The order of understanding
//
// Read runs through steps, each a function of its own: the header (read here, so that it is there even where the rest
// cannot be read), the scan, the parts, the text, the files, the kind. Understanding that is to come has its place there:
// winmail.dat, S/MIME and invitations are leaves that walk opens (openers in walk.go), quotes are folded when the text is
// put together (text.go), and who has proven to be the sender is read from the header before the kind (kind.go).
package message
