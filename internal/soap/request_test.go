package soap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// action is an operation's SOAPAction, as clients send it.
func action(o Operation) string { return `"` + nsATWS + string(o) + `"` }

// enveloped is an envelope with a Body; header is a whole Header or nothing.
func enveloped(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:xsi="` + nsXSI + `" xmlns:t="` + nsATWS + `">` +
		header + `<s:Body>` + body + `</s:Body></s:Envelope>`
}

// integrations is a Header with what AutotaskIntegrations holds.
func integrations(inner string) string {
	return `<s:Header><AutotaskIntegrations xmlns="` + nsATWS + `">` + inner + `</AutotaskIntegrations></s:Header>`
}

// asking is a call of query.
func asking(xml string) string { return `<t:query><t:sXML>` + escaped(xml) + `</t:sXML></t:query>` }

const ticketQuery = `<queryxml><entity>Ticket</entity><query><field>id<expression op="greaterthan">0</expression></field></query></queryxml>`

func read(t *testing.T, xml string, o Operation) *Request {
	t.Helper()
	q, err := Read(strings.NewReader(xml), action(o))
	if err != nil {
		t.Fatalf("%v\n%s", err, xml)
	}
	return q
}

// refused demands a refusal whose text holds want.
func refused(t *testing.T, xml string, o Operation, want string) *Refusal {
	t.Helper()
	q, err := Read(iotest.OneByteReader(strings.NewReader(xml)), action(o))
	var r *Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Text, want) {
		t.Fatalf("%v, %+v, want %q\n%.300s", err, q, want, xml)
	}
	return r
}

// captured are the requests that real clients sent: the operation is in the file's name.
func captured(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*.xml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".xml")] = string(text)
	}
	return all
}

// operationOf is the operation in a captured request's name.
func operationOf(name string) Operation { return Operation(strings.Split(name, "-")[1]) }

func TestOfTwoIntegrationCodesNoneCounts(t *testing.T) {
	t.Parallel()
	for inner, want := range map[string]string{
		"<IntegrationCode>a</IntegrationCode>":                                                                         "a",
		"<IntegrationCode>a</IntegrationCode><IntegrationCode>a</IntegrationCode>":                                     "a",
		"<IntegrationCode>a</IntegrationCode><IntegrationCode>b</IntegrationCode>":                                     "",
		"<IntegrationCode>a</IntegrationCode><item><key>IntegrationCode</key><value>b</value></item>":                  "",
		"<IntegrationCode/><item><value>b</value><key>IntegrationCode</key></item>":                                    "b",
		"<IntegrationCode>a</IntegrationCode><IntegrationCode>b</IntegrationCode><IntegrationCode>a</IntegrationCode>": "",
	} {
		q := read(t, enveloped(integrations(inner), asking(ticketQuery)), Query)
		if q.Code() != want || strings.Contains(fmt.Sprintf("%+v", q), ":a}") {
			t.Errorf("%s: %q", inner, q.Code())
		}
	}
}

func TestWhatRealClientsSendIsRead(t *testing.T) {
	t.Parallel()
	query := Request{Operation: Query, Entity: "Ticket", Filters: []string{"TicketNumber"}}
	created := func(impersonate string, fields ...string) Request {
		return Request{Operation: Create, Impersonate: impersonate, Records: []Record{{Type: "Ticket", ID: "0", Fields: fields}}}
	}
	want := map[string]Request{
		"zeep-query": query, "php-query": query, "suds-query": query, "suds-query-default-namespace": query,
		"zeep-create-impersonated":               created("7", "udf:Message ID", "AccountID", "Title"),
		"suds-create":                            created("", "udf:Message ID", "AccountID", "Title"),
		"php-create":                             created("", "AccountID", "Title"),
		"zeep-getZoneInfo":                       {Operation: GetZoneInfo, UserName: "a@example.com"},
		"php-getZoneInfo-array-header":           {Operation: GetZoneInfo, UserName: "a@example.com", Impersonate: "7"},
		"zeep-getThresholdAndUsageInfo":          {Operation: GetThresholdAndUsageInfo},
		"php-getThresholdAndUsageInfo-no-header": {Operation: GetThresholdAndUsageInfo},
		"suds-GetFieldInfo":                      {Operation: GetFieldInfo, Entity: "Ticket", Impersonate: "7"},
		"zeep-CreateAttachment": {Operation: CreateAttachment, Records: []Record{
			{Type: "AttachmentInfo", ID: "0", Fields: []string{"ParentID", "ParentType"}, ParentID: "5", ParentType: "4"},
		}},
	}
	want["php-query"] = Request{Operation: Query, Entity: "Ticket", Filters: []string{"TicketNumber"}, Impersonate: "7"}
	files := captured(t)
	if len(files) != len(want) {
		t.Errorf("%d requests, %d expected", len(files), len(want))
	}
	for name, xml := range files {
		got := *read(t, xml, operationOf(name))
		if got.Size != int64(len(xml)) {
			t.Errorf("%s: size %d, want %d", name, got.Size, len(xml))
		}
		code := "CODE"
		if name == "php-getThresholdAndUsageInfo-no-header" || name == "zeep-getZoneInfo" {
			code = ""
		}
		if got.Code() != code {
			t.Errorf("%s: the code is %q", name, got.Code())
		}
		got.Size, got.header, got.prefix, got.code = 0, Request{}.header, "", nil
		if !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s: %+v, want %+v", name, got, want[name])
		}
	}
}

func TestTheActionAndTheBodyMustNameTheSameOperation(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                                   "is missing or empty",
		`""`:                                 "is missing or empty",
		`"`:                                  "names no operation",
		`"` + nsATWS + `query`:               "names no operation",
		`"` + nsATWS + `Query"`:              "names no operation",
		`"` + nsATWS + `drop"`:               "names no operation",
		`"query"`:                            "names no operation",
		`"` + nsATWS15 + `query"`:            "version 1.5",
		action(Query) + ", " + action(Query): "names no operation",
		action(Create):                       "must name the same",
	} {
		_, err := Read(strings.NewReader(enveloped("", asking(ticketQuery))), header)
		var r *Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Text, want) || r.Code != Client {
			t.Errorf("%s: %v, want %q", header, err, want)
		}
	}
	for _, header := range []string{nsATWS + "query", " " + action(Query) + "\t"} {
		if _, err := Read(strings.NewReader(enveloped("", asking(ticketQuery))), header); err != nil {
			t.Errorf("%q: %v", header, err)
		}
	}
	for _, element := range []string{"GetEntityInfo", "getEntityInfo"} {
		for _, header := range []string{"GetEntityInfo", "getEntityInfo"} {
			if q := read(t, enveloped("", "<t:"+element+"/>"), Operation(header)); q.Operation != GetEntityInfo {
				t.Errorf("%s is %s", header, q.Operation)
			}
		}
	}
	for _, o := range Operations {
		if got, err := ParseAction(o.Action()); got != o || err != nil || o.Free() != (o == GetZoneInfo) {
			t.Errorf("%s: %s, %v", o.Action(), got, err)
		}
		if strings.ToLower(string(o)) == "getentityinfo" {
			continue
		}
		for _, other := range Operations {
			if o != other {
				refused(t, enveloped("", "<t:"+string(o)+"/>"), other, "must name the same")
			}
		}
	}
}

func TestAnEnvelopeThatIsNotTheRightOneIsRefused(t *testing.T) {
	t.Parallel()
	body := `<s:Body>` + asking(ticketQuery) + `</s:Body>`
	open := func(space string) string { return `<s:Envelope xmlns:s="` + space + `" xmlns:t="` + nsATWS + `">` }
	for name, c := range map[string]struct {
		xml, want string
		code      FaultCode
	}{
		"SOAP 1.2":                {open(nsEnvelope12) + body + `</s:Envelope>`, "SOAP 1.2", VersionMismatch},
		"another namespace":       {open("urn:x") + body + `</s:Envelope>`, "not SOAP 1.1", VersionMismatch},
		"another element":         {`<x/>`, "no SOAP envelope", Client},
		"no Body":                 {open(nsEnvelope) + `</s:Envelope>`, "no Body", Client},
		"two Bodies":              {open(nsEnvelope) + body + body + `</s:Envelope>`, "something follows", Client},
		"a Header after it":       {open(nsEnvelope) + body + `<s:Header/></s:Envelope>`, "something follows", Client},
		"two Headers":             {open(nsEnvelope) + `<s:Header/><s:Header/>` + body + `</s:Envelope>`, "one Header", Client},
		"a Header of another's":   {open(nsEnvelope) + `<t:Header/>` + body + `</s:Envelope>`, "one Header", Client},
		"text in it":              {open(nsEnvelope) + `x` + body + `</s:Envelope>`, "text is where", Client},
		"an empty Body":           {enveloped("", ""), "Body is empty", Client},
		"two operations":          {enveloped("", asking(ticketQuery)+asking(ticketQuery)), "more than one element", Client},
		"version 1.5":             {enveloped("", `<query xmlns="`+nsATWS15+`"><sXML/></query>`), "version 1.6", Client},
		"an operation of others":  {enveloped("", `<query xmlns="urn:x"><sXML/></query>`), "none of the PSA's", Client},
		"an envelope within":      {enveloped("", enveloped("", asking(ticketQuery))[38:]), "none of the PSA's", Client},
		"an encoding":             {enveloped("", `<t:query s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><t:sXML/></t:query>`), "encodingStyle", Client},
		"a reference":             {enveloped("", `<t:query><t:sXML href="#1"/></t:query>`), "href", Client},
		"what is referred to":     {enveloped("", `<t:query><t:sXML id="1"/></t:query>`), "href", Client},
		"it is true that it must": {enveloped(`<s:Header><x xmlns="urn:x" s:mustUnderstand=" true "/></s:Header>`, asking(ticketQuery)), "understood", MustUnderstand},
		"it must be understood":   {enveloped(`<s:Header><x xmlns="urn:x" s:mustUnderstand="1"/></s:Header>`, asking(ticketQuery)), "understood", MustUnderstand},
	} {
		if r := refused(t, c.xml, Query, c.want); r.Code != c.code {
			t.Errorf("%s: code %s, want %s", name, r.Code, c.code)
		}
	}
}

func TestBlocksOfOthersAreLeftBehind(t *testing.T) {
	t.Parallel()
	q := read(t, enveloped(`<s:Header><x xmlns="urn:x" s:mustUnderstand="0"><ImpersonateAsResourceID>7</ImpersonateAsResourceID></x></s:Header>`, asking(ticketQuery)), Query)
	if q.Impersonate != "" {
		t.Errorf("impersonates %s", q.Impersonate)
	}
}

func TestImpersonationIsFoundInEveryForm(t *testing.T) {
	t.Parallel()
	for inner, want := range map[string]string{
		``:                           "",
		`<ImpersonateAsResourceID/>`: "",
		`<ImpersonateAsResourceID>0</ImpersonateAsResourceID>`:                                                     "",
		`<ImpersonateAsResourceID> 7 </ImpersonateAsResourceID>`:                                                   "7",
		`<ImpersonateAsResourceID><![CDATA[7]]></ImpersonateAsResourceID>`:                                         "7",
		`<ImpersonateAsResourceID xmlns="">7</ImpersonateAsResourceID>`:                                            "7",
		`<t:ImpersonateAsResourceID>&#55;</t:ImpersonateAsResourceID>`:                                             "7",
		`<item><value>7</value><key>ImpersonateAsResourceID</key></item>`:                                          "7",
		`<item><key>PartnerID</key><value>7</value></item>`:                                                        "",
		`<ImpersonateAsResourceID>7</ImpersonateAsResourceID><ImpersonateAsResourceID>7</ImpersonateAsResourceID>`: "7",
	} {
		if got := read(t, enveloped(integrations(inner), asking(ticketQuery)), Query).Impersonate; got != want {
			t.Errorf("%s: %q, want %q", inner, got, want)
		}
	}
	for inner, want := range map[string]string{
		`<ImpersonateAsResourceID>7</ImpersonateAsResourceID><item><key>ImpersonateAsResourceID</key><value>8</value></item>`: "more than once",
		`<ImpersonateAsResourceID>-7</ImpersonateAsResourceID>`:                                                               "no resource id",
		`<ImpersonateAsResourceID>07</ImpersonateAsResourceID>`:                                                               "no resource id",
		`<ImpersonateAsResourceID>7<!-- -->8</ImpersonateAsResourceID>`:                                                       "comment",
		`<ImpersonateAsResourceID><x>7</x></ImpersonateAsResourceID>`:                                                         "only a value",
		`<item><key>ImpersonateAsResourceID</key><value>7</value><value>8</value></item>`:                                     "twice",
		`<item><x/></item>`: "neither its key",
	} {
		refused(t, enveloped(integrations(inner), asking(ticketQuery)), Query, want)
	}
}

func TestRecordsAreTold(t *testing.T) {
	t.Parallel()
	q := read(t, enveloped("", `<t:update><t:Entities><!-- first --><t:Entity xsi:type=" t:Ticket "><t:Fields/><t:id>12</t:id><t:Title>x<![CDATA[<y>]]></t:Title>`+
		`<t:Status xsi:nil="true"/><t:UserDefinedFields><t:UserDefinedField><t:Value/><t:Name>a &amp; b</t:Name></t:UserDefinedField>`+
		`<t:UserDefinedField xsi:nil="1"/></t:UserDefinedFields></t:Entity>`+
		`<Entity xmlns="`+nsATWS+`" xsi:type="Account"><id xsi:nil="true"/><Fields><Field/></Fields></Entity></t:Entities></t:update>`), Update)
	want := []Record{
		{Type: "Ticket", ID: "12", Fields: []string{"Title", "Status", "udf:a & b"}},
		{Type: "Account", Fields: []string{"Fields"}},
	}
	if !reflect.DeepEqual(q.Records, want) {
		t.Errorf("%+v, want %+v", q.Records, want)
	}
}

func TestRecordsThatCouldBeTakenOtherwiseAreRefused(t *testing.T) {
	t.Parallel()
	entity := func(inner string) string { return `<t:Entity xsi:type="t:Ticket">` + inner + `</t:Entity>` }
	for entities, want := range map[string]string{
		``:                                                          "holds no Entity",
		`<t:Entity><t:id>1</t:id></t:Entity>`:                       "no xsi:type",
		`<t:Entity type="t:Ticket"/>`:                               "no xsi:type",
		`<t:Entity xsi:type="u:Ticket"/>`:                           "stands for no namespace",
		`<t:Entity xsi:type="Ticket"/>`:                             "another namespace",
		`<t:Entity xsi:type="xsi:Ticket"/>`:                         "another namespace",
		`<t:Entity xsi:type="t:Entity"/>`:                           "names no entity",
		`<t:Entity xsi:type="t:"/>`:                                 "names no entity",
		`<Entity xsi:type="t:Ticket"/>`:                             "no Entity of the namespace",
		`<t:Ticket/>`:                                               "no Entity of the namespace",
		entity(`<Title>x</Title>`):                                  "another namespace",
		entity(`<t:id>1</t:id><t:id>2</t:id>`):                      "two ids",
		entity(`<t:id>-0</t:id>`):                                   "no whole number",
		entity(`<t:id>01</t:id>`):                                   "no whole number",
		entity(`<t:id>1.0</t:id>`):                                  "no whole number",
		entity(`<t:id>1<!-- -->2</t:id>`):                           "comment",
		entity(`<t:Title/><t:Title/>`):                              "field twice",
		entity(`<t:Title><t:id/></t:Title>`):                        "only a value",
		entity(`x`):                                                 "text is where",
		entity(`<t:UserDefinedFields><t:x/></t:UserDefinedFields>`): "no UserDefinedField",
		entity(`<t:UserDefinedFields><t:UserDefinedField/></t:UserDefinedFields>`):                                                         "has no Name",
		entity(`<t:UserDefinedFields><t:UserDefinedField><t:Name>a</t:Name><t:Name>b</t:Name></t:UserDefinedField></t:UserDefinedFields>`): "two Names",
		entity(`<t:UserDefinedFields><t:UserDefinedField><t:x/></t:UserDefinedField></t:UserDefinedFields>`):                               "neither its Name",
		strings.Repeat(entity(""), 201): "more than 200",
	} {
		refused(t, enveloped("", `<t:create><t:Entities>`+entities+`</t:Entities></t:create>`), Create, want)
	}
	refused(t, enveloped("", `<t:create><t:Entities>`+entity("")+`</t:Entities><t:Entities/></t:create>`), Create, "twice")
	refused(t, enveloped("", `<t:create><t:other/></t:create>`), Create, "does not have in the WSDL")
	refused(t, enveloped("", `<t:create><Entities/></t:create>`), Create, "another namespace")
	refused(t, enveloped("", `<t:create/>`), Create, "lacks its element Entities")
	read(t, enveloped("", `<t:create><t:Entities>`+strings.Repeat(entity(""), 200)+`</t:Entities></t:create>`), Create)
}

func TestTheOtherOperationsTellWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Request{
		`<t:GetAttachment><t:attachmentId>5</t:attachmentId></t:GetAttachment>`:                          {Operation: GetAttachment, ID: "5"},
		`<t:DeleteAttachment><t:attachmentId>5</t:attachmentId></t:DeleteAttachment>`:                    {Operation: DeleteAttachment, ID: "5"},
		`<t:GetInvoiceMarkup><t:Format>HTML</t:Format><t:InvoiceId>9</t:InvoiceId></t:GetInvoiceMarkup>`: {Operation: GetInvoiceMarkup, ID: "9"},
		`<t:getUDFInfo><t:psTable>Ticket</t:psTable></t:getUDFInfo>`:                                     {Operation: GetUDFInfo, Entity: "Ticket"},
		`<t:GetFieldInfo><t:psObjectType> Ticket </t:psObjectType></t:GetFieldInfo>`:                     {Operation: GetFieldInfo, Entity: "Ticket"},
		`<t:GetWsdlVersion/>`: {Operation: GetWsdlVersion},
		`<t:getZoneInfo/>`:    {Operation: GetZoneInfo},
	} {
		got := *read(t, enveloped("", body), want.Operation)
		got.Size, got.header, got.prefix = 0, Request{}.header, ""
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
	refused(t, enveloped("", `<t:GetAttachment/>`), GetAttachment, "lacks")
	refused(t, enveloped("", `<t:GetAttachment><t:attachmentId/></t:GetAttachment>`), GetAttachment, "empty")
	refused(t, enveloped("", `<t:GetWsdlVersion><t:x/></t:GetWsdlVersion>`), GetWsdlVersion, "does not have")
	refused(t, enveloped("", `<t:GetFieldInfo><t:psObjectType>a b</t:psObjectType></t:GetFieldInfo>`), GetFieldInfo, "name of an entity")
	attach := func(inner string) string {
		return enveloped("", `<t:CreateAttachment><t:attachment>`+inner+`</t:attachment></t:CreateAttachment>`)
	}
	refused(t, attach(`<t:Data/>`), CreateAttachment, "has no Info")
	refused(t, attach(`<t:Info/><t:Info/>`), CreateAttachment, "one Info")
	refused(t, attach(`<t:Info><t:ParentType>1</t:ParentType><t:ParentType>4</t:ParentType></t:Info>`), CreateAttachment, "twice")
}

func TestAQueryIsTold(t *testing.T) {
	t.Parallel()
	const head, tail = `<queryxml version="1.0"><entity>Ticket</entity><query>`, `</query></queryxml>`
	for xml, want := range map[string][]string{
		ticketQuery: {"id"},
		head + tail: nil,
		head + `<condition><field>Status<expression op="equals">5</expression></field><condition operator="OR"><field udf="true">Message &amp; ID` +
			`<expression op="like">a</expression><expression op="isnull"/></field><field udf="False">id</field></condition></condition><!-- x -->` + tail: {"Status", "udf:Message & ID", "id"},
		`<?xml version="1.0" encoding="utf-16"?>` + ticketQuery: {"id"},
		"\n" + ticketQuery + "\n":                               {"id"},
		head + `<field>id<expression op="equals"><![CDATA[<field>x</field>]]></expression></field><field>id</field>` + tail: {"id"},
	} {
		if q := read(t, enveloped("", asking(xml)), Query); q.Entity != "Ticket" || !slices.Equal(q.Filters, want) {
			t.Errorf("%s: %+v, want %v", xml, q, want)
		}
	}
	inCDATA := enveloped("", `<t:query><t:sXML><![CDATA[`+ticketQuery+`]]></t:sXML></t:query>`)
	if q := read(t, inCDATA, Query); q.Entity != "Ticket" || !slices.Equal(q.Filters, []string{"id"}) {
		t.Errorf("%+v", q)
	}
}

func TestAQueryThatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	const head, tail = `<queryxml><entity>Ticket</entity><query>`, `</query></queryxml>`
	for xml, want := range map[string]string{
		"":                               "no query",
		"Ticket":                         "follows or precedes",
		"<queryxml>":                     "breaks off",
		`<queryxml/>`:                    "names no entity",
		`<queryxml><entity/></queryxml>`: "name of an entity",
		`<queryxml><entity>a</entity><entity>b</entity></queryxml>`: "not understood",
		head + tail[:8] + `<query/></queryxml>`:                     "not understood",
		`<queryxml xmlns="urn:x"/>`:                                 "not understood",
		ticketQuery + "x":                                           "follows or precedes",
		ticketQuery + ticketQuery:                                   "follows or precedes",
		ticketQuery + "<!--":                                        "breaks off",
		`<queryxml x="1"/>`:                                         "not understood",
		`<!DOCTYPE queryxml [<!ENTITY e "Account">]><queryxml><entity>&e;</entity></queryxml>`: "DOCTYPE",
		head + `<order/>` + tail:                                                 "not understood",
		head + `<field x="1">id</field>` + tail:                                  "not understood",
		head + `<field udf="maybe">id</field>` + tail:                            "neither",
		head + `<field>a b</field>` + tail:                                       "no name that a field can have",
		head + `<field udf="true"> </field>` + tail:                              "no name that a field can have",
		head + `<field>id<expression op="equals">0</expression>x</field>` + tail: "not understood",
		head + `<field>id<!-- -->x</field>` + tail:                               "not understood",
		head + `<field>id<field>x</field></field>` + tail:                        "not understood",
		head + strings.Repeat(`<condition>`, 40) + tail:                          "more than 32 deep",
		head + tail + `<!--` + strings.Repeat("x", maxQuery) + `-->`:             "longer than any",
	} {
		refused(t, enveloped("", asking(xml)), Query, want)
	}
	if r := refused(t, enveloped("", asking(`<queryxml><x/></queryxml>`)), Query, "in the query"); r.At != 14 || !strings.HasSuffix(r.Error(), "(at byte 14)") {
		t.Error(r)
	}
	refused(t, enveloped("", `<t:query><t:sXML/><t:sXML/></t:query>`), Query, "no query")
	refused(t, enveloped("", strings.Replace(asking(ticketQuery), `</t:query>`, `<t:sXML/></t:query>`, 1)), Query, "twice")
	refused(t, enveloped("", `<t:query><t:sXML>`+ticketQuery+`</t:sXML></t:query>`), Query, "only a value")
}

func TestHowManyFieldsAreNamedIsBounded(t *testing.T) {
	t.Parallel()
	fields := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<t:f%d/>", i)
		}
		return `<t:Entity xsi:type="t:Ticket">` + b.String() + `</t:Entity>`
	}
	create := func(entities string) string {
		return enveloped("", `<t:create><t:Entities>`+entities+`</t:Entities></t:create>`)
	}
	read(t, create(strings.Repeat(fields(1024), 16)), Create)
	refused(t, create(fields(1025)), Create, "more fields")
	refused(t, create(strings.Repeat(fields(1024), 16)+fields(1)), Create, "more fields")
	var filters strings.Builder
	for i := range 1025 {
		fmt.Fprintf(&filters, "<field>f%d</field>", i)
	}
	refused(t, enveloped("", asking(`<queryxml><entity>Ticket</entity><query>`+filters.String()+`</query></queryxml>`)), Query, "more fields")
}

func TestTheParentOfAnAttachmentIsANumberOrNotTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"9": "9", " 9 ": "9", "": "", "nine": "", "-9": "", strings.Repeat("9", 20): ""} {
		q := read(t, enveloped("", `<t:CreateAttachment><t:attachment><t:Info><t:ParentID>`+text+`</t:ParentID></t:Info></t:attachment></t:CreateAttachment>`), CreateAttachment)
		if got := q.Records[0].ParentID; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestASourcesErrorIsNotTheDocuments(t *testing.T) {
	t.Parallel()
	whole := enveloped("", asking(ticketQuery))
	for n := range whole {
		src := io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(errOfSource))
		if _, err := Read(src, action(Query)); !errors.Is(err, errOfSource) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if _, err := Read(strings.NewReader(whole[:n]), action(Query)); err == nil || !strings.Contains(err.Error(), "breaks off") {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for name, src := range map[string]io.Reader{
		"with its end": iotest.DataErrReader(strings.NewReader(whole)), "by the byte": iotest.OneByteReader(strings.NewReader(whole)),
		"by halves": iotest.HalfReader(bytes.NewReader([]byte(whole))),
	} {
		if q, err := Read(src, action(Query)); err != nil || q.Size != int64(len(whole)) {
			t.Errorf("%s: %v, %+v", name, err, q)
		}
	}
}

var errOfSource = errors.New("the source's")
