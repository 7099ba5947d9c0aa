package psatest_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

const (
	asmx  = "/ATServices/1.6/atws.asmx"
	space = "http://autotask.net/ATWS/v1_6/"
)

// soapRequest is a call as a plain client makes it; header is what stands in the envelope's header.
func soapRequest(operation, header, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, asmx, strings.NewReader(`<?xml version="1.0" encoding="utf-8"?>`+
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:a="`+space+`">`+
		`<s:Header>`+header+`</s:Header><s:Body><`+operation+` xmlns="`+space+`">`+body+`</`+operation+`></s:Body></s:Envelope>`))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("SOAPAction", `"`+space+operation+`"`)
	r.SetBasicAuth(userName, secret)
	return r
}

// codeHeader is the header block with an integration code.
func codeHeader(code string) string {
	return `<a:AutotaskIntegrations><a:IntegrationCode>` + code + `</a:IntegrationCode></a:AutotaskIntegrations>`
}

// soap makes a call of zone 5 with the right credentials.
func (w *world) soap(operation, body string) reply {
	return ask(w.z5, soapRequest(operation, codeHeader(code), body))
}

// atws is an answer as a client reads it.
type atws struct {
	ReturnCode int
	Errors     []string `xml:"Errors>ATWSError>Message"`
	Type       string   `xml:"EntityResultType"`
	Entities   []entity `xml:"EntityResults>Entity"`
	Infos      []struct {
		EntityID       int64 `xml:"EntityId"`
		DatabaseAction string
		Found          bool `xml:"DuplicateStatus>Found"`
		Ignored        bool `xml:"DuplicateStatus>Ignored"`
		Message        string
	} `xml:"EntityReturnInfoResults>EntityReturnInfo"`
}

type entity struct {
	Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	ID   int64  `xml:"id"`
	All  []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:",any"`
}

// get is the text of a field, empty if it is not there.
func (e entity) get(name string) string {
	for _, f := range e.All {
		if f.XMLName.Local == name {
			return f.Text
		}
	}
	return ""
}

// atws reads the ATWSResponse of an answer that must be a 200.
func (r reply) atws(t testing.TB) atws {
	t.Helper()
	var envelope struct {
		Body struct {
			Response struct {
				Result atws `xml:",any"`
			} `xml:",any"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal([]byte(r.body), &envelope); err != nil || r.status != 200 {
		t.Fatalf("status %d, %v: %s", r.status, err, r.body)
	}
	return envelope.Body.Response.Result
}

// fault is the code and the text of an answer that must be a fault with a status.
func (r reply) fault(t testing.TB, status int) string {
	t.Helper()
	var envelope struct {
		Code string `xml:"Body>Fault>faultcode"`
		Text string `xml:"Body>Fault>faultstring"`
	}
	if err := xml.Unmarshal([]byte(r.body), &envelope); err != nil || r.status != status || envelope.Code == "" {
		t.Fatalf("status %d, want a fault with %d, %v: %s", r.status, status, err, r.body)
	}
	return envelope.Code + " " + envelope.Text
}

// query makes a query of SOAP that must be answered with a ReturnCode of 1, and returns what it found.
func (w *world) query(entity, conditions string) []entity {
	w.t.Helper()
	got := w.queryAnswer(entity, conditions)
	if got.ReturnCode != 1 {
		w.t.Fatalf("%s %s: %v", entity, conditions, got.Errors)
	}
	return got.Entities
}

func (w *world) queryAnswer(entity, conditions string) atws {
	w.t.Helper()
	doc := `<queryxml><entity>` + entity + `</entity><query>` + conditions + `</query></queryxml>`
	return w.soap("query", "<sXML>"+escaped(doc)+"</sXML>").atws(w.t)
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// field is one condition.
func field(name, op, value string) string {
	return `<field>` + name + `<expression op="` + op + `">` + escaped(value) + `</expression></field>`
}

func TestAPathOfSOAPIsTakenInAnyCaseAndWithRepeatedSlashes(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{asmx, "/atservices/1.6/ATWS.ASMX", "//ATServices//1.6//atws.asmx"} {
		r := soapRequest("GetWsdlVersion", codeHeader(code), "")
		r.URL.Path = path
		if got := ask(w.z5, r); got.status != 200 || !strings.Contains(got.body, "<GetWsdlVersionResult>1.6</GetWsdlVersionResult>") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestEveryRequestFindsItsPlaceOrIsRefusedUnjudged(t *testing.T) {
	w := newWorld(t)
	change := func(do func(*http.Request)) *http.Request {
		r := soapRequest("query", codeHeader(code), "<sXML/>")
		do(r)
		return r
	}
	for name, tc := range map[string]struct {
		r      *http.Request
		status int
		want   string
	}{
		"version 1.5 is retired":          {change(func(r *http.Request) { r.URL.Path = "/ATServices/1.5/atws.asmx" }), 500, "Version 1.5 of the API is no longer available"},
		"and so is its WSDL":              {httptest.NewRequest("GET", "/ATServices/1.5/atws.wsdl", nil), 500, "no longer available"},
		"there is no other version":       {change(func(r *http.Request) { r.URL.Path = "/ATServices/2.0/atws.asmx" }), 404, "not found"},
		"there is no other file":          {change(func(r *http.Request) { r.URL.Path = "/ATServices/1.6/other.asmx" }), 404, "not found"},
		"nothing lies below the file":     {change(func(r *http.Request) { r.URL.Path = asmx + "/query" }), 404, "not found"},
		"a page is there for browsers":    {httptest.NewRequest("GET", asmx, nil), 200, "ATWS"},
		"the WSDL is only read":           {httptest.NewRequest("POST", "/ATServices/1.6/atws.wsdl", nil), 405, ""},
		"the service is only posted to":   {httptest.NewRequest("PUT", asmx, nil), 405, ""},
		"SOAP 1.2 is another type":        {change(func(r *http.Request) { r.Header.Set("Content-Type", "application/soap+xml") }), 415, ""},
		"an action that is not there":     {change(func(r *http.Request) { r.Header.Del("SOAPAction") }), 500, "Server did not recognize the value of HTTP Header SOAPAction: ."},
		"an action of nobody":             {change(func(r *http.Request) { r.Header.Set("SOAPAction", `"`+space+`drop"`) }), 500, "SOAPAction: " + space + "drop."},
		"an action in another case":       {change(func(r *http.Request) { r.Header.Set("SOAPAction", `"`+space+`Query"`) }), 500, "did not recognize"},
		"an action of version 1.5 at 1.6": {change(func(r *http.Request) { r.Header.Set("SOAPAction", "http://autotask.net/ATWS/v1_5/query") }), 500, "did not recognize"},
		"an action without its namespace": {change(func(r *http.Request) { r.Header.Set("SOAPAction", "query") }), 500, "did not recognize"},
	} {
		if got := ask(w.z5, tc.r); got.status != tc.status || !strings.Contains(got.body, tc.want) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if l := w.sim.Ledger(); len(l) != 0 {
		t.Errorf("judged: %v", l)
	}
}

func TestAnActionMayComeWithoutItsQuotes(t *testing.T) {
	w := newWorld(t)
	r := soapRequest("getThresholdAndUsageInfo", codeHeader(code), "")
	r.Header.Set("SOAPAction", space+"getThresholdAndUsageInfo")
	if got := ask(w.z5, r).atws(t); got.ReturnCode != 1 {
		t.Fatal(got)
	}
}

func TestAnEnvelopeThatCannotBeReadIsAFault(t *testing.T) {
	w := newWorld(t)
	deep := strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200)
	for name, tc := range map[string]struct{ body, want string }{
		"it is empty":              {"", "soap:Client Server was unable to read request. ---> There is an error in the XML document."},
		"it is no XML":             {"{}", "soap:Client Server was unable to read request."},
		"it ends too early":        {`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">`, "unable to read request"},
		"it has a DTD":             {`<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>`, "DTD is prohibited"},
		"it has an unknown entity": {`<x>&e;</x>`, "unable to read request"},
		"it has two roots":         {`<x/><x/>`, "root level is invalid"},
		"it is nested too deep":    {deep, "nested too deep"},
		"it is of SOAP 1.2":        {`<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>`, "soap:VersionMismatch Possible SOAP version mismatch"},
		"its prefix is undeclared": {`<s:Envelope/>`, "soap:VersionMismatch"},
		"it is in another charset": {`<?xml version="1.0" encoding="iso-8859-1"?><x/>`, "unable to read request"},
	} {
		r := soapRequest("getZoneInfo", "", "")
		r.Body = http.NoBody
		if tc.body != "" {
			r = httptest.NewRequest("POST", asmx, strings.NewReader(tc.body))
			r.Header.Set("Content-Type", "text/xml")
			r.Header.Set("SOAPAction", space+"getZoneInfo")
		}
		if got := ask(w.z5, r).fault(t, 500); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTheZoneOfAUserIsToldWithoutASignIn(t *testing.T) {
	w := newWorld(t)
	lookup := func(user string) string {
		r := soapRequest("getZoneInfo", "", "<UserName>"+user+"</UserName>")
		r.Header.Del("Authorization")
		return ask(w.z6, r).body
	}
	for _, want := range []string{
		"<URL>http://zone5.test/ATServices/1.6/atws.asmx</URL>", "<ErrorCode>0</ErrorCode>", "<WebUrl>http://zone5.test/</WebUrl>",
	} {
		if got := lookup(" API@example.com"); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if got := lookup("nobody@example.com"); !strings.Contains(got, "<ErrorCode>-1</ErrorCode>") || strings.Contains(got, "URL") {
		t.Error(got)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.ZoneErrorCode = -7 })
	if got := lookup(""); !strings.Contains(got, "<ErrorCode>-7</ErrorCode>") {
		t.Error(got)
	}
	w.tenant.Migrate(w.z6)
	if got := lookup(userName); !strings.Contains(got, "<URL>http://zone6.test/") {
		t.Error(got)
	}
	if n := w.z6.Requests(); len(w.sim.Ledger()) != 0 || n.Open != 6 {
		t.Errorf("%+v, ledger %v", n, w.sim.Ledger())
	}
}

func TestTheThresholdIsToldInWords(t *testing.T) {
	w := newWorld(t)
	w.must("GET", "Version", "")
	got := w.soap("getThresholdAndUsageInfo", "").atws(t)
	const want = "thresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60; numberOfExternalRequest: 2;"
	if got.ReturnCode != 1 || len(got.Infos) != 1 || got.Infos[0].Message != want {
		t.Fatalf("%+v", got)
	}
}

func TestOperationsWithoutAReturnCodeComplainInFaults(t *testing.T) {
	w := newWorld(t)
	for operation, tc := range map[string]struct{ body, want string }{
		"GetInvoiceMarkup": {"<InvoiceId>7</InvoiceId><Format>HTML</Format>", "soap:Server The Invoice with id 7 does not exist."},
		"GetFieldInfo":     {"<psObjectType>Nope</psObjectType>", "soap:Server The entity Nope does not exist."},
		"getUDFInfo":       {"", "soap:Server The entity  does not exist."},
		"GetAttachment":    {"<attachmentId>9</attachmentId>", "soap:Server The attachment with id 9 does not exist."},
		"CreateAttachment": {"", "soap:Server Missing Required Field: Info"},
	} {
		if got := w.soap(operation, tc.body).fault(t, 500); got != tc.want {
			t.Errorf("%s: %s", operation, got)
		}
	}
}

func TestEntitiesAndFieldsAreDescribed(t *testing.T) {
	w := newWorld(t)
	w.tenant.AddUDF("Tickets", "Message ID")
	for operation, tc := range map[string]struct{ body, want string }{
		"GetEntityInfo": {"", "<Name>Ticket</Name><CanUpdate>true</CanUpdate><CanDelete>false</CanDelete><CanCreate>true</CanCreate><CanQuery>true</CanQuery><HasUserDefinedFields>true</HasUserDefinedFields>"},
		"GetFieldInfo": {"<psObjectType>ticket</psObjectType>", "<Name>AccountID</Name><Label>AccountID</Label><Type>integer</Type><Length>0</Length><IsRequired>true</IsRequired>" +
			"<IsReadOnly>false</IsReadOnly><IsQueryable>true</IsQueryable><IsReference>true</IsReference><ReferenceEntityType>Account</ReferenceEntityType><IsPickList>false</IsPickList>"},
		"getUDFInfo": {"<psTable>Ticket</psTable>", "<Name>Message ID</Name>"},
	} {
		if got := w.soap(operation, tc.body); got.status != 200 || !strings.Contains(got.body, tc.want) {
			t.Errorf("%s: %d %s", operation, got.status, got.body)
		}
	}
	const pick = "<Value>9</Value><Label>On Hold</Label><IsDefaultValue>false</IsDefaultValue><SortOrder>5</SortOrder><parentValue></parentValue><IsActive>false</IsActive>"
	if got := w.soap("GetFieldInfo", "<psObjectType>Ticket</psObjectType>"); !strings.Contains(got.body, pick) {
		t.Error(got.body)
	}
}
