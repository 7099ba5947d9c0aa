package autotask

import (
	"net/http"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/soap"
)

var (
	soapCall  = Operation{API: SOAP, Method: "POST", Form: FormASMX, Rest: "1.6"}
	xmlHeader = http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
)

// enveloped is an answer of the SOAP interface's.
func enveloped(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func returned(code, message string) string {
	if message != "" {
		message = "<Errors><ATWSError><Message>" + message + "</Message></ATWSError></Errors>"
	}
	return enveloped(`<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult><ReturnCode>` + code + `</ReturnCode><EntityResults/>` + message + `</queryResult></queryResponse>`)
}

func fault(text string) string { return string(soap.Fault(soap.Server, text)) }

const (
	soapLockout = "The user account has been locked. Please see your administrator."
	noFields    = `<GetFieldInfoResponse xmlns="http://autotask.net/ATWS/v1_6/"><GetFieldInfoResult/></GetFieldInfoResponse>`
)

func TestASOAPAnswerHasItsVerdict(t *testing.T) {
	t.Parallel()
	basic := http.Header{"Www-Authenticate": {`Basic Realm="webservices2.autotask.net"`}}
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		want   guard.Verdict
	}{
		"a success":                     {200, xmlHeader, returned("1", ""), guard.Accepted},
		"a success with errors":         {200, xmlHeader, returned("1", "odd"), guard.Neutral},
		"a success of another type":     {200, http.Header{"Content-Type": {"application/xml"}}, returned("1", ""), guard.Neutral},
		"a success as HTML":             {200, http.Header{"Content-Type": {"text/html"}}, returned("1", ""), guard.NoAnswer},
		"a success with another status": {500, xmlHeader, returned("1", ""), guard.NoAnswer},
		"a redirect with a success":     {302, xmlHeader, returned("1", ""), guard.Neutral},
		"a success that is cut":         {200, xmlHeader, returned("1", "")[:strings.Index(returned("1", ""), "</ReturnCode>")], guard.NoAnswer},
		"a business rule":               {200, xmlHeader, returned("-1", "Missing Required Field: Status"), guard.Neutral},
		"a control character in a mail": {200, xmlHeader, strings.Replace(returned("1", ""), "<EntityResults/>", "<EntityResults><Entity><Title>a&#x1;b</Title></Entity></EntityResults>", 1), guard.Accepted},
		"a refusal with one":            {500, xmlHeader, strings.Replace(fault("The user name or password is incorrect."), "user", "&#x1;user", 1), guard.Refused},
		"a failure cut before its text": {200, xmlHeader, returned("-1", soapLockout)[:strings.Index(returned("-1", soapLockout), "Please")], guard.NoAnswer},
		"a failure without text":        {200, xmlHeader, returned("-1", ""), guard.Neutral},
		"a lockout":                     {200, xmlHeader, returned("-1", soapLockout), guard.Locked},
		"a wrong code":                  {200, xmlHeader, returned("-1", "IntegrationCode is invalid"), guard.Refused},
		"a quoted lockout":              {200, xmlHeader, returned("-1", `Title "`+soapLockout+`" is too long`), guard.Neutral},
		"fields":                        {200, xmlHeader, enveloped(noFields), guard.Neutral},
		"a fault":                       {500, xmlHeader, fault("Object reference not set to an instance of an object."), guard.Neutral},
		"a fault of another status":     {503, xmlHeader, fault("Object reference not set to an instance of an object."), guard.NoAnswer},
		"a fault of threads":            {503, xmlHeader, fault("The Autotask API thread threshold of 3 threads has been exceeded."), guard.Neutral},
		"a fault in a 200":              {200, xmlHeader, fault("odd"), guard.NoAnswer},
		"a lockout's fault":             {500, xmlHeader, fault("System.Web.Services.Protocols.SoapException: " + soapLockout), guard.Locked},
		"a lockout's fault in a 401":    {401, xmlHeader, fault(soapLockout), guard.Locked},
		"a lockout's fault in a 403":    {403, xmlHeader, fault(soapLockout), guard.Locked},
		"a fault that refuses":          {500, xmlHeader, fault("The user name or password is incorrect."), guard.Refused},
		"one in a 200":                  {200, xmlHeader, fault("The user name or password is incorrect."), guard.Refused},
		"one in a 401 without a mark":   {401, xmlHeader, fault("The user name or password is incorrect."), guard.Refused},
		"one in a 403":                  {403, xmlHeader, fault("The user name or password is incorrect."), guard.Refused},
		"one in a 503":                  {503, xmlHeader, fault("The user name or password is incorrect."), guard.Refused},
		"one in a 404, which is unread": {404, xmlHeader, fault("The user name or password is incorrect."), guard.Neutral},
		"the bare 401":                  {401, basic, "", guard.Refused},
		"a 401 without a challenge":     {401, http.Header{}, "", guard.NoAnswer},
		"an HTML page":                  {500, http.Header{"Content-Type": {"text/html"}}, fault(soapLockout), guard.NoAnswer},
		"REST's errors":                 {500, jsonHeader, `{"errors":["` + soapLockout + `"]}`, guard.NoAnswer},
		"nothing":                       {200, xmlHeader, "", guard.NoAnswer},
		"not found":                     {404, xmlHeader, "", guard.Neutral},
		"too large, says IIS":           {413, http.Header{"Content-Type": {"text/html"}}, "", guard.Neutral},
		"too many calls":                {429, xmlHeader, "", guard.Neutral},
		"forbidden":                     {403, xmlHeader, returned("1", ""), guard.Neutral},
		"a proxy's":                     {407, xmlHeader, "", guard.NoAnswer},
		"one that waited too long":      {408, xmlHeader, "", guard.NoAnswer},
	} {
		if got := verdictOf(soapCall, Answer{Status: c.status, Header: c.header, Body: []byte(c.body)}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhatSOAPAnswersToRESTOrForFreeProvesNothing(t *testing.T) {
	t.Parallel()
	a := Answer{Status: 200, Header: xmlHeader, Body: []byte(returned("1", ""))}
	for _, op := range []Operation{getTicket, {API: SOAP, Method: "GET", Form: FormWSDL, Free: true, Rest: "1.6"}, {API: SOAP, Method: "POST", Form: FormASMX, Free: true, Rest: "1.6"}} {
		if got := verdictOf(op, a); got == guard.Accepted {
			t.Errorf("%s: %s", op, got)
		}
		if NeedsBody(op, 200, xmlHeader) {
			t.Errorf("%s: the body is asked for", op)
		}
	}
	if !NeedsBody(soapCall, 200, xmlHeader) || NeedsBody(soapCall, 302, xmlHeader) || NeedsBody(soapCall, 200, http.Header{"Content-Length": {"0"}}) {
		t.Error("of a SOAP call's answers the body of a 2xx is needed, where there is one")
	}
}

// An answer that is another call's proves nothing of this one.
func TestAnAnswerToAnotherOperationProvesNothing(t *testing.T) {
	t.Parallel()
	for call, want := range map[soap.Operation]guard.Verdict{soap.Query: guard.Accepted, soap.Create: guard.NoAnswer, soap.GetFieldInfo: guard.NoAnswer} {
		op := soapCall
		op.Call = call
		if got, _ := Classify(op, Answer{Status: 200, Header: xmlHeader, Body: []byte(returned("1", ""))}); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
		if got, _ := Classify(op, Answer{Status: 500, Header: xmlHeader, Body: []byte(fault(soapLockout))}); got != guard.Locked {
			t.Errorf("a fault to %s: %s", call, got)
		}
	}
}

func TestOnlyTheHeadOfASOAPAnswerCounts(t *testing.T) {
	t.Parallel()
	late := strings.Replace(returned("1", ""), "<ReturnCode>", "<EntityResults>"+strings.Repeat("<Entity/>", MaxBodyHead/8)+"</EntityResults><ReturnCode>", 1)
	if got := verdictOf(soapCall, Answer{Status: 200, Header: xmlHeader, Body: []byte(late)}); got != guard.NoAnswer {
		t.Errorf("a late ReturnCode: %s", got)
	}
	long := strings.Replace(returned("1", ""), "<EntityResults/>", "<EntityResults>"+strings.Repeat("<Entity/>", MaxBodyHead)+"</EntityResults>", 1)
	if got := verdictOf(soapCall, Answer{Status: 200, Header: xmlHeader, Body: []byte(long)}); got != guard.Accepted {
		t.Errorf("a long answer: %s", got)
	}
}

func TestOperatorsAreToldWhatSOAPSaid(t *testing.T) {
	t.Parallel()
	d := NewRedactor("hunter2")
	for body, want := range map[string]string{
		fault("The user account hunter2 has been locked."): "200: The user account [redacted] has been locked.",
		"": "200 that is no whole answer of the SOAP interface's: something in between answered, or cut it off",
	} {
		if got := Said(soapCall, Answer{Status: 200, Header: xmlHeader, Body: []byte(body)}, d); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
