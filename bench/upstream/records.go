package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
)

// words are what made-up records are written in.
var words = strings.Fields(`the printer on second floor is out of paper again user cannot reach shared drive since update laptop does not
	start after restart mail server reports full disk please call back customer asks for new account backup job failed
	with error licence expires next month replaced switch port checked cable firewall rule added vpn slow screen black`)

// maker makes records that are the same in each run.
type maker struct{ random *rand.Rand }

func newMaker() maker { return maker{rand.New(rand.NewPCG(1, 2))} }

// text returns about n bytes of words. A number among them now and then keeps it from being compressed too well.
func (m maker) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		if m.random.IntN(6) == 0 {
			fmt.Fprintf(&b, "%x ", m.random.Uint32())
		} else {
			b.WriteString(words[m.random.IntN(len(words))] + " ")
		}
	}
	return b.String()[:n]
}

// item is a ticket as the PSA shows one, with so much description that it has size bytes.
func (m maker) item(size int) string {
	shape := fmt.Sprintf(`{"id":%d,"companyID":%d,"contactID":%d,"createDate":"2026-0%d-1%dT0%d:12:44.907Z","status":%d,"priority":2,"queueID":5,`+
		`"ticketNumber":"T2026%04d.%04d","title":%q,"assignedResourceID":null,"dueDateTime":"2026-11-30T17:00:00Z","lastActivityDate":"2026-10-0%dT11:02:17.153Z",`+
		`"userDefinedFields":[{"name":"Asset","value":"%08x"},{"name":"Site","value":null}],"description":"`,
		m.random.IntN(1e6), m.random.IntN(1e4), m.random.IntN(1e5), 1+m.random.IntN(9), m.random.IntN(10), m.random.IntN(10), m.random.IntN(10),
		m.random.IntN(1e4), m.random.IntN(1e4), m.text(40), 1+m.random.IntN(9), m.random.Uint32())
	return shape + m.text(max(0, size-len(shape)-2)) + `"}`
}

// ticket is the answer to a GET of one record, of size bytes.
func ticket(size int) []byte {
	return []byte(`{"item":` + newMaker().item(size-len(`{"item":}`)) + `}`)
}

// page is the first page of a query, of about size bytes: items of 2 KiB, and the address of the next page at its end.
func page(base string, size int) []byte {
	m := newMaker()
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	count := size / (2 << 10)
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.item(2<<10 - 1))
	}
	fmt.Fprintf(&b, `],"pageDetails":{"count":%d,"requestCount":500,"prevPageUrl":null,"nextPageUrl":%q}}`, count,
		base+`/ATServicesRest/V1.0/Tickets/query/next?paging=%7B%22pageSize%22%3A500%2C%22nextIds%22%3A%5B4711%5D%7D&search=%7B%22filter%22%3A%5B%5D%7D`)
	return b.Bytes()
}

// compressed is gzip as a server does it while it answers.
func compressed(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text) // a Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// The answers to SOAP's calls.
var (
	soapFound = soapAnswer("query", `<queryResult><ReturnCode>1</ReturnCode><EntityResults><Entity xsi:type="Ticket"><id>4711</id><Title>`+newMaker().text(600)+
		`</Title></Entity></EntityResults><EntityResultType>Ticket</EntityResultType><Errors/><EntityReturnInfoResults/></queryResult>`)
	soapStored = soapAnswer("CreateAttachment", `<CreateAttachmentResult>1</CreateAttachmentResult>`)
)

func soapAnswer(operation, result string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+
		`<soap:Body><%[1]sResponse xmlns="http://autotask.net/ATWS/v1_6/">%[2]s</%[1]sResponse></soap:Body></soap:Envelope>`, operation, result)
}
