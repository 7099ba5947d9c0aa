package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// captures are what becomes of each request of a client, in the order in which it makes them (testdata/captures/README.md): the status
// that it hears and, where the PSA is sent it, as what: the method, the path, and in whose name. Its query string and its body
// are the client's own, byte for byte. Of a SOAP call it is the operation, and its body is the client's but for the header.
var captures = map[string][]string{
	"apigrate": {
		"200", "200 GET Tickets/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets/query/count", "200 POST Tickets", "200 PATCH Tickets",
		"200 POST Tickets/1/Notes as 7", "200 POST Tickets/1/Attachments", "200 GET Tickets/entityInformation/fields", "500 DELETE ContactGroups/5",
		"200 GET ThresholdInformation",
	},
	"go-autotask": {
		"200", "200", "200 GET Tickets/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets/query/count", "200 POST Tickets", "200 PATCH Tickets",
		"200 GET Tickets/entityInformation/fields", "200 GET ThresholdInformation",
	},
	"autotask-node": {
		"200 GET Version", "200 GET Tickets/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets", "405 PATCH Tickets/1", "405 PUT Tickets/1",
		"405 DELETE Tickets/1", "200 PATCH Tickets",
	},
	"n8n": {
		"200 GET ThresholdInformation", "200 GET Tickets/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 GET Tickets/entityInformation/fields",
		"200 POST Tickets/1/Notes as 7",
	},
	"py-autotask": {
		"200", "200 POST Companies/query", "200 GET Tickets/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets/query/count", "200 POST Tickets",
		"405 PATCH Tickets/1", "200 GET Tickets/entityInformation",
	},
	"asachs01": {
		"200", "200 GET Companies/1", "200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets", "200 PATCH Tickets",
	},
	"autotaskapi": {
		"200", "200", "200 GET Tickets/1", "200 GET Tickets/query", "200 GET Tickets/query/next", "200 POST Tickets", "200 PATCH Tickets",
	},
	"celerium": {
		"200", "200", "200 GET Tickets/query", "200 GET Tickets/query/next", "200 POST Tickets", "200 PATCH Tickets",
	},
	"spellings": {
		"200 GET Tickets/1", "200 GET Tickets/1", "200 GET Tickets/1", "200 GET Tickets/1", "200 GET Tickets/1", "200 GET Tickets/1", "200 GET Tickets/1",
		"200 POST Tickets/query", "200 POST Tickets/query/next", "200 POST Tickets/1/Notes as 7",
	},
	"autotask-php": {"200", "200", "200", "200 SOAP query", "200 SOAP create", "200 SOAP update", "200 SOAP getThresholdAndUsageInfo"},
	"python-atws":  {"200", "200", "200", "200 SOAP query", "200 SOAP create", "200 SOAP update", "200 SOAP getThresholdAndUsageInfo"},
}

func TestClientsAreServedAsTheyComeThroughARotationAndAMove(t *testing.T) {
	for client, wants := range captures {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, client)
			r.replay(wants, func() {})
			r.replay(wants, func() {
				r.user.SetSecret(newPassword)
				r.save(newPassword)
				r.passwords = append(r.passwords, newPassword)
			})
			r.replay(wants, func() { r.moves("Elsewhere") })
			r.unharmed(2)
			if failed := r.sim.Ledger().Failed(); len(failed) > 3 {
				t.Errorf("want a failed sign-in and its recheck at the rotation, and one at the move: %v", failed)
			}
		})
	}
}

// n8n takes whole seconds alone, waits at most a minute at a time, and waits a minute where it can read nothing.
func TestAClientThatHeedsRetryAfterIsGivenOne(t *testing.T) {
	t.Parallel()
	r := newReplay(t, "n8n", "limit 1 per minute")
	r.makes(r.requests[1], "200 GET Tickets/1")
	a := r.say("a call too many", r.filled(r.requests[1]))
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); a.status != 429 || a.reason() != "rate" || err != nil || wait < 1 || wait > 60 {
		t.Errorf("our limit: %d %s %q %v", a.status, a.reason(), a.header.Get("Retry-After"), err)
	}
	r.sim.Adjust(func(b *psatest.Behaviour) {
		b.Hourly, b.HourAnswer = 1, psatest.LimitAnswer{Status: 429, RetryAfter: 7 * time.Second}
	})
	if a := r.call("b", "GET", "/Tickets/1", ""); a.status != 429 || a.reason() != "" || a.header.Get("Retry-After") != "7" {
		t.Errorf("the PSA's limit: %d %s %q", a.status, a.reason(), a.header.Get("Retry-After"))
	}
}

func TestEachCaptureIsReplayed(t *testing.T) {
	files, err := filepath.Glob(capturePath("*"))
	if err != nil || len(files) != len(captures) {
		t.Errorf("%d captures, of which %d are replayed: %v", len(files), len(captures), err)
	}
}

func capturePath(client string) string { return filepath.Join("testdata", "captures", client+".http") }

// replay is a client's capture on its way through a gateway.
type replay struct {
	*wire
	requests []string
	conn     net.Conn
	in       *bufio.Reader
	next     string // the target of the page after the last one
}

// newReplay starts a gateway for a client's capture. more are further lines of the client's integration.
func newReplay(t *testing.T, client string, more ...string) *replay {
	t.Helper()
	r := &replay{wire: newWireWorld(t), requests: requestsOf(t, client)}
	r.sim.Adjust(func(b *psatest.Behaviour) { b.PageCap = 4 })
	r.a = strings.Join(append(more, "impersonate"), "\n\t\t\t")
	for i := range 7 { // resources, of which clients impersonate the seventh
		r.tenant.AddUser(fmt.Sprintf("resource-%d@example.com", i), wrongSecret, code)
	}
	r.policed(callsPolicy + `permit (principal, action == Action::"create", resource == Entity::"TicketNotes");

permit (principal, action == Action::"delete", resource == Entity::"Tickets");

permit (principal, action == Action::"delete", resource == Entity::"ContactGroups");`)
	r.start()
	r.served("b")
	t.Cleanup(r.hangUp)
	return r
}

// dial has the client connect, if it is not connected.
func (r *replay) dial() {
	r.Helper()
	if r.conn != nil {
		return
	}
	var err error
	if r.conn, err = net.Dial("tcp", r.address); err != nil {
		r.Fatal(err)
	}
	_ = r.conn.SetDeadline(time.Now().Add(patience))
	r.in = bufio.NewReader(r.conn)
}

// hangUp ends the client's connection.
func (r *replay) hangUp() {
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

var lengthLine = regexp.MustCompile(`(?i)\r\ncontent-length: ([0-9]+)`)

// requestsOf takes a capture apart.
func requestsOf(t *testing.T, client string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(capturePath(client))
	if err != nil {
		t.Fatal(err)
	}
	for rest := string(text); rest != ""; {
		head, _, whole := strings.Cut(rest, "\r\n\r\n")
		end := len(head) + len("\r\n\r\n")
		if length := lengthLine.FindStringSubmatch(head); length != nil {
			n, _ := strconv.Atoi(length[1])
			end += n
		}
		if !whole || end > len(rest) {
			t.Fatalf("%s: after %d requests comes half a one", client, len(all))
		}
		all, rest = append(all, rest[:end]), rest[end:]
	}
	return all
}

// replay makes the requests in order; in their middle, before a next page where there is one, the change.
func (r *replay) replay(wants []string, change func()) {
	r.Helper()
	if len(r.requests) != len(wants) {
		r.Fatalf("%d requests, and %d that are expected", len(r.requests), len(wants))
	}
	middle := slices.IndexFunc(r.requests, func(s string) bool { return strings.Contains(s, " {next} ") || strings.Contains(s, "v1_6/create") })
	for i, request := range r.requests {
		if i == middle {
			change()
		}
		r.makes(request, wants[i])
	}
}

// makes makes one request and compares what becomes of it.
func (r *replay) makes(request, want string) {
	r.Helper()
	tape, judged := r.tape.mark(), r.sim.Mark()
	text := r.filled(request)
	name, _, _ := strings.Cut(request, " HTTP/1.1\r\n")
	a := r.say(name, text)
	status, call, _ := strings.Cut(want, " ")
	if strconv.Itoa(a.status) != status || a.reason() != "" {
		r.Errorf("%s: %d %s %s, want %s", name, a.status, a.reason(), a.body, status)
	}
	r.wasSent(name, tape, judged, sentAs(call, text))
	r.leadsBack(name, a)
}

// filled puts the world's own values in the places that a capture leaves for them, all of them in its head.
func (r *replay) filled(request string) string {
	key := r.keys["a"].Reveal()
	basic := base64.StdEncoding.EncodeToString([]byte("api@example.com:" + key))
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	head = strings.NewReplacer("{host}", r.address, "{key}", key, "{basic}", basic, "{next}", r.next).Replace(head)
	return head + "\r\n\r\n" + body
}

// say says a request and hears the answer.
func (r *replay) say(name, text string) answer {
	r.Helper()
	r.dial()
	if _, err := r.conn.Write([]byte(text)); err != nil {
		r.Fatal(err)
	}
	a, err := hear(r.in, false)
	if err != nil {
		r.Fatalf("%s: %v", name, err)
	}
	if strings.Contains(text, "\r\nConnection: close\r\n") {
		r.hangUp()
	}
	r.heard.add(a.place("the answer to "+name, r.keys["a"].Reveal()))
	return a
}

var (
	// envelopeHeader is the header of an envelope, which is the gateway's business, or the place where there is none.
	envelopeHeader = regexp.MustCompile(`<SOAP-ENV:Header>.*</SOAP-ENV:Header>|(<SOAP-ENV:Body>)`)
	ownHeader      = `<SOAP-ENV:Header><AutotaskIntegrations xmlns="http://autotask.net/ATWS/v1_6/"><IntegrationCode>` + code +
		`</IntegrationCode></AutotaskIntegrations></SOAP-ENV:Header>$1`
)

// soapSentAs is sentAs for a SOAP call.
func soapSentAs(operation, text string) string {
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	return "SOAP " + operation + " " + replacedOnce(envelopeHeader, body, ownHeader)
}

// replacedOnce replaces the first match alone.
func replacedOnce(what *regexp.Regexp, text, by string) string {
	at := what.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	return text[:at[0]] + string(what.ExpandString(nil, by, text, at)) + text[at[1]:]
}

// sentAs is how the tape has a call of a capture's that was sent; empty where none is.
func sentAs(call, text string) string {
	if call == "" {
		return ""
	}
	if operation, soap := strings.CutPrefix(call, "SOAP "); soap {
		return soapSentAs(operation, text)
	}
	first, _, _ := strings.Cut(text, "\r\n")
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	call, as, inOther := strings.Cut(call, " as ")
	method, path, _ := strings.Cut(call, " ")
	sent := method + " /ATServicesRest/V1.0/" + path
	if _, query, has := strings.Cut(strings.Fields(first)[1], "?"); has {
		sent += "?" + query
	}
	if inOther {
		sent += " as " + as
	}
	if body != "" {
		sent += " " + body
	}
	return sent
}

// ownCheck is the gateway's own way to find out whether the PSA takes a credential.
const ownCheck = "GET /ATServicesRest/V1.0/ThresholdInformation"

// wasSent demands that the PSA took the call once, with the login's credential, and was sent no other but the gateway's own.
func (r *replay) wasSent(name string, tape []int, judged int, want string) {
	r.Helper()
	sent, signIns := r.sent(tape), r.sim.Ledger().Since(judged)
	if len(sent) != len(signIns) || len(signIns.Of(user)) != len(signIns) {
		r.Errorf("%s: %d requests with %d sign-ins: %v", name, len(sent), len(signIns), signIns)
	}
	if slices.ContainsFunc(sent, func(s string) bool { return s != want && s != ownCheck }) {
		r.Errorf("%s: the PSA was sent %q, want %q", name, r.masked(strings.Join(sent, "\n")), r.masked(want))
	}
	taken := 0
	for _, e := range signIns {
		if line := e.Method + " " + e.Path; e.OK() && (strings.HasPrefix(want+" ", line+" ") || strings.HasPrefix(want, line+"?") || strings.HasPrefix(want, "SOAP "+e.Operation+" ")) {
			taken++
		}
	}
	if taken != min(1, len(want)) {
		r.Errorf("%s: the PSA took it %d times: %v", name, taken, signIns)
	}
}

// soapAddress is where a WSDL or the answer to getZoneInfo leads.
var soapAddress = regexp.MustCompile(`(?:<soap:address location="|<URL>)([^"<]*)`)

// leadsBack demands that an answer leads to nowhere but the gateway, and keeps where the next page is.
func (r *replay) leadsBack(name string, a answer) {
	r.Helper()
	addresses := soapAddress.FindAllStringSubmatch(a.body, -1)
	for _, m := range addresses {
		if m[1] != r.url("/ATServices/1.6/atws.asmx") {
			r.Errorf("%s: the answer leads to %s", name, m[1])
		}
	}
	if wsdl := strings.HasSuffix(name, ".wsdl"); wsdl && len(addresses) == 0 {
		r.Errorf("%s: no address in %s", name, a.body)
	}
	var links struct {
		URL         string
		APIVersions []string
		PageDetails struct{ NextPageURL string }
	}
	if a.status != http.StatusOK || a.header.Get("Content-Encoding") != "" || json.Unmarshal([]byte(a.body), &links) != nil {
		return
	}
	if links.APIVersions != nil && fmt.Sprint(links.APIVersions) != "[V1.0]" {
		r.Errorf("%s: the versions are %v, of which clients take the last", name, links.APIVersions)
	}
	for _, z := range r.sim.Zones() {
		if links.URL == "" && strings.Contains(a.body, strings.TrimPrefix(z.URL(), "http://")) { // webUrl, beside url, is for people
			r.Errorf("%s: the answer names the PSA's own host: %s", name, a.body)
		}
	}
	for _, link := range []string{links.URL, links.PageDetails.NextPageURL} {
		if link != "" && !strings.HasPrefix(link, r.url("/ATServicesRest/")) {
			r.Errorf("%s: the answer leads to %s", name, link)
		}
	}
	if links.PageDetails.NextPageURL != "" {
		r.next = strings.TrimPrefix(links.PageDetails.NextPageURL, r.url(""))
	}
}
