package psatest

import "time"

// WrongZone says what a zone answers to a user whose tenant lives elsewhere.
type WrongZone int

// The answers of a wrong zone. The real one is not known; field reports say 401.
const (
	WrongZoneRefuse   WrongZone = iota // the bare 401
	WrongZoneForward                   // served as if the zone were right
	WrongZoneRedirect                  // 307 to the same path on the right zone
)

// Behaviour holds what nobody outside Autotask knows, or what differs between its releases. The zero value is
// the default.
type Behaviour struct {
	WrongZone     WrongZone
	WrongZoneFree bool // a sign-in at a wrong zone is not counted against the user

	OnlyV1 bool // versioninformation lists V1.0 alone, as it did before September 2026

	RefuseGzip      bool // a gzipped request body is taken for the JSON itself
	GzipAnswers     bool // answers are gzipped for clients that accept it
	AttachmentItems bool // one attachment comes as {"items":[…]} instead of {"item":…}

	SOAPAddress   WSDLAddress // where the WSDL leads its readers
	SOAPCode      CodeAnswer  // of a SOAP call with a right secret and a wrong integration code, or none
	LockedFault   bool        // SOAP tells a locked user so, in a fault; else it is the bare 401
	ZoneErrorCode int         // of SOAP's getZoneInfo for an unknown user; 0 means -1

	NoExternalID bool // the externalID of a new ticket is not stored, and nobody is told
	Attached     int  // the most bytes of files that a tenant takes in 5 minutes; one file more, and it takes none for 5 minutes. 0 means no limit

	PageCap    int           // the most records on a page; 0 means 500
	URLCap     int           // the most characters in the URL of a GET, else IIS refuses it unjudged; 0 means no limit
	InIsManyOR bool          // each value of an "in" is one of the 500 or-conditions
	Latency    time.Duration // how long every request takes before it is judged

	Threads      int           // the most calls at once of a tenant with one tracking identifier on one endpoint; 0 means no limit
	ThreadAnswer LimitAnswer   // of one call more
	ThreadDelay  time.Duration // what each call there before it adds to a call
	Hourly       int           // the most calls of a tenant in 60 minutes; 0 means no limit
	HourAnswer   LimitAnswer   // of one call more, until the number falls
	HourLatency  bool          // from half of these on a call takes 0.5 s longer, from three quarters on 1 s
	LimitedCount bool          // calls that ran into a limit are counted in the hour too
	LimitsFirst  bool          // a call over a limit is refused without a judgement of its sign-in

	WebCountsApart    bool     // failures on the web pages have a count of their own; either locks the user
	WrongOTPFree      bool     // a wrong one-time code is not counted against the user
	WebRedirects      bool     // the web pages of a wrong zone lead to the right one after the user name, as the universal host does; else the sign-in fails
	SessionEndsNewest bool     // a session too many ends the newest of the others; else the oldest
	WebTexts          WebTexts // what the web pages say of a failed sign-in; what is empty is a default
}

// defaultPageCap is the most records that Autotask puts on a page.
const defaultPageCap = 500

func (b Behaviour) pageCap() int {
	if b.PageCap > 0 {
		return b.PageCap
	}
	return defaultPageCap
}

// Adjust changes the behaviour while the Sim runs.
func (s *Sim) Adjust(change func(*Behaviour)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.behave)
}

func (s *Sim) behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behave
}
