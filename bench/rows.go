package main

import "time"

// row is one kind of load. Rows differ from the first in one thing each, so that each answers one question.
type row struct {
	Name string `json:"name"`
	// Asks is the question that the row answers.
	Asks string `json:"asks"`
	// Call is what is called.
	Call *call `json:"call"`
	// Logins are what calls go through, each at most three at once; integrations are spread over them.
	Logins       int `json:"logins"`
	Integrations int `json:"integrations"`
	// Slow: the upstream takes 20 ms to answer.
	Slow bool `json:"slow"`
	// AccessLog: each call is logged, to a file.
	AccessLog bool `json:"accessLog"`
	// Callers are the connections of the closed loop, each with one call at a time.
	Callers int `json:"callers"`
	// subjects by name, in the order of the table.
	subjects []string
	// more turns than other rows have: the aims speak of it, and the figures of a small call differ most from turn to turn.
	more     int
	short    bool // part of a short run
	profiled bool
}

// call is a request, the same for all rows of a kind.
type call struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Body is how many bytes are sent.
	Body int `json:"body"`
	// Operation is a SOAP call's; empty: it is a REST call.
	Operation string `json:"operation,omitempty"`
	threads   int    // of wrk
}

var (
	get  = &call{Name: "1 KiB GET", Method: "GET", Path: "/ATServicesRest/V1.0/Tickets/1", threads: 2}
	page = &call{Name: "1 MiB query page, 300 KiB as gzip", Method: "POST", Path: "/ATServicesRest/V1.0/Tickets/query", Body: 40, threads: 2}
	post = &call{Name: "8 MB POST", Method: "POST", Path: "/ATServicesRest/V1.0/Tickets/1/Attachments", Body: 8_000_000, threads: 1}

	soapQuery = &call{Name: "SOAP query, envelope of 4 KiB", Method: "POST", Path: "/ATServices/1.6/atws.asmx", Body: 4 << 10, Operation: "query", threads: 2}
	soapText  = &call{Name: "SOAP attachment, envelope of 4 KiB", Method: "POST", Path: "/ATServices/1.6/atws.asmx", Body: 4 << 10, Operation: "CreateAttachment", threads: 2}
	soapFile  = &call{Name: "SOAP attachment, envelope of 10 MB", Method: "POST", Path: "/ATServices/1.6/atws.asmx", Body: 10_000_000, Operation: "CreateAttachment", threads: 1}
)

var (
	all     = []string{direct, nginx, stock, gateway}
	caddies = []string{stock, gateway}
)

var rows = []row{
	{Name: "get", Asks: "what a small call costs", Call: get, Logins: 16, Integrations: 16, Callers: 32, subjects: []string{direct, nginx, stock, parts, gateway, written}, more: 2, short: true, profiled: true},
	{Name: "get-20ms", Asks: "the same where the PSA takes its time", Call: get, Logins: 16, Integrations: 16, Callers: 32, Slow: true, subjects: all},
	{Name: "page", Asks: "what it costs to rewrite the addresses in a page", Call: page, Logins: 16, Integrations: 16, Callers: 16, subjects: all, short: true, profiled: true},
	{Name: "page-20ms", Asks: "the same where the PSA takes its time", Call: page, Logins: 16, Integrations: 16, Callers: 16, Slow: true, subjects: caddies},
	{Name: "post", Asks: "what it costs to receive an attachment whole before it is sent", Call: post, Logins: 16, Integrations: 16, Callers: 4, subjects: all, profiled: true},
	{Name: "soap", Asks: "what it costs to read an envelope and write its header", Call: soapText, Logins: 16, Integrations: 16, Callers: 32, subjects: caddies, more: 1, profiled: true},
	{Name: "soap-query", Asks: "the same where it is all elements: a query with a condition in every 120 bytes", Call: soapQuery, Logins: 16, Integrations: 16, Callers: 32, subjects: caddies, profiled: true},
	{Name: "soap-file", Asks: "whether memory grows with an envelope", Call: soapFile, Logins: 16, Integrations: 16, Callers: 4, subjects: caddies},
	{Name: "one-login", Asks: "what one login carries", Call: get, Logins: 1, Integrations: 1, Callers: 16, subjects: caddies, short: true},
	{Name: "one-login-20ms", Asks: "the same where the PSA takes its time", Call: get, Logins: 1, Integrations: 1, Callers: 16, Slow: true, subjects: caddies},
	{Name: "many", Asks: "what 10,000 integrations cost", Call: get, Logins: 16, Integrations: 10_000, Callers: 32, subjects: caddies},
	{Name: "log", Asks: "what an access log costs", Call: get, Logins: 16, Integrations: 16, AccessLog: true, Callers: 32, subjects: caddies, profiled: true},
}

const (
	slow     = 20 * time.Millisecond
	inFlight = 3 // of a login, by default
)

// bound is the most calls a second that the logins carry: in flight / latency. 0 where the upstream answers at once.
func (r row) bound() float64 {
	if !r.Slow {
		return 0
	}
	return float64(r.Logins*inFlight) / slow.Seconds()
}

// callers is how many of the integrations call: enough that none is hot because it is alone.
func (r row) callers() int { return min(r.Integrations, 1024) }
