package psatest

// wsdl writes the WSDL: the operations, and the entities of this simulator.
func (c *call) wsdl() func(*xmlWriter) {
	address := c.wsdlAddress() + soapPath
	return func(w *xmlWriter) {
		w.in("wsdl:definitions", func() {
			w.in("wsdl:types", func() {
				w.in("s:schema", func() { writeSchema(w) }, "elementFormDefault", "qualified", "targetNamespace", atwsSpace)
			})
			for _, o := range operations {
				o.writeMessages(w)
			}
			w.in("wsdl:portType", func() {
				for _, o := range operations {
					o.writePort(w)
				}
			}, "name", "ATWSSoap")
			w.in("wsdl:binding", func() { writeBinding(w) }, "name", "ATWSSoap", "type", "tns:ATWSSoap")
			w.in("wsdl:service", func() {
				w.in("wsdl:port", func() { w.empty("soap:address", "location", address) },
					"name", "ATWSSoap", "binding", "tns:ATWSSoap")
			}, "name", "ATWS")
		},
			"xmlns:wsdl", "http://schemas.xmlsoap.org/wsdl/", "xmlns:soap", "http://schemas.xmlsoap.org/wsdl/soap/",
			"xmlns:s", xsdSpace, "xmlns:tns", atwsSpace, "targetNamespace", atwsSpace)
	}
}

// wsdlAddress is the base URL of the host that the WSDL names.
func (c *call) wsdlAddress() string {
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	if c.sim.behave.SOAPAddress == AddressDiscovery && c.sim.discovery != nil {
		return c.sim.discovery.url
	}
	return c.zone.url
}

func (o *operation) writeMessages(w *xmlWriter) {
	message := func(kind, part, element string) {
		w.in("wsdl:message", func() { w.empty("wsdl:part", "name", part, "element", "tns:"+element) }, "name", o.name+kind)
	}
	message("SoapIn", "parameters", o.name)
	message("SoapOut", "parameters", o.name+"Response")
	if !o.open {
		message("AutotaskIntegrations", "AutotaskIntegrations", "AutotaskIntegrations")
	}
}

// named are the attributes of an operation's input and output: those of an operation whose element has another
// name than itself say so.
func (o *operation) named(more ...string) []string {
	if o.port == "" {
		return more
	}
	return append([]string{"name", o.name}, more...)
}

func (o *operation) writePort(w *xmlWriter) {
	w.in("wsdl:operation", func() {
		w.empty("wsdl:input", o.named("message", "tns:"+o.name+"SoapIn")...)
		w.empty("wsdl:output", o.named("message", "tns:"+o.name+"SoapOut")...)
	}, "name", o.portName())
}

func writeBinding(w *xmlWriter) {
	w.empty("soap:binding", "transport", "http://schemas.xmlsoap.org/soap/http", "style", "document")
	for _, o := range operations {
		w.in("wsdl:operation", func() {
			w.empty("soap:operation", "soapAction", atwsSpace+o.name, "style", "document")
			w.in("wsdl:input", func() {
				w.empty("soap:body", "use", "literal")
				if !o.open {
					w.empty("soap:header", "message", "tns:"+o.name+"AutotaskIntegrations", "part", "AutotaskIntegrations", "use", "literal")
				}
			}, o.named()...)
			w.in("wsdl:output", func() { w.empty("soap:body", "use", "literal") }, o.named()...)
		}, "name", o.portName())
	}
}
