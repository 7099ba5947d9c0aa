package e2e

import (
	"testing"
)

const wsdlPath = "/ATServices/1.6/atws.wsdl"

func TestSOAPClientsFindTheGatewayAndWorkThroughIt(t *testing.T) {
	for name := range soapClients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			c := w.soapClient(name, "a")
			zone := c.must("zone", w.url(wsdlPath))
			if zone["url"] != w.url("/ATServices/1.6/atws.asmx") || zone["errorCode"] != 0.0 {
				t.Errorf("the zone is %v", zone)
			}
			if all := c.must("open", w.url(wsdlPath))["operations"].([]any); len(all) != 14 {
				t.Errorf("operations: %v", all)
			}
			if n := c.entities("query", queryXML("Ticket", 1)); n != 25 {
				t.Errorf("%d tickets", n)
			}
			w.unharmed(0)
		})
	}
}
