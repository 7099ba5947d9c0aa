// Package scan counts what is in a mail before any parser sees it. Parsers of MIME take time that grows with the square
// of the parts and of the depth (a mail of 343 KB can cost enmime 15 s), and a goroutine cannot be stopped: so what is
// beyond the limits is not given to one. The scan itself is one pass over the lines.
//
// What it counts is never less than what enmime would make of the same bytes: where the two could see a delimiter, or a
// boundary declared, differently, the scan takes the worse. FuzzScan holds one against the other.
package scan

import "fmt"

// Limits are what a mail may have at most. A zero is no limit, but for Depth, which has DepthMost.
type Limits struct {
	// Size is in bytes, of the whole mail.
	Size int
	// Header is in bytes, of the header of the mail or of one part.
	Header int
	// Field is in bytes, of one header field as it is folded.
	Field int
	// Addresses counts those in the header fields that hold addresses, as at signs.
	Addresses int
	// Parts counts the delimiters between parts.
	Parts int
	// Depth is how many multiparts lie one within the other.
	Depth int
	// Unclosed is how many of those, one within the other, lack their end: enmime asks for more at the end of the outer
	// one, two or three times at each level, which at 30 levels takes it a minute, and at 50 for ever.
	Unclosed int
	// Work is in bytes: each byte counts as often as multiparts are around it, since a parser hands it through so many
	// readers.
	Work int
}

// DepthMost is the depth beyond which no mail is scanned, whatever the limits say: the scan looks for each open boundary.
const DepthMost = 200

// Default fits the mail of people and of their programs. Autotask's own way in takes 30 MB of it. What is just within the
// limits takes enmime some seconds: about 10 ns for a byte of work.
var Default = Limits{
	Size: 64 << 20, Header: 1 << 20, Field: 256 << 10, Addresses: 2000, Parts: 1000, Depth: 50, Unclosed: 16, Work: 256 << 20,
}

// contentField is the most of a Content-… field, in bytes. Parsers look through it once for each of its parameters.
const contentField = 8 << 10

// boundaryMost is the longest boundary taken, in bytes. RFC 2046 section 5.1.1 allows 70; enmime cannot see one that does
// not fit into its buffer.
const boundaryMost = 1000

// Counts are what a scan found, never less than a parser would.
type Counts struct {
	Size, Header, Field, Addresses, Parts, Depth, Unclosed, Work int
}

// Excess says that a mail is beyond a limit. It holds nothing of the mail.
type Excess struct {
	// What is the name of the limit, in lower case: size, header, field, addresses, parts, depth, unclosed, work, boundary.
	What string
	// Limit is what the mail has more than.
	Limit int
}

var units = map[string]string{
	"size": "bytes", "header": "bytes in the header of one part", "field": "bytes in one header field", "addresses": "addresses",
	"parts": "parts", "depth": "multiparts one within the other", "unclosed": "multiparts without an end, one within the other", "work": "bytes to be read, counted once for each multipart around them",
	"boundary": "bytes in a boundary",
}

// Error says it in a sentence.
func (e *Excess) Error() string {
	return fmt.Sprintf("the mail has more than %d %s, and is not taken apart", e.Limit, units[e.What])
}
