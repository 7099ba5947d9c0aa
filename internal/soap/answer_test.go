package soap

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// answered is an answer as the PSA writes them.
func answered(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + nsEnvelope + `" xmlns:xsi="` + nsXSI + `" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>` +
		body + `</soap:Body></soap:Envelope>`
}

// queried is an answer to a query.
func queried(result string) string {
	return answered(`<queryResponse xmlns="` + nsATWS + `"><queryResult>` + result + `</queryResult></queryResponse>`)
}

const (
	fine   = `<ReturnCode>1</ReturnCode>`
	failed = `<ReturnCode>-1</ReturnCode><Errors><ATWSError><Message>a &amp; b</Message></ATWSError><ATWSError><Message>c</Message></ATWSError></Errors>`
)

func TestAnswersAreToldApart(t *testing.T) {
	t.Parallel()
	query := func(k AnswerKind, texts ...string) Answer { return Answer{k, Query, texts} }
	for name, c := range map[string]struct {
		body string
		want Answer
	}{
		"a success":                       {queried(fine), query(Succeeded)},
		"with records":                    {queried(fine + `<EntityResults><Entity xsi:type="Ticket"><id>1</id></Entity></EntityResults><EntityResultType>ticket</EntityResultType><Errors/>`), query(Succeeded)},
		"in another order":                {queried(`<Errors/><EntityResults/>` + fine), query(Succeeded)},
		"with errors":                     {queried(fine + failed[len(`<ReturnCode>-1</ReturnCode>`):]), query(Succeeded, "a & b", "c")},
		"a failure":                       {queried(failed), query(Failed, "a & b", "c")},
		"a failure in another order":      {queried(`<Errors><ATWSError><Message>x</Message></ATWSError></Errors><ReturnCode>-1</ReturnCode>`), query(Failed, "x")},
		"another code":                    {queried(`<ReturnCode>0</ReturnCode>`), Answer{}},
		"two codes":                       {queried(fine + `<ReturnCode>-1</ReturnCode>`), Answer{}},
		"two results":                     {answered(`<queryResponse xmlns="` + nsATWS + `"><queryResult>` + fine + `</queryResult><queryResult/></queryResponse>`), Answer{}},
		"a code in a record":              {queried(`<EntityResults>` + fine + `<Entity>` + fine + `</Entity></EntityResults>`), Answer{}},
		"a code in a record's text":       {queried(`<EntityResults><Entity><Title>` + escaped(fine) + `</Title></Entity></EntityResults>`), Answer{}},
		"a code in a record of a failure": {queried(`<EntityResults><Entity>` + fine + `</Entity></EntityResults>` + failed), query(Failed, "a & b", "c")},
		"a code of another namespace":     {queried(`<ReturnCode xmlns="urn:x">1</ReturnCode>`), Answer{}},
		"a code with a comment":           {queried(`<ReturnCode>-<!-- -->1</ReturnCode>`), Answer{}},
		"no code":                         {queried(`<EntityResults/>`), Answer{}},
		"another operation's result":      {answered(`<queryResponse xmlns="` + nsATWS + `"><createResult>` + fine + `</createResult></queryResponse>`), Answer{}},
		"an operation that is none":       {answered(`<dropResponse xmlns="` + nsATWS + `"><dropResult>` + fine + `</dropResult></dropResponse>`), Answer{}},
		"version 1.5":                     {answered(`<queryResponse xmlns="` + nsATWS15 + `"><queryResult>` + fine + `</queryResult></queryResponse>`), Answer{}},
		"the request itself":              {enveloped("", asking(ticketQuery)), Answer{}},
		"more in the Body":                {answered(`<queryResponse xmlns="` + nsATWS + `"><queryResult>` + fine + `</queryResult></queryResponse><x/>`), Answer{}},
		"more behind the envelope":        {queried(fine) + "<x/>", Answer{}},
		"fields":                          {answered(`<GetFieldInfoResponse xmlns="` + nsATWS + `"><GetFieldInfoResult><Field/></GetFieldInfoResult></GetFieldInfoResponse>`), Answer{Kind: Resulted, Operation: GetFieldInfo}},
		"a response without a result":     {answered(`<GetFieldInfoResponse xmlns="` + nsATWS + `"/>`), Answer{}},
		"a fault":                         {string(Fault(Server, "a < b")), Answer{Kind: Faulted, Texts: []string{"a < b"}}},
		"a fault with details":            {answered(`<soap:Fault><faultcode>soap:Server</faultcode><faultstring>x</faultstring><detail><faultstring>y</faultstring></detail></soap:Fault>`), Answer{Kind: Faulted, Texts: []string{"x"}}},
		"a fault without text":            {answered(`<soap:Fault><faultcode>soap:Server</faultcode></soap:Fault>`), Answer{}},
		"a fault of another namespace":    {answered(`<Fault><faultstring>x</faultstring></Fault>`), Answer{}},
		"a header before":                 {strings.Replace(queried(fine), "<soap:Body>", "<soap:Header><x/></soap:Header><soap:Body>", 1), query(Succeeded)},
		"an entity":                       {`<!DOCTYPE a>` + queried(fine), Answer{}},
		"JSON":                            {`{"items":[]}`, Answer{}},
		"HTML":                            {`<html><body>1</body></html>`, Answer{}},
		"nothing":                         {``, Answer{}},
		"another envelope":                {strings.ReplaceAll(queried(fine), nsEnvelope, nsEnvelope12), Answer{}},
	} {
		if got := ReadAnswer([]byte(c.body)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAnAnswerThatIsCutOffSaysNothingElseThanWhole(t *testing.T) {
	t.Parallel()
	records := `<EntityResults>` + strings.Repeat(`<Entity><Title>`+escaped(failed)+`</Title></Entity>`, 20) + `</EntityResults>`
	for name, whole := range map[string]string{
		"a success": queried(fine + records), "a failure": queried(failed), "a fault": string(Fault(Client, "x")), "a late success": queried(records + fine),
	} {
		want := ReadAnswer([]byte(whole)).Kind
		was := NotRead
		for n := range whole {
			got := ReadAnswer([]byte(whole[:n])).Kind
			if got != NotRead && got != want || got == NotRead && was != NotRead {
				t.Fatalf("%s, %d bytes: %d, want %d", name, n, got, want)
			}
			was = got
		}
	}
}

// FuzzReadAnswer: a success has its ReturnCode in the one place where it counts, as another reader sees it too.
func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{queried(fine), queried(failed), string(Fault(Server, "x")), queried(`<EntityResults>` + fine + `</EntityResults>`)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		got := ReadAnswer(head)
		if got.Kind != Succeeded && got.Kind != Failed {
			return
		}
		codes := map[string]int{}
		d := xml.NewDecoder(bytes.NewReader(head))
		var path []string
		for {
			token, err := d.Token()
			if err != nil && strings.Contains(err.Error(), "illegal character") { // at which that reader ends
				return
			}
			if err != nil {
				break
			}
			switch token := token.(type) {
			case xml.StartElement:
				path = append(path, token.Name.Local)
			case xml.EndElement:
				path = path[:len(path)-1]
			case xml.CharData:
				if len(path) == 5 && path[4] == "ReturnCode" && path[1] == "Body" {
					codes[strings.TrimSpace(string(token))]++
				}
			}
		}
		delete(codes, "")
		want := map[AnswerKind]string{Succeeded: "1", Failed: "-1"}[got.Kind]
		if text := fmt.Sprint(codes); len(codes) == 0 || !strings.Contains(text, want) && !bytes.Contains(head, []byte("CDATA")) {
			t.Fatalf("%+v, and another reader sees %s\n%s", got, text, head)
		}
	})
}
