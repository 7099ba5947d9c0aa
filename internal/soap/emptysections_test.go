package soap

import (
	"runtime/debug"
	"strings"
	"testing"
)

// Read in the stack's depth, a million empty sections would end the process: no recover holds an overflow.
func TestManyEmptySectionsAreReadInOneStackFrame(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	many := strings.Repeat("<![CDATA[]]>", 100_000)
	text := `<s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:x="` + nsXSI + `"><s:Header><y xmlns="urn:y">` + many + `</y></s:Header><s:Body><create xmlns="` + nsATWS +
		`"><Entities><Entity x:type="Ticket"><Title>` + many + `</Title></Entity></Entities></create></s:Body></s:Envelope>`
	q, err := Read(strings.NewReader(text), Create.Action())
	if err != nil || len(q.Records) != 1 || len(q.Records[0].Fields) != 1 {
		t.Fatal(q, err)
	}
}
