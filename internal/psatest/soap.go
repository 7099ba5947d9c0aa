package psatest

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// The namespaces of SOAP 1.6.
const (
	atwsSpace     = "http://autotask.net/ATWS/v1_6/"
	envelopeSpace = "http://schemas.xmlsoap.org/soap/envelope/"
	xsiSpace      = "http://www.w3.org/2001/XMLSchema-instance"
	xsdSpace      = "http://www.w3.org/2001/XMLSchema"
	soapPath      = "/ATServices/1.6/atws.asmx"
)

// WSDLAddress says which host the WSDL tells clients to send their calls to.
type WSDLAddress int

// The addresses that have been seen in copies of the WSDL.
const (
	AddressZone      WSDLAddress = iota // of the zone that served the WSDL
	AddressDiscovery                    // of the host without a number, where the Sim has one
)

// CodeAnswer is what a SOAP call with a right secret and without its right integration code is answered with.
type CodeAnswer int

// The answers to a wrong integration code. One client's log has the first; the sign-in counts as failed in any case.
const (
	CodeError  CodeAnswer = iota // a 200 with ReturnCode -1, or a fault where the operation's answer has no ReturnCode
	CodeRefuse                   // the bare 401
)

// soapCall is what a call to the SOAP service has beyond others.
type soapCall struct {
	version string     // as in the path: "1.6"
	file    string     // folded: "atws.asmx"
	wsdl    bool       // asks for the WSDL
	foreign bool       // posted, and not as text/xml
	action  string     // the header SOAPAction, without quotes
	op      *operation // nil if the action is none
	params  *node      // the operation's element, nil where there is none
	broken  *soapFault // why the envelope could not be read
}

// newSOAPCall is nil for calls of REST.
func newSOAPCall(c *call, r *http.Request) *soapCall {
	if len(c.parts) == 0 || c.parts[0] != "atservices" {
		return nil
	}
	s := &soapCall{}
	if len(c.parts) > 1 {
		s.version = c.parts[1]
	}
	if len(c.parts) == 3 {
		s.file = c.parts[2]
	}
	_, asked := c.query["wsdl"]
	s.wsdl = s.file == "atws.wsdl" || s.file == "atws.asmx" && asked
	if s.version != "1.6" || s.file != "atws.asmx" || c.method != http.MethodPost {
		return s
	}
	media, _, err := mime.ParseMediaType(header(r, "Content-Type"))
	s.foreign = err != nil || media != "text/xml"
	s.action = strings.Trim(strings.TrimSpace(header(r, "SOAPAction")), `"`)
	if !s.foreign {
		s.op = operationOf(s.action)
	}
	return s
}

// operationOf is what an action stands for. Case matters, as it does to ASP.NET.
func operationOf(action string) *operation {
	name, ours := strings.CutPrefix(action, atwsSpace)
	at := slices.IndexFunc(operations, func(o *operation) bool { return ours && o.name == name })
	if at < 0 {
		return nil
	}
	return operations[at]
}

// signsIn tells whether the call's credentials are judged, which the head of the request decides: a body that
// cannot be read is no reason not to.
func (s *soapCall) signsIn() bool { return s.op != nil && !s.op.open }

// operation is the name of the call's SOAP operation, empty for anything else.
func (c *call) operation() string {
	if c.soap == nil || c.soap.op == nil {
		return ""
	}
	return c.soap.op.name
}

// present takes the credentials from where SOAP has them: from HTTP Basic and from the header of the envelope.
func (c *call) present(r *http.Request) {
	c.user, c.secret, _ = r.BasicAuth()
	c.code, c.impersonate = "", ""
}

// retired is what every request to version 1.5 gets. How the real one refuses since it was shut off is not known;
// this is the form in which it has refused a version to users who may not have it: ASP.NET's page of errors.
func retired() answer {
	a := html(http.StatusInternalServerError, "Version 1.5 of the API is no longer available. Please use version 1.6.")
	a.header.Set("Content-Type", "text/html; charset=utf-8")
	return a
}

// serveSOAP answers a call whose sign-in was accepted, or that needs none.
func (c *call) serveSOAP() answer {
	s := c.soap
	reads := c.method == http.MethodGet || c.method == http.MethodHead
	switch {
	case s.version == "1.5":
		return retired()
	case s.version != "1.6" || s.file != "atws.asmx" && s.file != "atws.wsdl":
		return html(http.StatusNotFound, "File or directory not found.")
	case s.wsdl && reads:
		return xmlAnswer(http.StatusOK, c.wsdl())
	case reads:
		return html(http.StatusOK, "ATWS")
	case c.method != http.MethodPost || s.file == "atws.wsdl":
		return html(http.StatusMethodNotAllowed, "HTTP verb used to access this page is not allowed.")
	case s.foreign:
		return answer{status: http.StatusUnsupportedMediaType}
	case s.op == nil:
		return fault(clientFault, "Server did not recognize the value of HTTP Header SOAPAction: "+s.action+".")
	}
	return c.operate()
}

// operate runs the operation, with the tenant's data held where there is a tenant.
func (c *call) operate() answer {
	if c.soap.broken != nil {
		return c.soap.broken.answer()
	}
	if c.who != nil {
		c.who.tenant.data.Lock()
		defer c.who.tenant.data.Unlock()
	}
	write, err := c.soap.op.run(c, c.soap.params)
	if err != nil {
		return c.complained(err.Error())
	}
	return c.responded(write)
}
