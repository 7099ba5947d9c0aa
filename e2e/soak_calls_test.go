package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// soakCall is one call as it is to be made, and what comes of it when nothing is wrong.
type soakCall struct {
	kind         string
	method, path string // path is below the gateway's address
	body         []byte
	header       http.Header

	status int               // that the PSA answers with
	own    string            // the gateway's own answer, such as "400 bad-request"; the PSA hears nothing of the call
	right  func([]byte) bool // whether the body is what was asked for; nil: any is
	// Of what is created; no other call has the title.
	creates, title string

	hangsUp time.Duration // after that; 0: never
	slow    bool          // reads its answer slowly
	pieces  bool          // sends its body in pieces
}

const restV1 = "/ATServicesRest/V1.0"

// soakMix are the kinds of calls by how often they come.
var soakMix = []struct {
	weight int
	make   func(s *soak, r *rand.Rand) soakCall
}{
	{30, (*soak).readCall},
	{14, (*soak).queryCall},
	{4, (*soak).countCall},
	{4, (*soak).freeCall},
	{16, (*soak).createCall},
	{4, (*soak).updateCall},
	{2, (*soak).attachCall},
	{3, (*soak).downloadCall},
	{9, (*soak).malformedCall},
	{8, (*soak).strangersCall},
}

// someCall draws a call, and whether its caller is one of those who make trouble.
func (s *soak) someCall(r *rand.Rand) soakCall {
	sum := 0
	for _, m := range soakMix {
		sum += m.weight
	}
	n := r.IntN(sum)
	for _, m := range soakMix {
		if n -= m.weight; n < 0 {
			c := m.make(s, r)
			if c.own == "" && r.IntN(12) == 0 {
				c.kind, c.hangsUp = c.kind+", hanging up", 1+some(r, 400*time.Millisecond)
			}
			c.pieces = len(c.body) > 0 && r.IntN(12) == 0
			return c
		}
	}
	panic("no call was drawn")
}

func holds(text string) func([]byte) bool {
	return func(body []byte) bool { return json.Valid(body) && bytes.Contains(body, []byte(text)) }
}

func (s *soak) readCall(r *rand.Rand) soakCall {
	if r.IntN(4) == 0 {
		return soakCall{kind: "read", method: "GET", path: fmt.Sprint(restV1, "/Companies/", 1+r.IntN(3)), status: 200, right: holds(`"companyName"`)}
	}
	return soakCall{kind: "read", method: "GET", path: fmt.Sprint(restV1, "/Tickets/", 1+r.IntN(soakTickets)), status: 200, right: holds(`"ticketNumber"`)}
}

// someTickets asks for those tickets that were there from the start, some on a page.
func someTickets(r *rand.Rand) string {
	return fmt.Sprintf(`{"MaxRecords":%d,"filter":[{"op":"lte","field":"id","value":%d}]}`, 5+r.IntN(30), soakTickets)
}

func (s *soak) queryCall(r *rand.Rand) soakCall {
	c := soakCall{kind: "query", method: "POST", path: restV1 + "/Tickets/query", body: []byte(someTickets(r)), status: 200, right: holds(`"pageDetails"`)}
	if r.IntN(3) == 0 {
		c.method, c.path, c.body = "GET", restV1+"/Tickets/query?search="+url.QueryEscape(someTickets(r)), nil
	}
	return c
}

func (s *soak) countCall(r *rand.Rand) soakCall {
	return soakCall{kind: "count", method: "POST", path: restV1 + "/Tickets/query/count", body: []byte(someTickets(r)), status: 200, right: holds(`"queryCount"`)}
}

func (s *soak) freeCall(r *rand.Rand) soakCall {
	return []soakCall{
		{kind: "free", method: "GET", path: restV1 + "/zoneInformation?user=jo@example.com", status: 200, right: holds(`"url"`)},
		{kind: "free", method: "GET", path: "/ATServicesRest/versioninformation", status: 200, right: holds(`"apiVersions"`)},
	}[r.IntN(2)]
}

func (s *soak) createCall(r *rand.Rand) soakCall {
	title := fmt.Sprintf("soak %d %d", s.seed, s.books.number())
	body, _ := json.Marshal(map[string]any{ // of texts and numbers
		"companyID": 1, "title": title, "status": 1, "priority": 1 + r.IntN(4), "queueID": 8, "dueDateTime": "2030-01-01T00:00:00Z", "description": strings.Repeat("it does not work ", r.IntN(200)),
	})
	c := soakCall{kind: "create", method: "POST", path: restV1 + "/Tickets", body: body, creates: "Tickets", title: title, status: 200, right: holds(`"itemId"`)}
	return c.zipped(r)
}

// zipped is the call with its body compressed, now and then.
func (c soakCall) zipped(r *rand.Rand) soakCall {
	if r.IntN(4) == 0 {
		c.body, c.header = []byte(gzipped(string(c.body))), http.Header{"Content-Encoding": {"gzip"}}
	}
	return c
}

func (s *soak) updateCall(r *rand.Rand) soakCall {
	body := fmt.Sprintf(`{"id":%d,"priority":%d}`, 1+r.IntN(soakTickets), 1+r.IntN(4))
	return soakCall{kind: "update", method: "PATCH", path: restV1 + "/Tickets", body: []byte(body), status: 200, right: holds(`"itemId"`)}
}

// attachCall attaches 1 to 2 MB, which grow by a third on their way.
func (s *soak) attachCall(r *rand.Rand) soakCall {
	title := fmt.Sprintf("soak %d %d", s.seed, s.books.number())
	body := strings.Replace(attachment(1_000_000+r.IntN(1_200_000)), `"a.bin"`, `"`+title+`"`, 1)
	c := soakCall{kind: "attach", method: "POST", path: fmt.Sprint(restV1, "/Tickets/", 2+r.IntN(soakTickets-1), "/Attachments"), body: []byte(body), creates: "TicketAttachments", title: title, status: 200, right: holds(`"itemId"`)}
	return c.zipped(r)
}

// downloadCall gets the attachment that is there from the start; some take their time.
func (s *soak) downloadCall(r *rand.Rand) soakCall {
	return soakCall{kind: "download", method: "GET", path: restV1 + "/Tickets/1/Attachments/1", status: 200, right: holds(`"data"`), slow: r.IntN(2) == 0}
}

// malformedCall is one that the gateway refuses, or one that the PSA complains about.
func (s *soak) malformedCall(r *rand.Rand) soakCall {
	zip := http.Header{"Content-Encoding": {"gzip"}}
	calls := []soakCall{
		{method: "POST", path: restV1 + "/Tickets", body: []byte(`{"title":`), status: 500, right: holds(`"errors"`)},
		{method: "POST", path: restV1 + "/Tickets", body: []byte(strings.Repeat("[", 10_000)), status: 500, right: holds(`"errors"`)},
		{method: "POST", path: restV1 + "/Tickets", body: []byte("\xff\xfe\x00{"), status: 500, right: holds(`"errors"`)},
		{method: "POST", path: restV1 + "/Tickets/query", body: []byte(`{"filter":[{"op":"what","field":"id"}]}`), status: 500, right: holds(`"errors"`)},
		{method: "GET", path: restV1 + "/Nothings/1", status: 404},
		{method: "POST", path: restV1 + "/Tickets", header: zip, body: []byte(`{"title":"not gzip"}`), own: "400 bad-request"},
		{method: "POST", path: restV1 + "/Tickets", header: zip, body: []byte(gzipped(strings.Repeat("what is this? ", 9))[:25]), own: "400 bad-request"},
		{method: "POST", path: restV1 + "/Tickets", header: zip, body: s.bomb(), own: "413 too-large"},
		{method: "POST", path: restV1 + "/Tickets", header: http.Header{"Content-Encoding": {"br"}}, body: []byte("{}"), own: "400 bad-request"},
		{method: "POST", path: restV1 + "/Tickets", body: make([]byte, soakBody+1+r.IntN(1<<20)), own: "413 too-large"},
		{method: "GET", path: restV1 + "/Tickets/%2e%2e/%2e%2e/admin", own: "400 bad-request"},
		{method: "GET", path: "/wp-login.php", own: "404 not-found"},
		{method: "TRACE", path: restV1 + "/Tickets/1", own: "400 bad-request"},
		{method: "GET", path: restV1 + "/Tickets/1", header: http.Header{"Impersonationresourceid": {"7"}}, own: "403 policy"},
	}
	c := calls[r.IntN(len(calls))]
	c.kind = "malformed"
	return c
}

// bomb is a small body that inflates to more than is taken.
func (s *soak) bomb() []byte {
	s.bombs.Do(func() { s.bombText = []byte(gzipped(strings.Repeat("0", soakBody+1))) })
	return s.bombText
}

// strangersCall shows a key that nobody has, some of them from addresses that do so often.
func (s *soak) strangersCall(r *rand.Rand) soakCall {
	address := fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))
	if r.IntN(3) == 0 {
		address = fmt.Sprintf("10.0.0.%d", 1+r.IntN(3))
	}
	key := s.wrong[r.IntN(len(s.wrong))]
	h := http.Header{"X-Forwarded-For": {address}, "Username": {"nobody"}, "Secret": {key}}
	if r.IntN(3) == 0 {
		h = http.Header{"X-Forwarded-For": {address}, "Authorization": {basic("nobody", key)}}
	}
	return soakCall{kind: "stranger", method: "GET", path: restV1 + "/Tickets/1", header: h, own: "401"}
}
