package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	wsdlHead = `<?xml version="1.0" encoding="utf-8"?>` + "\r\n" + `<wsdl:definitions xmlns:soap="` + nsWSDLSOAP + `" xmlns:s12="` + nsWSDLSOAP12 + `" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">` +
		`<wsdl:documentation>soap:address location="https://webservices2.autotask.net/" is <![CDATA[<soap:address location="https://x/"/>]]></wsdl:documentation>`
	wsdlTail   = `<address xmlns="urn:x" location="https://webservices2.autotask.net/"/><!-- <soap:address location="https://y/"/> --></wsdl:definitions>` + "\n"
	psaAddress = `https://webservices2.autotask.net/ATServices/1.6/atws.asmx`
	ourAddress = `https://psa.example.com/a?b=1&c="d"`
)

// led returns a WSDL that leads to ourAddress.
func led(src string) (string, error) {
	out, err := io.ReadAll(NewWSDL(strings.NewReader(src), ourAddress))
	return string(out), err
}

func TestTheAddressesOfAWSDLLeadToUs(t *testing.T) {
	t.Parallel()
	ours := escaped(ourAddress)
	filler := strings.Repeat("<wsdl:message name='x'/>\n", 8000)
	for name, c := range map[string]struct{ before, after string }{
		"SOAP 1.1":         {`<soap:address location="` + psaAddress + `" />`, `<soap:address location="` + ours + `" />`},
		"SOAP 1.2":         {`<s12:address  location = '` + psaAddress + `'></s12:address>`, `<s12:address  location = '` + ours + `'></s12:address>`},
		"another prefix":   {`<x:address xmlns:x="` + nsWSDLSOAP + `" location="a"/>`, `<x:address xmlns:x="` + nsWSDLSOAP + `" location="` + ours + `"/>`},
		"more attributes":  {`<soap:address wsdl:location="b" x="location" location="a"/>`, `<soap:address wsdl:location="b" x="location" location="` + ours + `"/>`},
		"two of them":      {`<soap:address location=""/><soap:address location="b"/>`, `<soap:address location="` + ours + `"/><soap:address location="` + ours + `"/>`},
		"a large one":      {filler + `<soap:address location="a"/>`, filler + `<soap:address location="` + ours + `"/>`},
		"none":             {``, ``},
		"without location": {`<soap:address/>`, `<soap:address/>`},
		"others' elements": {`<soap:body location="a"/><wsdl:address location="b"/>`, `<soap:body location="a"/><wsdl:address location="b"/>`},
	} {
		if got, err := led(wsdlHead + c.before + wsdlTail); err != nil || got != wsdlHead+c.after+wsdlTail {
			t.Errorf("%s: %v\n%.2000s", name, err, got)
		}
		r := NewWSDL(iotest.OneByteReader(strings.NewReader(wsdlHead+c.before+wsdlTail)), ourAddress)
		if err := iotest.TestReader(r, []byte(wsdlHead+c.after+wsdlTail)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWSDLThatCannotBeReadIsWithheld(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "<a", "<!DOCTYPE a><a/>", wsdlHead + `<soap:address location="` + psaAddress, wsdlHead, "<a><!-- " + psaAddress, "<html><br></html>"} {
		got, err := led(src)
		var r *Refusal
		if !errors.As(err, &r) || strings.Contains(got, psaAddress) {
			t.Errorf("%.60q: %v, %q", src, err, got)
		}
	}
	w := NewWSDL(iotest.ErrReader(errOfSource), "x")
	for range 2 {
		if _, err := w.Read(make([]byte, 10)); !errors.Is(err, errOfSource) {
			t.Errorf("%v", err)
		}
	}
}

// FuzzWSDL: what comes out is what came in but for the locations, as another reader sees it, or it is refused.
func FuzzWSDL(f *testing.F) {
	f.Add([]byte(wsdlHead + `<soap:address location="` + psaAddress + `"/>` + wsdlTail))
	f.Add([]byte(wsdlHead + `<s12:address location='a'/><x:address xmlns:x="` + nsWSDLSOAP + `" x="1"/>` + wsdlTail))
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := io.ReadAll(NewWSDL(iotest.HalfReader(bytes.NewReader(src)), ourAddress))
		if err != nil {
			return
		}
		want, got := locations(t, src), locations(t, out)
		if want.rest != got.rest || want.count != got.count || got.ours != got.count {
			t.Fatalf("%+v, want %+v\n%s\n%s", got, want, src, out)
		}
		if want.count == 0 && !bytes.Equal(src, out) {
			t.Fatalf("%s\n%s", src, out)
		}
	})
}

type locationsSeen struct {
	count, ours int
	rest        string // all else
}

func locations(t *testing.T, doc []byte) (seen locationsSeen) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	var rest strings.Builder
	for {
		token, err := d.Token()
		if err == io.EOF {
			seen.rest = rest.String()
			return seen
		}
		if err != nil {
			t.Fatalf("another reader refuses it: %v\n%s", err, doc)
		}
		start, ok := token.(xml.StartElement)
		if ok && start.Name.Local == "address" && (start.Name.Space == nsWSDLSOAP || start.Name.Space == nsWSDLSOAP12) {
			for i, a := range start.Attr {
				if a.Name.Local == "location" && a.Name.Space == "" {
					seen.count++
					if a.Value == ourAddress {
						seen.ours++
					}
					start.Attr[i].Value = ""
				}
			}
		}
		rest.WriteString(printed(token))
	}
}

func printed(token xml.Token) string {
	var b strings.Builder
	switch token := token.(type) {
	case xml.StartElement:
		b.WriteString("<" + token.Name.Space + " " + token.Name.Local)
		for _, a := range token.Attr {
			b.WriteString("|" + a.Name.Space + " " + a.Name.Local + "=" + a.Value)
		}
	case xml.EndElement:
		b.WriteString("/" + token.Name.Local)
	case xml.CharData:
		b.Write(token)
	case xml.Comment:
		b.Write(token)
	}
	return b.String()
}
