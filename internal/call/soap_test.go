package call

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/limits"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/soap"
)

const (
	atws     = "http://autotask.net/ATWS/v1_6/"
	wsdlURL  = gatewayURL + "/ATServices/1.6/atws.wsdl"
	envelope = "http://schemas.xmlsoap.org/soap/envelope/"
)

// enveloped is an envelope of a client's: with a header of its own, and a body.
func enveloped(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + envelope + `" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="` + atws + `">` +
		header + `<s:Body>` + body + `</s:Body></s:Envelope>`
}

// ownHeader is the header in which clients send their integration code.
func ownHeader(inner string) string {
	return `<s:Header><t:AutotaskIntegrations><t:IntegrationCode>anything</t:IntegrationCode>` + inner + `</t:AutotaskIntegrations></s:Header>`
}

// ticketsFrom is the body of a query for all tickets from an id on.
func ticketsFrom(id int) string {
	return fmt.Sprintf(`<t:query><t:sXML>&lt;queryxml&gt;&lt;entity&gt;Ticket&lt;/entity&gt;&lt;query&gt;&lt;field&gt;id&lt;expression op="greaterthanorequals"&gt;%d&lt;/expression&gt;&lt;/field&gt;&lt;/query&gt;&lt;/queryxml&gt;</t:sXML></t:query>`, id)
}

// entities is the body of an operation on records, each by its type, id and further elements.
func entities(op soap.Operation, all ...[3]string) string {
	b := "<t:" + string(op) + "><t:Entities>"
	for _, e := range all {
		b += `<t:Entity xsi:type="t:` + e[0] + `"><t:id>` + e[1] + `</t:id>` + e[2] + `</t:Entity>`
	}
	return b + "</t:Entities></t:" + string(op) + ">"
}

const ticketFields = `<t:AccountID>1</t:AccountID><t:Title>by SOAP</t:Title><t:Status>1</t:Status><t:Priority>1</t:Priority><t:QueueID>5</t:QueueID><t:DueDateTime>2026-01-01T00:00:00</t:DueDateTime>`

// soapRequest is a SOAP call as an integration.
func (w *world) soapRequest(integration string, op soap.Operation, text string) *http.Request {
	w.Helper()
	req, err := http.NewRequest("POST", gatewayURL+"/ATServices/1.6/atws.asmx", strings.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth(integration, w.keys[integration].Reveal())
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", op.Action())
	return req
}

// soap makes one.
func (w *world) soap(integration string, op soap.Operation, text string) answer {
	w.Helper()
	return w.must(w.soapRequest(integration, op, text))
}

// must makes a request that has an answer.
func (w *world) must(req *http.Request) answer {
	w.Helper()
	a, err := w.do(req)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// faulted demands a fault of the gateway's own.
func (w *world) faulted(what string, a answer, reason, text string) {
	w.Helper()
	if a.status != 500 || a.reason() != reason || !strings.Contains(a.body, "<faultstring>") || !strings.Contains(a.body, text) || !strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		w.Errorf("%s: %d %q %s, want %s and %q", what, a.status, a.reason(), a.body, reason, text)
	}
}

func TestASOAPCallIsSentWithTheLoginsCredentialAndNothingOfTheCallers(t *testing.T) {
	inWorld(t, func(w *world) {
		post := w.postbox()
		for what, header := range map[string]string{"a header": ownHeader(""), "none": "", "a foreign one": `<s:Header><x xmlns="urn:x">secret of a caller's</x></s:Header>`} {
			req := w.soapRequest("a", soap.Query, enveloped(header, ticketsFrom(1)))
			req.URL.RawQuery = "op=query"
			for name, value := range map[string]string{"UserName": "x", "ApiIntegrationCode": "y", "Cookie": "c", "Accept-Charset": "*", "ImpersonationResourceId": "7"} {
				req.Header.Set(name, value)
			}
			a := w.must(req)
			if a.status != 200 || a.reason() != "" || strings.Count(a.body, "<TicketNumber") != 12 {
				t.Fatalf("%s: %d %s %s", what, a.status, a.reason(), a.body)
			}
			got := post.take()
			if len(got) != 1 {
				t.Fatalf("%s: %d arrived", what, len(got))
			}
			at := got[0]
			name, password, _ := at.BasicAuth()
			if name != user || password != "old-password" || at.URL.RawQuery != "" || at.Header.Get("SOAPAction") != soap.Query.Action() || at.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
				t.Errorf("%s: it came as %s by %s: %v", what, at.URL, name, at.Header)
			}
			if want := enveloped(`<s:Header><AutotaskIntegrations xmlns="`+atws+`"><IntegrationCode>CODE</IntegrationCode></AutotaskIntegrations></s:Header>`, ticketsFrom(1)); at.body != want || at.ContentLength != int64(len(want)) {
				t.Errorf("%s: the envelope is\n%s, want\n%s", what, at.body, want)
			}
			for _, of := range []string{"UserName", "Secret", "ApiIntegrationCode", "Cookie", "ImpersonationResourceId", "Accept-Charset"} {
				if v := at.Header.Get(of); v != "" {
					t.Errorf("%s: it has %s: %s", what, of, v)
				}
			}
		}
		w.unharmed()
	})
}

func TestWhatRealSOAPClientsSendIsServed(t *testing.T) {
	files, err := filepath.Glob("../soap/testdata/requests/*.xml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	inWorld(t, func(w *world) {
		w.change("a", func(i *Integration) { i.Impersonate = true })
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			op := soap.Operation(strings.Split(strings.TrimSuffix(filepath.Base(file), ".xml"), "-")[1])
			if a := w.soap("a", op, string(text)); a.reason() != "" || !strings.Contains(a.body, string(op)+"Response") && !strings.Contains(a.body, "Fault") {
				t.Errorf("%s: %d %s %s", file, a.status, a.reason(), a.body)
			}
		}
		w.safeNow()
	})
}

func TestWhoHasNoGoodKeyHearsTheBare401OfThePSA(t *testing.T) {
	inWorld(t, func(w *world) {
		for what, edit := range map[string]func(*http.Request){
			"no key":               func(r *http.Request) { r.Header.Del("Authorization") },
			"a wrong one":          func(r *http.Request) { r.SetBasicAuth("a", "wrong") },
			"and a wrong envelope": func(r *http.Request) { r.SetBasicAuth("a", "wrong"); r.Header.Set("SOAPAction", "x") },
		} {
			req := w.soapRequest("a", soap.Query, enveloped("", ticketsFrom(1)))
			edit(req)
			if a := w.must(req); a.status != 401 || a.reason() != "" || a.body != "" || a.header.Get("WWW-Authenticate") != `Basic Realm="gateway.test"` {
				t.Errorf("%s: %d %s %q %v", what, a.status, a.reason(), a.body, a.header)
			}
		}
		w.unharmed()
	})
}

func TestAKeyServesSOAPByAnyCarrier(t *testing.T) {
	inWorld(t, func(w *world) {
		for name, value := range map[string]string{"Secret": w.keys["a"].Reveal(), "Authorization": "Bearer " + w.keys["a"].Reveal()} {
			req := w.soapRequest("a", soap.Query, enveloped("", ticketsFrom(1)))
			req.Header.Del("Authorization")
			req.Header.Set(name, value)
			if a := w.must(req); a.status != 200 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

func TestWhatIsNoSOAPCallIsAFaultThatSaysWhy(t *testing.T) {
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
	}
	good := enveloped(ownHeader(""), ticketsFrom(1))
	for what, c := range map[string]struct {
		text string
		edit func(*http.Request)
		says string
	}{
		"no SOAPAction":            {good, header("SOAPAction"), "SOAPAction is missing"},
		"two of them":              {good, header("SOAPAction", soap.Query.Action(), soap.Create.Action()), "more than once"},
		"an unknown one":           {good, header("SOAPAction", `"urn:x"`), "names no operation"},
		"one of version 1.5":       {good, header("SOAPAction", `"http://autotask.net/ATWS/v1_5/query"`), "version 1.5"},
		"another than the body's":  {good, header("SOAPAction", soap.Create.Action()), "both must name the same"},
		"JSON":                     {good, header("Content-Type", "application/json"), "text/xml"},
		"no type":                  {good, header("Content-Type"), "Content-Type must be there once"},
		"SOAP 1.2's type":          {good, header("Content-Type", "application/soap+xml; charset=utf-8"), "text/xml"},
		"another charset":          {good, header("Content-Type", "text/xml; charset=utf-16"), "utf-8"},
		"gzip":                     {good, header("Content-Encoding", "gzip"), "not compressed"},
		"a document type":          {`<!DOCTYPE x [<!ENTITY a "b">]>` + good, nil, "faultcode>soap:Client<"},
		"no body":                  {"", nil, "faultcode>soap:Client<"},
		"one that breaks off":      {good[:len(good)-5], nil, "faultcode>soap:Client<"},
		"two bodies":               {strings.Replace(good, "</s:Envelope>", "<s:Body/></s:Envelope>", 1), nil, "faultcode>soap:Client<"},
		"a header of must":         {enveloped(`<s:Header><x xmlns="urn:x" s:mustUnderstand="1"/></s:Header>`, ticketsFrom(1)), nil, "soap:MustUnderstand"},
		"SOAP 1.2":                 {strings.ReplaceAll(good, envelope, "http://www.w3.org/2003/05/soap-envelope"), nil, "soap:VersionMismatch"},
		"a query of nobody's XML":  {enveloped("", `<t:query><t:sXML>SELECT 1</t:sXML></t:query>`), nil, "faultcode>soap:Client<"},
		"a create without records": {enveloped("", `<t:create><t:Entities/></t:create>`), header("SOAPAction", soap.Create.Action()), "soap:Client"},
	} {
		inWorld(t, func(w *world) {
			req := w.soapRequest("a", soap.Query, c.text)
			if c.edit != nil {
				c.edit(req)
			}
			w.faulted(what, w.must(req), "bad-request", c.says)
			if n := w.arrived(); n != 0 {
				t.Errorf("%s: %d calls came to the PSA", what, n)
			}
			w.unharmed()
		})
	}
}

func TestVersion15IsRefusedAsThePSARefusesIt(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, c := range [][2]string{{"GET", "atws.wsdl"}, {"GET", "atws.asmx?wsdl"}, {"POST", "atws.asmx"}} {
			req, _ := http.NewRequest(c[0], gatewayURL+"/ATServices/1.5/"+c[1], nil)
			w.faulted(c[1], w.must(req), "not-found", "use version 1.6")
		}
	})
}

func TestSOAPsZoneLookupLeadsBackAlikeForEveryName(t *testing.T) {
	inWorld(t, func(w *world) {
		w.served("a")
		before := w.sim.Requests().Total
		seen := map[string]bool{}
		for _, body := range []string{`<t:getZoneInfo><t:UserName>` + user + `</t:UserName></t:getZoneInfo>`, `<t:getZoneInfo><t:UserName>x</t:UserName></t:getZoneInfo>`, "anything", ""} {
			req := w.soapRequest("a", soap.GetZoneInfo, enveloped("", body))
			req.Header.Del("Authorization")
			a := w.must(req)
			if a.status != 200 || !strings.Contains(a.body, "<URL>"+gatewayURL+"/ATServices/1.6/atws.asmx</URL><ErrorCode>0</ErrorCode>") || !strings.Contains(a.body, "<CI>") {
				t.Errorf("%d %s", a.status, a.body)
			}
			seen[a.body] = true
		}
		if len(seen) != 1 || w.sim.Requests().Total != before {
			t.Errorf("%d answers, and the PSA was asked %d times", len(seen), w.sim.Requests().Total-before)
		}
		large := w.soapRequest("a", soap.GetZoneInfo, strings.Repeat("x", maxFreeBody+1))
		large.Header.Del("Authorization")
		if a := w.must(large); a.status != 200 {
			t.Errorf("a large body: %d", a.status)
		}
	})
}

func TestTheWSDLIsThePSAsAndLeadsToTheGateway(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, url := range []string{wsdlURL, gatewayURL + "/atservices//1.6/ATWS.asmx?WSDL", gatewayURL + "/ATServices/1.6/atws.asmx?wsdl="} {
			for _, basic := range []bool{false, true} {
				req, _ := http.NewRequest("GET", url, nil)
				if basic {
					req.SetBasicAuth("a", "wrong")
				}
				a := w.must(req)
				if a.status != 200 || strings.Count(a.body, `location="`+gatewayURL+`/ATServices/1.6/atws.asmx"`) != 1 || strings.Contains(a.body, "127.0.0.1:50") || !strings.Contains(a.body, "getThresholdAndUsageInfo") {
					t.Fatalf("%s: %d %.300s", url, a.status, a.body)
				}
			}
		}
		if n := w.wsdlsFetched(); n != 1 {
			t.Errorf("the PSA was asked %d times", n)
		}
		w.way.PublicURL = "https://psa.example.com/"
		if a := w.get(wsdlURL); !strings.Contains(a.body, `location="https://psa.example.com/ATServices/1.6/atws.asmx"`) {
			t.Errorf("with public_url: %d %.300s", a.status, a.body)
		}
		if a := w.get(gatewayURL + "/ATServices/1.6/atws.asmx"); a.reason() != "not-found" {
			t.Errorf("the address by GET: %d %s", a.status, a.body)
		}
	})
}

// get makes a request that needs no key.
func (w *world) get(url string) answer {
	w.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		w.Fatal(err)
	}
	return w.must(req)
}

// wsdlsFetched is how often the PSA was asked for its WSDL, where it was asked for nothing else without a sign-in.
func (w *world) wsdlsFetched() int {
	return w.sim.Requests().Open
}

func TestTheHeadOfTheWSDLIsNoBadKey(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 20 { // twice what shuts an address out
			req, err := http.NewRequest("HEAD", wsdlURL, http.NoBody)
			if err != nil {
				w.Fatal(err)
			}
			if a := w.must(req); a.status != 200 || a.body != "" || a.header.Get("Content-Length") == "" || a.header.Get("Content-Type") != "text/xml; charset=utf-8" {
				w.Fatalf("%d %v %q", a.status, a.header, a.body)
			}
		}
		if got, want := w.get(wsdlURL), 200; got.status != want {
			w.Errorf("%d", got.status)
		}
	})
}

func TestOneOfManyFetchesTheWSDL(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = 2 * time.Second })
		parallel(20, func(int) {
			if a := w.get(wsdlURL); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
		if n := w.wsdlsFetched(); n != 1 {
			t.Errorf("the PSA was asked %d times", n)
		}
	})
}

func TestTheWSDLIsNotAskedForBeforeTheConfigIsInForce(t *testing.T) {
	inWorld(t, func(w *world) {
		g, err := New(w.cfg, w.shared)
		if err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.g, g = g, w.g
		w.mu.Unlock()
		defer g.Close()
		later(2*time.Second, func() {
			if n := w.wsdlsFetched(); n != 0 {
				t.Errorf("the PSA was asked %d times before", n)
			}
			w.g.Commit()
		})
		if a := w.get(wsdlURL); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestTheLastGoodWSDLServesWhileThePSAIsAway(t *testing.T) {
	inWorld(t, func(w *world) {
		away := w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Reset})
		for range 3 {
			if a := w.get(wsdlURL); a.status != 502 || a.reason() != "upstream-unreachable" || !strings.Contains(a.body, "faultstring") {
				t.Errorf("where there never was one: %d %s %s", a.status, a.reason(), a.body)
			}
		}
		if n := away.Hits(); n != 1 {
			t.Errorf("the PSA was asked %d times in a moment", n)
		}
		away.Release()
		time.Sleep(wsdlAgain)
		if a := w.get(wsdlURL); a.status != 200 {
			t.Errorf("once it is back: %d", a.status)
		}
		page := w.sim.Fault(psatest.Fault{At: psatest.Received, Then: psatest.Answer, Status: 200, Body: "<html><body>maintenance</body></html>"})
		time.Sleep(wsdlFresh)
		w.load() // a reload forgets none
		for range 3 {
			if a := w.get(wsdlURL); a.status != 200 || !strings.Contains(a.body, "definitions") {
				t.Errorf("while it is away: %d", a.status)
			}
		}
		if n := page.Hits(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestByDefaultSOAPMayReadAndQueryAndNothingElse(t *testing.T) {
	inNotedWorld(t, func(w *world, told *notes) {
		w.policed("", false)
		for op, body := range map[soap.Operation]string{
			soap.Query: ticketsFrom(1), soap.GetFieldInfo: `<t:GetFieldInfo><t:psObjectType>Account</t:psObjectType></t:GetFieldInfo>`,
			soap.GetThresholdAndUsageInfo: `<t:getThresholdAndUsageInfo/>`, soap.GetEntityInfo: `<t:GetEntityInfo/>`,
		} {
			if a := w.soap("a", op, enveloped(ownHeader(""), body)); a.status != 200 {
				t.Errorf("%s: %d %s", op, a.status, a.body)
			}
		}
		before := w.arrived()
		for op, body := range map[soap.Operation]string{
			soap.Create: entities(soap.Create, [3]string{"Ticket", "0", ticketFields}), soap.Update: entities(soap.Update, [3]string{"Ticket", "1", ticketFields}),
			soap.Delete: entities(soap.Delete, [3]string{"ContactGroup", "1", ""}), soap.DeleteAttachment: `<t:DeleteAttachment><t:attachmentId>1</t:attachmentId></t:DeleteAttachment>`,
		} {
			w.faulted(string(op), w.soap("a", op, enveloped("", body)), "policy", "no policy permits it; this one would: permit (principal == Integration::")
			if c := told.last(w); c.Decision != report.Deny || c.Action == "" || c.Entity == "" || c.Outcome != "policy" {
				t.Errorf("%s is told as %+v", op, c)
			}
		}
		if w.arrived() != before {
			t.Error("a denied call came to the PSA")
		}
	})
}

func TestEachOfSeveralRecordsMustBePermitted(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action == Action::"create", resource == Entity::"Tickets");
forbid (principal, action, resource) when { context has fields && context.fields.contains("priority") };`, func(w *world) {
		plain := [3]string{"Ticket", "0", `<t:Title>x</t:Title>`}
		for what, c := range map[string]struct {
			third [3]string
			says  string
		}{
			"another entity":    {[3]string{"Account", "0", `<t:AccountName>x</t:AccountName>`}, "record 3 of 3, create Companies: "},
			"a forbidden field": {[3]string{"Ticket", "0", `<t:Priority xsi:nil="true"/>`}, "record 3 of 3, create Tickets: forbidden"},
		} {
			w.faulted(what, w.soap("a", soap.Create, enveloped("", entities(soap.Create, plain, plain, c.third))), "policy", c.says)
		}
		if n := w.arrived(); n != 0 {
			t.Errorf("%d calls came to the PSA", n)
		}
		full := [3]string{"Ticket", "0", strings.Replace(ticketFields, "<t:Priority>1</t:Priority>", "", 1)}
		if a := w.soap("a", soap.Create, enveloped("", entities(soap.Create, full, full))); a.status != 200 || a.reason() != "" {
			t.Errorf("two that are permitted: %d %s", a.status, a.body)
		}
	})
}

// SOAP's BulkEmailOptOut is REST's isOptedOutFromBulkEmail: no table has all such names, and what is not known must not be a way around.
func TestAForbiddenFieldIsNotReachedByAnotherNameOfSOAPs(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource);
forbid (principal, action == Action::"create", resource == Entity::"Contacts") when { context.fields.contains("isOptedOutFromBulkEmail") };
forbid (principal, action == Action::"query", resource == Entity::"Contacts") when { context.filters.contains("isOptedOutFromBulkEmail") };`, func(w *world) {
		contact := func(more string) string {
			return enveloped("", entities(soap.Create, [3]string{"Contact", "0", `<t:AccountID>1</t:AccountID><t:FirstName>A</t:FirstName><t:LastName>B</t:LastName><t:Active>1</t:Active>` + more}))
		}
		asking := func(field string) string {
			return enveloped("", strings.NewReplacer("Ticket", "Contact", "id&lt;", field+"&lt;").Replace(ticketsFrom(1)))
		}
		const says = "may be forbidden by its name in REST, which is not known"
		w.faulted("a create", w.soap("a", soap.Create, contact(`<t:BulkEmailOptOut>true</t:BulkEmailOptOut>`)), "policy", says)
		w.faulted("a query", w.soap("a", soap.Query, asking("BulkEmailOptOut")), "policy", says)
		if n := w.arrived(); n != 0 {
			t.Errorf("%d calls came to the PSA", n)
		}
		for what, a := range map[string]answer{
			"a create of known fields": w.soap("a", soap.Create, contact("")), "a query by a known one": w.soap("a", soap.Query, asking("LastName")),
			"an entity of which nothing is forbidden": w.soap("a", soap.Query, enveloped("", strings.NewReplacer("Ticket", "Account", "id&lt;", "Odd&lt;").Replace(ticketsFrom(1)))),
		} {
			if a.status != 200 || a.reason() != "" {
				t.Errorf("%s: %d %s %s", what, a.status, a.reason(), a.body)
			}
		}
	})
}

// Who decides himself what becomes of fields that are not known has decided it for these too.
func TestAForbidOfUnknownFieldsHoldsForNamesThatMayBeOthersInREST(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action, resource);
forbid (principal, action == Action::"create", resource == Entity::"Contacts") when { !context.fields_known || context.fields.contains("isActive") };`, func(w *world) {
		contact := func(field string) string {
			return enveloped("", entities(soap.Create, [3]string{"Contact", "0", `<t:AccountID>1</t:AccountID><t:FirstName>A</t:FirstName><t:LastName>B</t:LastName>` + field}))
		}
		w.faulted("an unknown name", w.soap("a", soap.Create, contact(`<t:BulkEmailOptOut>true</t:BulkEmailOptOut>`)), "policy", "which is not known: ")
		w.faulted("a forbidden one", w.soap("a", soap.Create, contact(`<t:Active>1</t:Active>`)), "policy", "forbidden")
		if n := w.arrived(); n != 0 {
			t.Errorf("%d calls came to the PSA", n)
		}
	})
}

func TestAPermitThatListsFieldsNeedsNoNameInREST(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action == Action::"query", resource == Entity::"Contacts") when { ["odd"].containsAll(context.filters) };`, func(w *world) {
		if a := w.soap("a", soap.Query, enveloped("", strings.NewReplacer("Ticket", "Contact", "id&lt;", "Odd&lt;").Replace(ticketsFrom(1)))); a.status != 200 || a.reason() != "" {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
	})
}

func TestPolicySeesWhatASOAPQueryFiltersOnAndThatItIsSOAP(t *testing.T) {
	inPolicedWorld(t, `permit (principal, action == Action::"query", resource == Entity::"Tickets") when { context.filters == ["id"] && context.api == "soap" };`, func(w *world) {
		if a := w.soap("a", soap.Query, enveloped("", ticketsFrom(1))); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.faulted("another field", w.soap("a", soap.Query, enveloped("", strings.Replace(ticketsFrom(1), "id&lt;", "Title&lt;", 1))), "policy", "no policy permits it")
	})
}

func TestAFreezeAndLimitsHoldForSOAP(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Freeze = []limits.Window{mustWindow(t, "sat", "00:00-24:00")}
		w.load()
		for op, body := range map[soap.Operation]string{soap.Create: entities(soap.Create, [3]string{"Ticket", "0", ticketFields}), soap.CreateAttachment: "x", soap.DeleteAttachment: "x", soap.Update: "x", soap.Delete: "x"} {
			w.faulted(string(op), w.soap("a", op, enveloped("", body)), "policy", "frozen until")
		}
		w.limited("a", func(l *Limits) { l.PerMinute = 1 })
		if a := w.soap("a", soap.Query, enveloped("", ticketsFrom(1))); a.status != 200 {
			t.Errorf("a query: %d %s", a.status, a.body)
		}
		a := w.soap("a", soap.Query, enveloped("", ticketsFrom(1)))
		w.faulted("one more", a, "rate", "1 calls in a minute")
		if a.header.Get("Retry-After") != "60" {
			t.Errorf("to wait %q", a.header.Get("Retry-After"))
		}
	})
}

func TestSOAPsImpersonationNeedsTheWordImpersonate(t *testing.T) {
	inWorld(t, func(w *world) {
		create := enveloped(ownHeader(`<t:ImpersonateAsResourceID>1</t:ImpersonateAsResourceID>`), entities(soap.Create, [3]string{"Ticket", "0", ticketFields}))
		w.faulted("without it", w.soap("a", soap.Create, create), "policy", "may not send ImpersonateAsResourceID")
		if w.arrived() != 0 {
			t.Error("it came to the PSA")
		}
		creator := func(text string) any {
			if a := w.soap("a", soap.Create, text); a.status != 200 || !strings.Contains(a.body, "<ReturnCode>1<") {
				t.Fatalf("%d %s", a.status, a.body)
			}
			all := w.tenant.Records("Tickets")
			return all[len(all)-1]["creatorResourceID"]
		}
		w.change("a", func(i *Integration) { i.Impersonate = true })
		if got := creator(create); got != int64(1) {
			t.Errorf("shown as %v", got)
		}
		w.loginShownAs("1", "old-password")
		time.Sleep(time.Minute)
		if got := creator(strings.Replace(create, ">1</t:Imp", "></t:Imp", 1)); got != int64(1) {
			t.Errorf("the login's own: shown as %v", got)
		}
	})
}

func TestCheckWarnsOfACredentialThatSOAPCannotCarry(t *testing.T) {
	inWorld(t, func(w *world) {
		warns := func(of string) bool {
			check, err := w.g.Check(context.Background(), "main")
			if err != nil {
				w.Fatal(err)
			}
			return strings.Contains(strings.Join(check.Warnings, "\n"), of)
		}
		const refused = "programs that use SOAP are refused on this login"
		if warns(refused) {
			w.Error("warned of a good one")
		}
		w.safe.put("main", user+":x", "a-password")
		if !warns(refused + ": the credential's user name holds a colon") {
			w.Error("a colon in the user name is not warned of")
		}
	})
}

func TestAReturnCodeOfFailurePassesAsItIs(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.soap("a", soap.Query, enveloped("", strings.Replace(ticketsFrom(1), "Ticket", "Unicorn", 1)))
		if a.status != 200 || a.reason() != "" || !strings.Contains(a.body, "<ReturnCode>-1</ReturnCode>") || !strings.Contains(a.body, "Unicorn does not exist") {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
		w.unharmed()
	})
}

func TestSOAPCallersSeeNothingOfARotationOrAZoneMove(t *testing.T) {
	inWorld(t, func(w *world) {
		query := enveloped(ownHeader(""), ticketsFrom(1))
		serves := func(what string) {
			if a := w.soap("a", soap.Query, query); a.status != 200 || !strings.Contains(a.body, "<ReturnCode>1<") {
				t.Errorf("%s: %d %s %s", what, a.status, a.reason(), a.body)
			}
		}
		serves("before")
		w.user.SetSecret("new-password")
		later(5*time.Second, func() { w.safe.put("main", user, "new-password") })
		serves("the PSA first")
		w.safe.put("main", user, "third-password")
		time.Sleep(time.Minute)
		serves("the store first")
		w.user.SetSecret("third-password")
		serves("and then the PSA")
		w.tenant.Migrate(w.z6)
		serves("after a move")
		w.safeNow()
	})
}

func TestALockedLoginIsToldInAFault(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sim.Fault(psatest.Fault{At: psatest.Received, Operation: "query", Times: 1, Then: psatest.Answer, Body: `<?xml version="1.0"?><soap:Envelope xmlns:soap="` + envelope + `"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>The user account has been locked. Please see your Autotask Administrator for details.</faultstring></soap:Fault></soap:Body></soap:Envelope>`})
		a := w.soap("a", soap.Query, enveloped("", ticketsFrom(1)))
		w.faulted("at first", a, "login-locked", "locked")
		w.faulted("and then", w.soap("a", soap.Query, enveloped("", ticketsFrom(1))), "login-locked", "locked")
	})
}

func TestAUserNameWithAColonCannotBeUsedWithSOAP(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser("a:b@example.com", "old-password", "CODE")
		w.safe.put("main", "a:b@example.com", "old-password")
		time.Sleep(time.Minute)
		w.served("a")
		w.faulted("SOAP", w.soap("a", soap.Query, enveloped("", ticketsFrom(1))), "secret-unavailable", "user name holds a colon")
		if l := w.g.Status().Logins[0]; l.Units.Free != l.Units.Budget {
			t.Errorf("units %+v", l.Units)
		}
		w.served("a")
	})
}

func TestASOAPCallThatIsChangedAfterPolicyIsRefused(t *testing.T) {
	inPolicedWorld(t, "", func(w *world) {
		w.changed = func(r *http.Request) { r.Header.Set("SOAPAction", soap.Create.Action()) }
		w.faulted("another action", w.soap("a", soap.Query, enveloped("", ticketsFrom(1))), "policy", "changed the call")
		w.changed = func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
		w.faulted("a coding", w.soap("a", soap.Query, enveloped("", ticketsFrom(1))), "policy", "changed the call")
		if w.arrived() != 0 {
			t.Error("it came to the PSA")
		}
	})
}

func TestALargeAttachmentGoesThrough(t *testing.T) {
	inWorld(t, func(w *world) {
		data := strings.Repeat("QUJD", 1<<20) // 3 MiB of "ABC"
		body := `<t:CreateAttachment><t:attachment><t:Data>` + data + `</t:Data><t:Info><t:id>0</t:id><t:ParentID>1</t:ParentID><t:ParentType>4</t:ParentType><t:Type>FILE_ATTACHMENT</t:Type><t:Title>t</t:Title><t:FullPath>t.txt</t:FullPath><t:Publish>1</t:Publish></t:Info></t:attachment></t:CreateAttachment>`
		if a := w.soap("a", soap.CreateAttachment, enveloped(ownHeader(""), body)); a.status != 200 || len(w.tenant.Records("TicketAttachments")) != 1 {
			t.Errorf("%d %.500s", a.status, a.body)
		}
		w.way.MaxBody = 1 << 20
		w.faulted("too large", w.soap("a", soap.CreateAttachment, enveloped(ownHeader(""), body)), "too-large", "larger than 1048576 bytes")
		w.unharmed()
	})
}

func TestWhoBringsHisOwnCredentialMayBringItBySOAP(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tenant.AddUser(guest, "guest-password", "CODE")
		w.passing("rmm", "192.0.2.7/32")
		bring := func(name, password, header string) answer {
			req := w.soapRequest("a", soap.Query, enveloped(header, ticketsFrom(1)))
			req.SetBasicAuth(name, password)
			return w.must(req)
		}
		own := `<s:Header><AutotaskIntegrations xmlns="` + atws + `"><item><key>IntegrationCode</key><value>CODE</value></item></AutotaskIntegrations></s:Header>`
		if a := bring(guest, "guest-password", own); a.status != 200 {
			t.Errorf("%d %s %s", a.status, a.reason(), a.body)
		}
		w.faulted("without a code", bring(guest, "guest-password", ""), "bad-request", "integration code")
		w.faulted("with two", bring(guest, "guest-password", ownHeader(`<t:IntegrationCode>CODE</t:IntegrationCode>`)), "bad-request", "integration code")
		w.faulted("a key as the code", bring(guest, "guest-password", strings.Replace(ownHeader(""), "anything", w.keys["a"].Reveal(), 1)), "bad-request", "integration code")
		if a := bring("nobody@example.com", "guest-password", own); a.status != 401 || a.reason() != "" {
			t.Errorf("a user whom nobody lists: %d %q", a.status, a.reason())
		}
		if n := len(w.sim.Ledger().Of(guest).Failed()) + w.failed(); n != 0 {
			t.Errorf("%d failed", n)
		}
		time.Sleep(time.Minute) // one that is not proven is tried a minute
		w.faulted("a wrong password", bring(guest, "wrong-password", own), "credential-refused", "")
		w.secretsUnseen("guest-password", "wrong-password")
	})
}

func TestASOAPCallHasItsLineInTheAuditLog(t *testing.T) {
	inAuditedWorld(t, true, func(w *world, p *paper) {
		w.policed(`permit (principal, action, resource == Entity::"Tickets");`, false)
		w.soap("a", soap.Query, enveloped(ownHeader(""), ticketsFrom(1)))
		list := p.entries(t)
		if n := len(list); n < 2 || list[n-2].API != "soap" || short(list[n-2]) != "intent a POST query Tickets|||||id|   0" || len(list[n-2].Records) != 0 {
			t.Fatalf("a query: %+v", list)
		}
		two := entities(soap.Update, [3]string{"Ticket", "1", `<t:Title>hidden</t:Title>`}, [3]string{"Ticket", "2", `<t:Status>1</t:Status>`})
		w.soap("a", soap.Update, enveloped("", two))
		list = p.entries(t)
		e := list[len(list)-2]
		if e.Entity != "Tickets" || e.ID != "1" || strings.Join(e.Records, " ") != "Tickets/1 Tickets/2" || strings.Join(e.Fields, " ") != "id status title" || e.Decision != "permit" {
			t.Errorf("two records: %+v", e)
		}
		w.soap("a", soap.Delete, enveloped("", entities(soap.Delete, [3]string{"Ticket", "1", ""}, [3]string{"Account", "7", ""})))
		if e := p.last(t); e.Entity != "Companies" || e.ID != "7" || strings.Join(e.Records, " ") != "Tickets/1 Companies/7" || e.Decision != "deny" || e.Reason != "policy" || e.Status != 500 {
			t.Errorf("one of two denied: %+v", e)
		}
		w.get(wsdlURL)
		if e := p.last(t); e.API != "soap" || e.Caller != "" || e.Status != 200 {
			t.Errorf("the WSDL: %+v", e)
		}
	})
}

// SOAP tells an attachment by its number alone: it may be of any kind that is forbidden.
func TestWhatIsForbiddenOfOneKindOfAttachmentIsOfAllThatAreNotTold(t *testing.T) {
	for policies, denied := range map[string]bool{
		`permit (principal, action, resource);`: false,
		`permit (principal, action, resource); forbid (principal, action, resource == Entity::"TicketAttachments");`:                                                    true,
		`permit (principal, action, resource); forbid (principal, action, resource == Entity::"ticketnoteattachments") when { resource has id && resource.id == "1" };`: true,
		`permit (principal, action, resource); forbid (principal, action, resource == Entity::"TicketNoteAttachments") when { resource has id && resource.id == "2" };`: false,
		`permit (principal, action, resource); forbid (principal, action == Action::"create", resource == Entity::"TicketAttachments");`:                                false,
		`permit (principal, action, resource); forbid (principal, action, resource == Entity::"AttachmentInfo");`:                                                       false,
		`permit (principal, action, resource == Entity::"TicketAttachments");`:                                                                                          true,
		`permit (principal, action, resource == Entity::"Attachments");`:                                                                                                false,
	} {
		inPolicedWorld(t, policies, func(w *world) {
			for _, op := range []soap.Operation{soap.GetAttachment, soap.DeleteAttachment} {
				body := "<t:" + string(op) + "><t:attachmentId>1</t:attachmentId></t:" + string(op) + ">"
				if a := w.soap("a", op, enveloped(ownHeader(""), body)); (a.reason() == "policy") != denied {
					t.Errorf("%s: %s: %d %s", policies, op, a.status, a.body)
				}
			}
		})
	}
}
