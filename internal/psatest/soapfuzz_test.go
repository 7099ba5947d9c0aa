package psatest_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzSOAPEnvelope sends any bytes as the body of a call. Each is judged once and answered, by XML or by nothing.
func FuzzSOAPEnvelope(f *testing.F) {
	for _, operation := range []string{"query", "create", "CreateAttachment"} {
		for _, body := range []string{"", "<sXML>&lt;queryxml/&gt;</sXML>", "<Entities>" + ticket() + "</Entities>", "<attachment><Info/></attachment>"} {
			whole, err := io.ReadAll(soapRequest(operation, codeHeader(code), body).Body)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(operation, whole)
		}
	}
	f.Add("query", []byte(`<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>`))
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		w := newWorld(t)
		w.tenant.Seed(1)
		r := httptest.NewRequest("POST", asmx, bytes.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("SOAPAction", space+operation)
		r.SetBasicAuth(userName, secret)
		got := ask(w.z5, r)
		if err := wellFormed(got.body); err != nil || got.status != 200 && got.status != 500 {
			t.Errorf("%d, %v: %q", got.status, err, got.body)
		}
		if n := len(w.sim.Ledger()); n > 1 {
			t.Errorf("%d sign-ins", n)
		}
	})
}

// FuzzQueryXML asks with any text for a query.
func FuzzQueryXML(f *testing.F) {
	f.Add(queryXML("Ticket", field("id", "equals", "1")))
	f.Add(queryXML("Account", `<condition operator="or">`+field("Active", "isnull", "")+`</condition>`))
	f.Add(queryXML("Ticket", field("Title", "like", "%[_")+field("Title", "soundslike", "x")+field("CreateDate", "isthisday", "2026-01-01")))
	f.Add(queryXML("Ticket", `<field udf="true">x<expression op="equals">1</expression></field>`))
	f.Fuzz(func(t *testing.T, doc string) {
		w := newWorld(t)
		w.tenant.Seed(2)
		got := w.soap("query", "<sXML>"+escaped(doc)+"</sXML>")
		if a := got.atws(t); (a.ReturnCode == 1) != (len(a.Errors) == 0) || a.ReturnCode == -1 && len(a.Entities) > 0 {
			t.Errorf("%+v", a)
		}
	})
}

func wellFormed(doc string) error {
	for d := xml.NewDecoder(strings.NewReader(doc)); ; {
		if _, err := d.Token(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}
