package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// envelope is a request as zeep writes one. Its header is the caller's; who stands between has to put another in its place, or leave
// it as it is and have the login's code in it already.
const envelope = `<?xml version='1.0' encoding='utf-8'?>
<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Header><ns0:AutotaskIntegrations xmlns:ns0="http://autotask.net/ATWS/v1_6/"><ns0:IntegrationCode>` + psaCode +
	`</ns0:IntegrationCode></ns0:AutotaskIntegrations></soap-env:Header><soap-env:Body><ns0:%[1]s xmlns:ns0="http://autotask.net/ATWS/v1_6/">%[2]s</ns0:%[1]s></soap-env:Body></soap-env:Envelope>`

// envelopeOf is the envelope of an operation, of a size, or a few bytes less.
func envelopeOf(operation string, size int) []byte {
	arguments := queryOf
	if operation == "CreateAttachment" {
		arguments = attachmentOf
	}
	room := size - len(fmt.Sprintf(envelope, operation, arguments(0)))
	return fmt.Appendf(nil, envelope, operation, arguments(room))
}

// queryOf is a query for tickets by their numbers, one after the other, as long as there is room for more of them.
func queryOf(room int) string {
	const one = `&lt;condition operator="or"&gt;&lt;field&gt;id&lt;expression op="equals"&gt;4711&lt;/expression&gt;&lt;/field&gt;&lt;/condition&gt;`
	return `<ns0:sXML>&lt;queryxml&gt;&lt;entity&gt;Ticket&lt;/entity&gt;&lt;query&gt;` + strings.Repeat(one, room/len(one)) + `&lt;/query&gt;&lt;/queryxml&gt;</ns0:sXML>`
}

// attachmentOf is a ticket's attachment of that many letters of base64.
func attachmentOf(room int) string {
	var data bytes.Buffer
	writeBase64(&data, room)
	return `<ns0:attachment><ns0:Data>` + data.String() + `</ns0:Data><ns0:Info><ns0:id>0</ns0:id><ns0:ParentID>5</ns0:ParentID><ns0:ParentType>4</ns0:ParentType>` +
		`<ns0:Title>log</ns0:Title></ns0:Info></ns0:attachment>`
}

// writeEnvelope writes a SOAP call's body.
func writeEnvelope(path string, c *call) error {
	return os.WriteFile(path, envelopeOf(c.Operation, c.Body), 0o600)
}
