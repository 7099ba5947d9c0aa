package psatest_test

import (
	"encoding/xml"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

// description is what of the WSDL its readers build their clients from.
type description struct {
	Space string `xml:"targetNamespace,attr"`
	Types []struct {
		Name     string `xml:"name,attr"`
		Abstract bool   `xml:"abstract,attr"`
		Base     struct {
			Name string `xml:"base,attr"`
		} `xml:"complexContent>extension"`
	} `xml:"types>schema>complexType"`
	Elements []struct {
		Name string `xml:"name,attr"`
	} `xml:"types>schema>element"`
	Messages []struct {
		Name string `xml:"name,attr"`
		Part struct {
			Element string `xml:"element,attr"`
		} `xml:"part"`
	} `xml:"message"`
	Operations []struct {
		Name      string `xml:"name,attr"`
		Operation struct {
			Action string `xml:"soapAction,attr"`
		} `xml:"http://schemas.xmlsoap.org/wsdl/soap/ operation"`
	} `xml:"binding>operation"`
	Addresses []struct {
		Location string `xml:"location,attr"`
	} `xml:"service>port>address"`
}

func describe(t *testing.T, z *psatest.Zone, target string) description {
	t.Helper()
	got := ask(z, httptest.NewRequest("GET", target, nil))
	if got.status != 200 || got.header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("%s: %d %v", target, got.status, got.header)
	}
	var d description
	if err := xml.Unmarshal([]byte(got.body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheWSDLIsThereWithoutALogin(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"/ATServices/1.6/atws.wsdl", "/atservices//1.6/ATWS.wsdl", asmx + "?wsdl", asmx + "?WSDL"} {
		d := describe(t, w.z5, target)
		if len(d.Addresses) != 1 || d.Addresses[0].Location != "http://zone5.test"+asmx {
			t.Errorf("%s leads to %v", target, d.Addresses)
		}
	}
	r := httptest.NewRequest("GET", "/ATServices/1.6/atws.wsdl", nil)
	r.SetBasicAuth(userName, "wrong")
	if got := ask(w.z5, r); got.status != 200 || len(w.sim.Ledger()) != 0 {
		t.Errorf("with a wrong login: %d, %v", got.status, w.sim.Ledger())
	}
}

func TestTheWSDLMayLeadToTheHostWithoutANumber(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.SOAPAddress = psatest.AddressDiscovery })
	if got := describe(t, w.z5, asmx+"?wsdl").Addresses[0].Location; got != "http://zone5.test"+asmx {
		t.Errorf("without such a host: %s", got)
	}
	w.sim.DiscoveryOn(nil).SetURL("http://webservices.test")
	if got := describe(t, w.z5, asmx+"?wsdl").Addresses[0].Location; got != "http://webservices.test"+asmx {
		t.Error(got)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.SOAPAddress = psatest.AddressZone })
	if got := describe(t, w.z5, asmx+"?wsdl").Addresses[0].Location; got != "http://zone5.test"+asmx {
		t.Errorf("of the zone again: %s", got)
	}
}

func TestTheWSDLDescribesTheOperations(t *testing.T) {
	d := describe(t, newWorld(t).z5, asmx+"?wsdl")
	var names []string
	for _, o := range d.Operations {
		names = append(names, o.Name)
		// The one whose action and element have a capital letter, and itself has not.
		if action, _ := strings.CutPrefix(o.Operation.Action, space); action != o.Name && (o.Name != "getEntityInfo" || action != "GetEntityInfo") {
			t.Errorf("%s has the action %s", o.Name, o.Operation.Action)
		}
	}
	slices.Sort(names)
	const want = "CreateAttachment DeleteAttachment GetAttachment GetFieldInfo GetInvoiceMarkup GetWsdlVersion create delete getEntityInfo " +
		"getThresholdAndUsageInfo getUDFInfo getZoneInfo query update"
	if got := strings.Join(names, " "); got != want || d.Space != space {
		t.Errorf("%s of %s", got, d.Space)
	}
	elements := map[string]bool{}
	for _, e := range d.Elements {
		elements["tns:"+e.Name] = true
	}
	for _, m := range d.Messages {
		if !elements[m.Part.Element] {
			t.Errorf("the message %s is of %s, which is nowhere", m.Name, m.Part.Element)
		}
	}
}

func TestTheWSDLDescribesTheEntities(t *testing.T) {
	derived, abstract := map[string]bool{}, ""
	for _, c := range describe(t, newWorld(t).z5, asmx+"?wsdl").Types {
		if c.Abstract {
			abstract += c.Name
		}
		derived[c.Name] = c.Base.Name == "tns:Entity"
	}
	for _, want := range strings.Fields("Ticket Account Contact TicketNote AccountNote InstalledProduct Resource TimeEntry AttachmentInfo ContactGroup") {
		if !derived[want] {
			t.Errorf("%s is no Entity", want)
		}
	}
	if abstract != "Entity" {
		t.Errorf("abstract: %s", abstract)
	}
}
