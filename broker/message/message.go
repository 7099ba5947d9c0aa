package message

import (
	"crypto/sha256"
	"time"
)

// Message is a mail, understood.
type Message struct {
	// Header is the mail's own, in its order.
	Header Header
	// Size is in bytes; Hash is the SHA-256 of the mail as it came.
	Size int
	Hash [sha256.Size]byte
	// ContentKey knows the same mail again, whichever way it comes; ContentKeyOf says what is in it.
	ContentKey [sha256.Size]byte

	// MessageID, InReplyTo and References are ids without their angle brackets. References are oldest first and hold
	// those of In-Reply-To, too.
	MessageID  string
	InReplyTo  []string
	References []string

	From    []Address
	Sender  []Address
	ReplyTo []Address
	To      []Address
	Cc      []Address
	// Delivered are the addresses that a server on the way says it delivered to (Delivered-To, X-Original-To,
	// Envelope-To, X-Forwarded-To, X-Envelope-To), without To and Cc; the nearest first.
	Delivered []Address
	// ReturnPath is the envelope's sender. It is known where the Options or a Return-Path field say it, and empty for
	// mail that wants no answer.
	ReturnPath      string
	ReturnPathKnown bool
	// Received counts the servers that handed the mail on.
	Received int

	// Subject is one line. Date is zero where the mail has none that can be read.
	Subject string
	Date    time.Time

	// Text is what the mail says, to be read by people. HTML is that part of it as it came, if it has one: not to be shown
	// without being cleaned.
	Text string
	HTML string
	// Cut says, in a sentence, that this is the beginning of a longer mail, and where the whole is. It is whoever fetched the mail
	// that knows; empty for a whole one.
	Cut string
	// Files are what is attached and the images within the text, in the mail's order.
	Files []File

	// Kind is what sort of mail this is, and Signs are by what that is known.
	Kind  Kind
	Signs []string
	// Bounce is what a mail of kind Bounce says about the one that did not arrive.
	Bounce *Bounce

	// Fault says why the mail is not understood, and Lost that a part of it is not. In both cases the mail itself is among
	// the Files.
	Fault *Fault
	Lost  bool
}

// Fault is why a mail could not be taken apart.
type Fault struct {
	// Cause is one word: size, header, field, addresses, parts, depth, unclosed, work, boundary (limits of package scan),
	// parser (which refused it), panic (of a parser), nothing (no text, no file, and no header that mail has), crash
	// (see ReadLeast).
	Cause string
	// Detail is a sentence. It holds nothing of the mail.
	Detail string
}

// File is something attached.
type File struct {
	// Name is safe: a base name without anything that a system or a person could take for something else; no two files of
	// a mail have the same.
	Name string
	// Type is the media type that the mail claims, in lower case and without parameters.
	Type string
	// ContentID is by what the text refers to it.
	ContentID string
	// Inline says that the text shows the file, at a place where it says [image: name].
	Inline bool
	Data   []byte
	// Hash is the SHA-256 of Data.
	Hash [sha256.Size]byte
	// Raw says that this is the mail itself.
	Raw bool
}

// Author is whom the mail is from: the first address of From, else of Sender, else the return path's. It is zero where a
// mail has none.
func (m *Message) Author() Address {
	for _, list := range [][]Address{m.From, m.Sender} {
		if len(list) > 0 {
			return list[0]
		}
	}
	if a, ok := parseAddress(m.ReturnPath); ok {
		return a
	}
	return Address{}
}
