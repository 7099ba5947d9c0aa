package soap

import "fmt"

// FaultCode is the word by which SOAP 1.1, section 4.4.1, says whose fault it is.
type FaultCode string

// The fault codes.
const (
	// Client: the message must be changed before it is sent again.
	Client FaultCode = "Client"
	// Server: the message may be right, and could not be served.
	Server FaultCode = "Server"
	// MustUnderstand: a header block that its sender marked as not to be ignored is not understood.
	MustUnderstand FaultCode = "MustUnderstand"
	// VersionMismatch: the envelope is not SOAP 1.1's.
	VersionMismatch FaultCode = "VersionMismatch"
)

// Refusal says why a document is not read on. Its text names no byte of the document, so that it can be logged and sent.
type Refusal struct {
	// Code is the fault code that goes with it.
	Code FaultCode
	// Text says what was wrong and what to send instead.
	Text string
	// At is how many bytes of the document come before the place; of the text in sXML for what is wrong in a query.
	At int64
}

// Error returns the text and the place.
func (r *Refusal) Error() string {
	if r.At == 0 {
		return r.Text
	}
	return fmt.Sprintf("%s (at byte %d)", r.Text, r.At)
}
