package psatest

import (
	"net/http"
	"time"
)

// Foreign is a host that is no zone of any Sim, and that the network does not know (RFC 6761).
const Foreign = "https://webservices5.autotask.invalid"

// middlebox is what a proxy or a captive portal answers in the place of the PSA.
const middlebox = `<!DOCTYPE html><html><body><h1>Please sign in to the network</h1></body></html>`

// Faults returns a list of all that goes wrong with a PSA or with what stands before it, each with a Name that
// no other has. Those that answer at Judged answer refused sign-ins too: nobody could count what they hide. Where users'
// passwords change meanwhile, put them at Applied. They are for every call, always: narrow them by zone, user, path, Every, Times or For, and put
// them in force with [Sim.Fault].
func Faults() []Fault {
	var all []Fault
	for _, list := range [][]Fault{brokenAnswers(), strangers(), impostors(), liesOfGzip(), outages()} {
		all = append(all, list...)
	}
	return all
}

func brokenAnswers() []Fault {
	return []Fault{
		{Name: "garbage that is not HTTP", At: Judged, Then: Raw, Body: "\x16\x03\x01\x00\xffwhat is this\r\n\r\n"},
		{Name: "garbage in a 200", At: Judged, Then: Answer, Status: http.StatusOK, Body: "\x00\x01}{\xff"},
		{Name: "half a head", At: Judged, Then: Raw, Body: "HTTP/1.1 200 OK\r\nContent-Ty"},
		{Name: "half an answer", At: Answering, Then: HangUp},
		{Name: "never an answer", At: Judged, Gone: true, Then: HangUp},
		{Name: "headers without an end", At: Judged, Then: EndlessHeader},
		{Name: "a body without an end", At: Judged, Then: EndlessBody, Body: `{"items":[],"more":"`},
		{Name: "a body that trickles", At: Answering, Chunk: 16, Delay: time.Second},
		{Name: "an answer after ten seconds", At: Judged, Delay: 10 * time.Second},
		{Name: "stored, and the answer lost", Method: http.MethodPost, At: Applied, Then: Reset},
		{Name: "the next page in a circle", Path: "/query", At: Received, Change: Circle},
	}
}

func strangers() []Fault {
	location := func(to string) http.Header { return http.Header{"Location": {to}} }
	return []Fault{
		{Name: "another host in every URL", At: Received, Change: OtherHost(Foreign)},
		{Name: "a zone on a foreign host", Path: "zoneinformation", At: Received, Change: OtherHost(Foreign)},
		{Name: "a zone on a private host", Path: "zoneinformation", At: Received, Change: OtherHost("http://10.0.0.1")},
		{Name: "a zone on a cloud's metadata host", Path: "zoneinformation", At: Received, Change: OtherHost("http://169.254.169.254")},
		{Name: "a redirect to a foreign host", At: Judged, Then: Answer, Status: http.StatusFound, Header: location(Foreign + "{uri}")},
		{Name: "a redirect to itself", At: Judged, Then: Answer, Status: http.StatusTemporaryRedirect, Header: location("{uri}")},
		{Name: "a lookup redirected to a foreign host", Only: OpenCall, At: Received, Then: Answer, Status: http.StatusFound, Header: location(Foreign + "{uri}")},
	}
}

func impostors() []Fault {
	errs := func(text string) string { return string(encoded(map[string][]string{"errors": {text}})) }
	return []Fault{
		{Name: "a 401 without the marks", At: Received, Then: Refuse, Only: SignInCall, Change: WithoutMarks},
		{Name: "a 401 of a middlebox", At: Received, Then: Answer, Status: http.StatusUnauthorized, Body: middlebox},
		{Name: "a 200 with an HTML page", At: Received, Then: Answer, Status: http.StatusOK, Body: middlebox},
		{Name: "a storm of 401", At: Received, Then: Refuse, Only: SignInCall},
		{Name: "a 502 of a middlebox", At: Received, Then: Answer, Status: http.StatusBadGateway, Body: middlebox},
		{
			Name: "the thread limit as 429", Only: SignInCall, At: Judged, Then: Answer, Status: http.StatusTooManyRequests,
			Header: http.Header{"Retry-After": {"1"}}, Body: errs(threadText(autotaskThreads)),
		},
		{Name: "the thread limit as 500", Only: SignInCall, At: Judged, Then: Answer, Body: errs(threadText(autotaskThreads))},
		{
			Name: "the hourly limit as 429", Only: SignInCall, At: Judged, Then: Answer, Status: http.StatusTooManyRequests,
			Header: http.Header{"Retry-After": {"60"}}, Body: errs(hourText(autotaskHourly)),
		},
		{Name: "the hourly limit as 500", Only: SignInCall, At: Judged, Then: Answer, Body: errs(hourText(autotaskHourly))},
	}
}

func liesOfGzip() []Fault {
	return []Fault{
		{Name: "plain text said to be gzip", At: Received, Change: PlainAsGzip},
		{Name: "half a gzip", At: Received, Change: HalfGzip},
		{Name: "a gzip with a wrong checksum", At: Received, Change: BadGzipSum},
		{Name: "a gzip that inflates to 64 MB", At: Received, Change: GzipBomb(64 << 20)},
	}
}

func outages() []Fault {
	return []Fault{
		{Name: "an outage", At: Received, Then: Reset},
		{Name: "an outage of an hour", At: Received, Then: Reset, For: time.Hour},
		{Name: "half an outage: lookups answer, sign-ins hang", Only: SignInCall, At: Received, Gone: true, Then: HangUp},
		{Name: "half an outage: sign-ins are judged, then hang", Only: SignInCall, At: Judged, Gone: true, Then: HangUp},
		{Name: "half an outage: lookups hang, sign-ins answer", Only: OpenCall, At: Received, Gone: true, Then: HangUp},
		{Name: "a reset on one call in a hundred", At: Judged, Then: Reset, Every: 100},
	}
}
