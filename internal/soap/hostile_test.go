package soap

import (
	"fmt"
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

// Each name is looked for among the namespaces in scope: 1800 of them made half a minute's work of 16 MiB.
func TestNamespacesInScopeAreBounded(t *testing.T) {
	for _, c := range []struct {
		each, deep int
		refused    bool
	}{{20, 3, false}, {22, 3, true}, {64, 1, true}} {
		block := "<y"
		for i := range c.each {
			block += fmt.Sprintf(` xmlns:p%d="urn:y"`, i)
		}
		header := strings.Repeat(block+">", c.deep) + strings.Repeat("</y>", c.deep)
		text := `<s:Envelope xmlns:s="` + nsEnvelope + `"><s:Header>` + header + header + `</s:Header><s:Body><GetEntityInfo xmlns="` + nsATWS + `"/></s:Body></s:Envelope>`
		if _, err := Read(strings.NewReader(text), GetEntityInfo.Action()); (err != nil) != c.refused {
			t.Errorf("%d in each of %d: %v", c.each, c.deep, err)
		}
	}
}

func TestATypeThatALaxReaderWouldTakeIsRefused(t *testing.T) {
	for attribute, refused := range map[string]bool{`x:nil="false"`: false, `x:Type="Account"`: true, `x:TYPE="Account"`: true, `x:Nil="true"`: true} {
		text := `<s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:x="` + nsXSI + `" x:schemaLocation="urn:a b"><s:Body><delete xmlns="` + nsATWS + `"><Entities><Entity ` + attribute +
			` x:type="ContactGroup"><id>1</id></Entity></Entities></delete></s:Body></s:Envelope>`
		if _, err := Read(strings.NewReader(text), Delete.Action()); (err != nil) != refused {
			t.Errorf("%s: %v", attribute, err)
		}
	}
}

// The PSA's reader takes names to the letter, others do not: what is twice there, but for its case, is once there to them.
func TestNamesThatDifferInTheirCaseAloneAreRefused(t *testing.T) {
	for fields, refused := range map[string]bool{
		`<id>1</id><ID>2</ID>`: true, `<Id>2</Id><id>1</id>`: true, `<Id>2</Id>`: true, `<Title/><title/>`: true, `<ParentID/><parentId/>`: true, `<userdefinedfields/>`: true, `<fields/>`: true,
		`<id>1</id><Title/><Identity/>`: false, `<UserDefinedFields/><Fields/>`: false,
	} {
		text := `<s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:x="` + nsXSI + `"><s:Body><update xmlns="` + nsATWS + `"><Entities><Entity x:type="Ticket">` + fields +
			`</Entity></Entities></update></s:Body></s:Envelope>`
		if _, err := Read(strings.NewReader(text), Update.Action()); (err != nil) != refused {
			t.Errorf("%s: %v", fields, err)
		}
	}
}

// ASP.NET's reader takes xsi:type and xsi:nil of the two drafts of XML Schema too, where the one that counts has none.
func TestSchemasOfDraftsAreRefused(t *testing.T) {
	for _, attribute := range []string{
		`y:nil="true" xmlns:y="http://www.w3.org/2000/10/XMLSchema-instance"`, `y:null="true" xmlns:y="http://www.w3.org/1999/XMLSchema-instance"`,
		`y:type="Account" xmlns:y="http://www.w3.org/1999/XMLSchema-instance"`,
	} {
		text := `<s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:x="` + nsXSI + `"><s:Body><delete xmlns="` + nsATWS + `"><Entities><Entity x:type="ContactGroup" ` + attribute +
			`><id>1</id></Entity></Entities></delete></s:Body></s:Envelope>`
		if _, err := Read(strings.NewReader(text), Delete.Action()); err == nil {
			t.Errorf("%s is read", attribute)
		}
	}
}

// .NET writes what a name cannot hold as _xHHHH_, and some of its readers undo that.
func TestNamesThatDotNETWouldDecodeAreRefused(t *testing.T) {
	for name, refused := range map[string]bool{
		"_x0043_ontact": true, "Conta_X0063_t": true, "Contact_x0074_": true, "a_x00000043_b": true, "_x_": false, "a_x0_": false, "x0043_ontact": false, "_x004g_": false, "_x0043": false,
	} {
		text := `<s:Envelope xmlns:s="` + nsEnvelope + `"><s:Body><GetFieldInfo xmlns="` + nsATWS + `"><psObjectType>` + name + `</psObjectType></GetFieldInfo></s:Body></s:Envelope>`
		if _, err := Read(strings.NewReader(text), GetFieldInfo.Action()); (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
