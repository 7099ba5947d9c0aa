package psatest

import "strings"

// openEnvelope reads what the body of a SOAP call says: who signs in, and what is asked for.
func (c *call) openEnvelope() {
	s := c.soap
	if s == nil || s.op == nil {
		return
	}
	if c.bodyErr != nil {
		s.broken = &soapFault{clientFault, "Server was unable to read request."}
		return
	}
	root, err := parseXML(c.body)
	if err != nil {
		s.broken = &soapFault{clientFault, "Server was unable to read request. ---> There is an error in the XML document. ---> " + err.Error()}
		return
	}
	if root.name.Local != "Envelope" || root.name.Space != envelopeSpace {
		s.broken = &soapFault{versionFault, "Possible SOAP version mismatch: Envelope namespace " + root.name.Space +
			" was unexpected. Expecting " + envelopeSpace + "."}
		return
	}
	integration := root.child(envelopeSpace, "Header").child(atwsSpace, "AutotaskIntegrations")
	c.code = integration.child(atwsSpace, "IntegrationCode").value()
	c.impersonate = integration.child(atwsSpace, "ImpersonateAsResourceID").value()
	if strings.Trim(c.impersonate, "0") == "" {
		c.impersonate = "" // a number that was not set
	}
	s.params = root.child(envelopeSpace, "Body").child(atwsSpace, s.op.name)
}

// param is the text of one of the operation's parameters; empty where it was not sent.
func param(in *node, name string) string { return in.child(atwsSpace, name).value() }
