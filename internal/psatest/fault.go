package psatest

import (
	"net/http"
	"strings"
	"time"
)

// Point is where in its life a request meets a [Fault].
type Point int

// The points, in order.
const (
	Received  Point = iota // read whole, not judged
	Judged                 // the sign-in is in the ledger, nothing else was done; accepted or not
	Applied                // what it asked for is done (stored); only accepted ones and open paths come here
	Answering              // within the body of the answer, if it has three bytes or more
)

// Ending is what a [Fault] does after its wait.
type Ending int

// The endings.
const (
	GoOn   Ending = iota // nothing: the request goes on
	HangUp               // the connection is closed in order, without an answer (at Answering: in the middle of it)
	Reset                // the same with a TCP reset
	Answer               // Status, Header and Body are the answer, and the request is over (not at Answering)
	Refuse               // at Received: the sign-in will be refused although it is right, and counts

	// These end the request too, and do not go at Answering.
	Raw           // Body goes onto the connection as it is, in place of a whole answer; then the connection is closed
	EndlessHeader // a status line, then header lines without an end, until the client hangs up
	EndlessBody   // Status and Header, then Body (or blanks) again and again, until the client hangs up

	// Later cuts the connection at once, and does what the call asks for after the wait: a late commit. It goes at Judged alone. With
	// Hold it is done at Release, whatever the clock.
	Later
)

// Kind is a kind of call that a [Fault] may be for alone.
type Kind int

// The kinds of calls.
const (
	AnyCall    Kind = iota
	SignInCall      // what credentials are judged for
	OpenCall        // what anybody may ask: versions, zone lookups, the swagger document
)

// Fault is something that goes wrong to order: where, for whom, how often; a wait, then an ending. For example
//
//	{At: Applied, Then: Reset, Method: "POST"}           stored, and nobody is told
//	{At: Judged, Then: Later, Delay: 90 * time.Second}   stored 90 s after the connection was cut
//	{At: Applied, Then: Answer, Method: "POST"}          stored, and answered with a 500
//	{At: Judged, Then: HangUp, Times: 3}                 three sign-ins judged without an answer
//	{At: Received, Gone: true, Delay: 20 * time.Second}  judged 20 s after the client gave up
//	{At: Received, Then: Refuse}                         a storm of 401
//	{At: Received, Hold: true}                           held until Release
//	{At: Answering, Chunk: 100, Delay: time.Second}      a body that trickles
//	{At: Received, Then: Reset, For: time.Hour}          an outage of an hour
//	{At: Judged, Then: Reset, Every: 100}                a reset on one call in a hundred
//	{Only: SignInCall, Gone: true, Then: HangUp}         a half outage: lookups answer, sign-ins hang
//	{At: Received, Change: OtherHost("http://10.0.0.1")} another host in every URL
//
// [Faults] is a list of them, for those who want all.
type Fault struct {
	Name string // what people call it; no matter to the Sim

	// Match: what is empty matches everything.
	Zone      string // name of the zone; the discovery host has none: see Discovery
	Discovery bool   // at the host without a number alone
	Only      Kind
	User      string // in any spelling; also the one that a zone lookup asks for, of REST or of SOAP
	Method    string
	Path      string // part of the path, in any case
	Operation string // of SOAP, in any case

	At    Point
	Every int           // of the requests that match, only each Every-th meets it; 0 means all
	Times int           // how often it happens; 0 means always
	For   time.Duration // how long it is in force, by the Sim's clock; 0 means until Release. Who is held by then stays held

	// The wait, in this order.
	Gone  bool          // until the client has hung up
	Delay time.Duration // that long
	Hold  bool          // until Release

	Then   Ending
	Status int         // of Answer; 0 means 500. Of EndlessBody; 0 means 200
	Header http.Header // of these; {user}, {secret}, {code} and {uri} stand for what the request presented
	Body   string      // likewise, and of Raw; its type is text/xml when it begins with "<?xml", else text/html when it begins with "<", else JSON
	Stay   bool        // of Raw: the connection stays open until the client hangs up

	// Change is made to what the request is answered with, a refusal included, before it is sent. It does not go
	// with endings that answer themselves, nor at Answering.
	Change func(*Reply)

	Chunk int // at Answering: bytes between two waits; 0 means two halves
}

func (f *Fault) matches(p Point, c *call) bool {
	user := c.user
	if user == "" {
		user = c.lookedUp()
	}
	return f.At == p &&
		(f.Zone == "" || f.Zone == c.zone.name) &&
		(!f.Discovery || c.zone.name == "") &&
		(f.Only == AnyCall || (f.Only == SignInCall) == c.signsIn()) &&
		(f.User == "" || canonical(f.User) == canonical(user)) &&
		(f.Method == "" || strings.EqualFold(f.Method, c.method)) &&
		(f.Operation == "" || strings.EqualFold(f.Operation, c.operation())) &&
		strings.Contains(strings.ToLower(c.path), strings.ToLower(f.Path))
}
