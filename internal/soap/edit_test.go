package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// kept is a Body in memory.
type kept string

func (k kept) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(k))), nil }
func (k kept) Size() int64                  { return int64(len(k)) }

// edited returns an envelope with our header in it.
func edited(t testing.TB, whole string, o Operation, code, impersonate string) string {
	t.Helper()
	q, err := Read(strings.NewReader(whole), action(o))
	if err != nil {
		t.Fatal(err)
	}
	e, err := q.Edit(kept(whole), code, impersonate)
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for range 2 { // it can be opened again
		in, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(in, readAll(t, e)); err != nil {
			t.Fatal(err)
		}
		if got := string(readAll(t, e)); first != "" && got != first {
			t.Fatal("a second opening reads something else")
		} else {
			first = got
		}
	}
	if int64(len(first)) != e.Size() {
		t.Fatalf("%d bytes, and Size is %d", len(first), e.Size())
	}
	return first
}

func readAll(t testing.TB, b Body) []byte {
	t.Helper()
	in, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	all, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const ourHeader = `<AutotaskIntegrations xmlns="` + nsATWS + `"><IntegrationCode>A&amp;B</IntegrationCode>` +
	`<ImpersonateAsResourceID>7</ImpersonateAsResourceID></AutotaskIntegrations>`

func TestOurHeaderTakesTheCallersPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, header, after string }{
		"a header": {
			`<?xml version="1.0"?><s:Envelope xmlns:s="` + nsEnvelope + `">` + "\n",
			`<s:Header  a="1"><x xmlns="urn:x"><!-- </s:Header> --><![CDATA[</s:Header>]]></x></s:Header >`, "\n<s:Body>",
		},
		"an empty header": {`<s:Envelope xmlns:s="` + nsEnvelope + `">`, `<s:Header/>`, `<s:Body>`},
		"no header":       {"\xef\xbb\xbf" + `<s:Envelope xmlns:s="` + nsEnvelope + `"><!-- <s:Header/> --> `, ``, `<s:Body>`},
		"two prefixes":    {`<s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:p="` + nsEnvelope + `">`, `<p:Header></p:Header>`, `<s:Body>`},
	} {
		after := c.after + `<query xmlns="` + nsATWS + `"><sXML>` + escaped(ticketQuery) + "</sXML></query></s:Body></s:Envelope> \n"
		want := c.before + `<s:Header>` + ourHeader + `</s:Header>` + after
		if got := edited(t, c.before+c.header+after, Query, "A&B", "7"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	bare := `<Envelope xmlns="` + nsEnvelope + `"><Body><query xmlns="` + nsATWS + `"><sXML>` + escaped(ticketQuery) + `</sXML></query></Body></Envelope>`
	if got := edited(t, bare, Query, "c", ""); !strings.Contains(got, `"><Header><AutotaskIntegrations xmlns="`+nsATWS+`"><IntegrationCode>c</IntegrationCode></AutotaskIntegrations></Header><Body>`) {
		t.Error(got)
	}
}

func TestWhatRealClientsSendGoesOutWithOurHeader(t *testing.T) {
	t.Parallel()
	for name, whole := range captured(t) {
		got := edited(t, whole, operationOf(name), "OURS", "")
		if strings.Contains(got, "CODE") || strings.Contains(got, "ImpersonateAs") || strings.Count(got, "OURS") != 1 {
			t.Errorf("%s: %s", name, got)
		}
		var e struct {
			Header struct {
				Code []string `xml:"http://autotask.net/ATWS/v1_6/ AutotaskIntegrations>IntegrationCode"`
			} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Header"`
		}
		if err := xml.Unmarshal([]byte(got), &e); err != nil || len(e.Header.Code) != 1 || e.Header.Code[0] != "OURS" {
			t.Errorf("%s: %v, %+v", name, err, e)
		}
	}
}

func TestACodeThatXMLCannotHoldIsNotSent(t *testing.T) {
	t.Parallel()
	q := read(t, enveloped("", asking(ticketQuery)), Query)
	for _, code := range []string{"hunter2\x00", "hunter2\xff"} {
		if _, err := q.Edit(kept(""), code, ""); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestTheCodeIsNotPrinted(t *testing.T) {
	t.Parallel()
	whole := enveloped("", asking(ticketQuery))
	e, err := read(t, whole, Query).Edit(kept(whole), "hunter2", "")
	if err != nil {
		t.Fatal(err)
	}
	hidden := fmt.Sprint([]byte("hunter2"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(format, e); strings.Contains(text, "hunter2") || strings.Contains(text, hidden[1:len(hidden)-1]) {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// TestALargeBodyIsNeverHeld runs alone: it looks at what is allocated.
func TestALargeBodyIsNeverHeld(t *testing.T) {
	info := `<t:CreateAttachment><t:attachment><t:Info><t:ParentID>1</t:ParentID></t:Info><t:Data>`
	whole := enveloped(integrations("<IntegrationCode>x</IntegrationCode>"), info+strings.Repeat("QUJDREVGR0hJSktM", 10<<16)+`</t:Data></t:attachment></t:CreateAttachment>`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e, err := read(t, whole, CreateAttachment).Edit(kept(whole), "x", "")
	if err != nil {
		t.Fatal(err)
	}
	in, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, in)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; err != nil || n != e.Size() || grown > 1<<20 {
		t.Errorf("%v, %d of %d bytes, %d allocated", err, n, e.Size(), grown)
	}
}

func TestABodyThatBreaksOffDoesNotPassForWhole(t *testing.T) {
	t.Parallel()
	for name, pad := range map[string]string{"joined in memory": "", "streamed": strings.Repeat("x", 2*small)} {
		whole := enveloped(integrations("<x/>"), asking(ticketQuery))
		q := read(t, whole, Query)
		for n := range q.header.to {
			e, err := q.Edit(saying{kept(whole[:n]), n + int64(len(pad))}, "c", "")
			if err != nil {
				t.Fatal(err)
			}
			in, err := e.Open()
			if err == nil {
				_, err = io.ReadAll(in)
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
}

// saying is a body that says it has another size.
type saying struct {
	Body
	size int64
}

func (s saying) Size() int64 { return s.size }

// FuzzEnvelope: what goes out is the same as what came in but for the header, which is ours, or it is refused; what is read is well-formed to
// another reader too, which sees the same in it.
func FuzzEnvelope(f *testing.F) {
	for name, whole := range captured(f) {
		f.Add([]byte(whole), string(operationOf(name)), "OURS")
	}
	f.Add([]byte(enveloped(integrations(`<ImpersonateAsResourceID>7</ImpersonateAsResourceID>`), asking(ticketQuery))), "query", "a&b")
	f.Add([]byte(enveloped("", `<t:delete><t:Entities><t:Entity xsi:type="t:Ticket"><t:id>5</t:id></t:Entity></t:Entities></t:delete>`)), "delete", "")
	f.Fuzz(func(t *testing.T, whole []byte, operation, code string) {
		q, err := Read(iotest.HalfReader(bytes.NewReader(whole)), nsATWS+operation)
		if err != nil {
			return
		}
		second := otherReading(t, whole)
		if second.operation != string(q.Operation) && q.Operation != GetEntityInfo {
			t.Fatalf("another reader sees %s, not %s\n%s", second.operation, q.Operation, whole)
		}
		checkRecords(t, q, second)
		e, err := q.Edit(kept(whole), code, "7")
		if err != nil {
			return
		}
		out := readAll(t, e)
		if int64(len(out)) != e.Size() || q.Size != int64(len(whole)) {
			t.Fatalf("%d bytes, Size %d; %d read of %d", len(out), e.Size(), q.Size, len(whole))
		}
		from, to := second.from, second.to
		if !bytes.HasPrefix(out, whole[:from]) || !bytes.HasSuffix(out, whole[to:]) {
			t.Fatalf("what is around the header has changed\n%s\n%s", whole, out)
		}
		again, err := Read(bytes.NewReader(out), nsATWS+operation)
		if err != nil || again.Impersonate != "7" || len(again.Records) != len(q.Records) || again.Entity != q.Entity {
			t.Fatalf("what goes out is read otherwise: %v, %+v\n%s", err, again, out)
		}
		if ours := otherReading(t, out); ours.code != code || ours.operation != second.operation {
			t.Fatalf("another reader sees the code %q\n%s", ours.code, out)
		}
	})
}

// otherReader reads with encoding/xml.
type otherReader struct {
	operation, code string
	from, to        int64 // the header, or where it may be
	types           []string
	fields          [][]string
}

func otherReading(t *testing.T, whole []byte) (r otherReader) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(whole))
	var path []string
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if err == io.EOF {
			return r
		}
		if err != nil {
			t.Fatalf("another reader refuses it: %v\n%s", err, whole)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			r.start(path, token, before)
		case xml.EndElement:
			if len(path) == 2 && path[1] == "Header" {
				r.to = d.InputOffset()
			}
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 4 && path[3] == "IntegrationCode" {
				r.code += string(token)
			}
		}
	}
}

func (r *otherReader) start(path []string, e xml.StartElement, before int64) {
	switch {
	case len(path) == 2 && e.Name.Local == "Header":
		r.from = before
	case len(path) == 2 && r.to == 0:
		r.from, r.to = before, before
	case len(path) == 3 && path[1] == "Body":
		r.operation = e.Name.Local
	case len(path) == 5 && path[1] == "Body" && path[3] == "Entities":
		r.fields = append(r.fields, nil)
		for _, a := range e.Attr {
			if a.Name.Local == "type" && a.Name.Space == nsXSI {
				_, after, found := strings.Cut(strings.TrimSpace(a.Value), ":")
				if !found {
					after = strings.TrimSpace(a.Value)
				}
				r.types = append(r.types, after)
			}
		}
	case len(path) == 6 && path[1] == "Body" && path[3] == "Entities":
		last := len(r.fields) - 1
		r.fields[last] = append(r.fields[last], e.Name.Local)
	}
}

// checkRecords compares what two readers see of a call's records.
func checkRecords(t *testing.T, q *Request, second otherReader) {
	t.Helper()
	if q.Operation == CreateAttachment {
		return
	}
	if len(q.Records) != len(second.types) || len(q.Records) != len(second.fields) {
		t.Fatalf("another reader sees %v, not %+v", second, q.Records)
	}
	for i, rec := range q.Records {
		if rec.Type != second.types[i] {
			t.Fatalf("another reader sees a %s, not a %s", second.types[i], rec.Type)
		}
		told := map[string]bool{"id": true, "Fields": true, "UserDefinedFields": true}
		for _, name := range rec.Fields {
			told[name] = true
		}
		for _, name := range second.fields[i] {
			if !told[name] {
				t.Fatalf("another reader sees the field %s, not in %v", name, rec.Fields)
			}
		}
	}
}

func BenchmarkReadAndEdit(b *testing.B) {
	entity := `<t:create><t:Entities><t:Entity xsi:type="t:Ticket"><t:id>0</t:id><t:AccountID>1</t:AccountID><t:Title>x</t:Title><t:Description>` +
		strings.Repeat("Printer on fire. ", 200) + `</t:Description></t:Entity></t:Entities></t:create>`
	large := `<t:CreateAttachment><t:attachment><t:Info><t:ParentID>1</t:ParentID></t:Info><t:Data>` + strings.Repeat("QUJDREVGR0hJSktM", 10<<16) +
		`</t:Data></t:attachment></t:CreateAttachment>`
	conditions := `<t:query><t:sXML>&lt;queryxml&gt;&lt;entity&gt;Ticket&lt;/entity&gt;&lt;query&gt;` +
		strings.Repeat(`&lt;field&gt;title&lt;expression op="NotEqual"&gt;Printer on fire, again&lt;/expression&gt;&lt;/field&gt;`, 30) + `&lt;/query&gt;&lt;/queryxml&gt;</t:sXML></t:query>`
	header := integrations("<IntegrationCode>x</IntegrationCode>")
	for name, c := range map[string]struct {
		o    Operation
		body string
	}{"4KiB": {Create, entity}, "4KiBOfConditions": {Query, conditions}, "10MiB": {CreateAttachment, large}} {
		whole := enveloped(header, c.body)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(whole)))
			for b.Loop() {
				q, err := Read(strings.NewReader(whole), action(c.o))
				if err != nil {
					b.Fatal(err)
				}
				e, err := q.Edit(kept(whole), "code", "")
				if err != nil {
					b.Fatal(err)
				}
				in, _ := e.Open()
				if _, err := io.Copy(io.Discard, struct{ io.Reader }{in}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
