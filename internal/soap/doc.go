// Package soap reads and writes the PSA's SOAP interface: SOAP 1.1 envelopes of the Autotask Web Services (ATWS), version 1.6.
//
// It reads what a request asks for, puts the gateway's own header in the place of the caller's while every other byte stays as it
// came, reads off an answer whether the PSA took the call, leads the addresses in a WSDL back to the gateway, and words faults. All
// names are taken by their namespace, never by their prefix's spelling.
//
// Nothing here trusts what it reads. The scanner refuses what an XML reader could be attacked with (document types, entities,
// instructions, other encodings, depth, size), and what two readers could understand differently, before anything else sees it. It
// holds one tag at a time, whatever the size of the document. The package opens no connection and no file.
package soap

// The namespaces.
const (
	// nsEnvelope is SOAP 1.1's (section 4.1.2).
	nsEnvelope = "http://schemas.xmlsoap.org/soap/envelope/"
	// nsEnvelope12 is SOAP 1.2's, which the PSA does not speak.
	nsEnvelope12 = "http://www.w3.org/2003/05/soap-envelope"
	// nsATWS is the PSA's, version 1.6, from its WSDL.
	nsATWS = "http://autotask.net/ATWS/v1_6/"
	// nsATWS15 is that of the version that the PSA has retired.
	nsATWS15 = "http://autotask.net/ATWS/v1_5/"
	nsXSI    = "http://www.w3.org/2001/XMLSchema-instance"
	// nsXSI2000 and nsXSI1999 are those of its drafts.
	nsXSI2000 = "http://www.w3.org/2000/10/XMLSchema-instance"
	nsXSI1999 = "http://www.w3.org/1999/XMLSchema-instance"
	nsXML     = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS   = "http://www.w3.org/2000/xmlns/"
	// nsWSDLSOAP and nsWSDLSOAP12 are those of a WSDL's addresses.
	nsWSDLSOAP   = "http://schemas.xmlsoap.org/wsdl/soap/"
	nsWSDLSOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
)

// known are the namespaces that are compared; they are not copied for every tag that declares one.
func known(uri []byte) string {
	switch string(uri) {
	case nsEnvelope:
		return nsEnvelope
	case nsATWS:
		return nsATWS
	case nsXSI:
		return nsXSI
	case "http://www.w3.org/2001/XMLSchema":
		return "http://www.w3.org/2001/XMLSchema"
	}
	return string(uri)
}
