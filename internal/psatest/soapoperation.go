package psatest

// operation is one operation of the SOAP service, as its WSDL describes it.
type operation struct {
	name   string // of its element, and of its action after the namespace
	port   string // of the operation itself, where that is another
	open   bool   // needs no sign-in
	in     []parameter
	result string // type of its answer

	// run does what is asked for, and returns what writes the inside of the result. Its error is worded as the
	// PSA words it. It is called with the tenant's data held, unless the operation is open.
	run func(c *call, in *node) (func(*xmlWriter), error)
}

// parameter is one element that an operation takes.
type parameter struct {
	name, kind string
	required   bool
}

// operations are all that there are, in the order of the WSDL. They are set when the program starts, since they
// and the WSDL, which one of them writes about, know each other.
var operations []*operation

func init() {
	operations = []*operation{
		{name: "GetAttachment", in: []parameter{{"attachmentId", "s:long", true}}, result: "Attachment", run: getAttachment},
		{name: "CreateAttachment", in: []parameter{{"attachment", "tns:Attachment", false}}, result: "long", run: createAttachment},
		{name: "DeleteAttachment", in: []parameter{{"attachmentId", "s:long", true}}, result: "string", run: deleteAttachment},
		{name: "GetEntityInfo", port: "getEntityInfo", result: "ArrayOfEntityInfo", run: getEntityInfo},
		{name: "GetFieldInfo", in: []parameter{{"psObjectType", "s:string", false}}, result: "ArrayOfField", run: getFieldInfo},
		{name: "getUDFInfo", in: []parameter{{"psTable", "s:string", false}}, result: "ArrayOfField", run: getUDFInfo},
		{name: "query", in: []parameter{{"sXML", "s:string", false}}, result: "ATWSResponse", run: querySOAP},
		{name: "create", in: []parameter{{"Entities", "tns:ArrayOfEntity", false}}, result: "ATWSResponse", run: createSOAP},
		{name: "update", in: []parameter{{"Entities", "tns:ArrayOfEntity", false}}, result: "ATWSResponse", run: updateSOAP},
		{name: "delete", in: []parameter{{"Entities", "tns:ArrayOfEntity", false}}, result: "ATWSResponse", run: deleteSOAP},
		{name: "getZoneInfo", open: true, in: []parameter{{"UserName", "s:string", false}}, result: "ATWSZoneInfo", run: getZoneInfo},
		{name: "getThresholdAndUsageInfo", result: "ATWSResponse", run: getThresholdAndUsageInfo},
		{name: "GetWsdlVersion", result: "string", run: getWSDLVersion},
		{name: "GetInvoiceMarkup", in: []parameter{{"InvoiceId", "s:int", true}, {"Format", "s:string", true}}, result: "string", run: getInvoiceMarkup},
	}
}

// portName is what the WSDL calls the operation.
func (o *operation) portName() string {
	if o.port != "" {
		return o.port
	}
	return o.name
}

// resultType is the schema's name of the result's type.
func (o *operation) resultType() string {
	if o.result == "long" || o.result == "string" {
		return "s:" + o.result
	}
	return "tns:" + o.result
}
