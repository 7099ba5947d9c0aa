package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// aCount is a body of 13 bytes that any query takes.
const aCount = `{"filter":[]}`

// posts is a query as a, with further lines of its head, and whatever follows.
func posts(follows string, lines ...string) string {
	return heads(append([]string{"POST " + aQuery + "/count HTTP/1.1", "Host: {host}", "Secret: {a}"}, lines...)...) + follows
}

// chunked is a body in one chunk, and the last one.
func chunked(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }

var (
	// nobodys is a call without a key: whoever gets a ticket by it has it by another's key. bs is b's.
	nobodys = heads("GET "+aTicket+" HTTP/1.1", "Host: {host}", "{from}X: y")
	bs      = heads("GET "+aTicket+" HTTP/1.1", "Host: {host}", "Secret: {b}")
)

// What the PSA is sent of a count, of one whose body is empty, and of a ticket that is read.
const (
	sentCount = "POST " + aQuery + "/count " + aCount
	sentEmpty = "POST " + aQuery + "/count"
	sentGet   = "GET " + aTicket
)

func TestRequestSmugglingFormsAreOneRequestToThePSAOrNone(t *testing.T) {
	x := newWire(t)
	length := fmt.Sprintf("Content-Length: %d", len(aCount))
	te := "Transfer-Encoding: chunked"
	refused := "501 bare, closed"
	broken := "400 bad-request, closed"
	var all []saying
	for _, s := range []saying{
		{name: "nothing odd, by length", text: posts(aCount, length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "nothing odd, in chunks", text: posts(chunked(aCount), te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a length and chunks", text: posts(chunked(aCount), length, te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "chunks and a length that is too short", text: posts(chunked(aCount), te, "Content-Length: 3"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "chunks and a length of all that follows", text: posts("0\r\n\r\n", te, "Content-Length: 300"), hears: "500 as a, 401, open", sent: sentEmpty},
		{name: "chunks and a length that is none", text: posts(chunked(aCount), te, "Content-Length: x"), hears: "400 bare, closed"},
		{name: "chunked twice", text: posts(chunked(aCount), te, te), hears: refused},
		{name: "chunked twice on one line", text: posts(chunked(aCount), te+", chunked"), hears: refused},
		{name: "chunked and identity", text: posts(chunked(aCount), te, "Transfer-Encoding: identity"), hears: refused},
		{name: "identity behind chunked", text: posts(chunked(aCount), te+", identity", length), hears: refused},
		{name: "identity", text: posts(aCount, "Transfer-Encoding: identity", length), hears: refused},
		{name: "gzip, chunked", text: posts(chunked(aCount), "Transfer-Encoding: gzip, chunked"), hears: refused},
		{name: "xchunked", text: posts(chunked(aCount), "Transfer-Encoding: xchunked", length), hears: refused},
		{name: "chunked in quotes", text: posts(chunked(aCount), `Transfer-Encoding: "chunked"`, length), hears: refused},
		{name: "chunked with a parameter", text: posts(chunked(aCount), te+";a=b", length), hears: refused},
		{name: "no transfer at all", text: posts(aCount, "Transfer-Encoding:", length), hears: refused},
		{name: "chunked behind a vertical tab", text: posts(chunked(aCount), "Transfer-Encoding: \vchunked", length), hears: "400 bare, closed"},
		{name: "chunked before a zero byte", text: posts(chunked(aCount), te+"\x00", length), hears: "400 bare, closed"},
		{name: "two spaces before chunked", text: posts(chunked(aCount), "Transfer-Encoding:  chunked"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "tabs around chunked", text: posts(chunked(aCount), "Transfer-Encoding:\tchunked\t", length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "CHUNKED", text: posts(chunked(aCount), "TRANSFER-ENCODING: CHUNKED", length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "chunked on a line of its own", text: posts(chunked(aCount), "Transfer-Encoding:", " chunked", length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a tab before the colon", text: posts(chunked(aCount), "Transfer-Encoding\t: chunked", length), hears: "400 bare, closed"},
		{name: "a space before the name", text: posts(aCount, "X: y", " Transfer-Encoding: chunked", length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a name that only looks like it", text: posts(aCount, "Transfer_Encoding: chunked", "Transfer.Encoding: chunked", length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "chunked behind a lone CR", text: posts(aCount, "X: y\rTransfer-Encoding: chunked", length), hears: "400 bare, closed"},
		{name: "chunked behind a lone LF", text: posts(chunked(aCount), "X: y\nTransfer-Encoding: chunked", length), hears: "200 as a, 401, open", sent: sentCount},

		{name: "one length twice", text: posts(aCount, length, length), hears: "200 as a, 401, open", sent: sentCount},
		{name: "two lengths", text: posts(aCount, length, "Content-Length: 0"), hears: "400 bare, closed"},
		{name: "two lengths on one line", text: posts(aCount, length+", 13"), hears: "400 bare, closed"},
		{name: "a length with a plus", text: posts(aCount, "Content-Length: +13"), hears: "400 bare, closed"},
		{name: "a length with a minus", text: posts(aCount, "Content-Length: -13"), hears: "400 bare, closed"},
		{name: "a length of minus nothing", text: posts("", "Content-Length: -0"), hears: "400 bare, closed"},
		{name: "a length in hex", text: posts(aCount, "Content-Length: 0xd"), hears: "400 bare, closed"},
		{name: "a length in hex without a sign", text: posts(aCount, "Content-Length: d"), hears: "400 bare, closed"},
		{name: "a length with a space", text: posts(aCount, "Content-Length: 1 3"), hears: "400 bare, closed"},
		{name: "a length with spaces around", text: posts(aCount, "Content-Length:\t 13 \t"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a length with zeroes before", text: posts(aCount, "Content-Length: 0013"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a length with a point", text: posts(aCount, "Content-Length: 13.0"), hears: "400 bare, closed"},
		{name: "a length with an underscore", text: posts(aCount, "Content-Length: 1_3"), hears: "400 bare, closed"},
		{name: "a length in digits that are no ASCII", text: posts(aCount, "Content-Length: ١٣"), hears: "400 bare, closed"},
		{name: "an empty length", text: posts("", "Content-Length:"), hears: "400 bare, closed"},
		{name: "a length over two lines", text: posts(aCount, "Content-Length: 1", " 3"), hears: "400 bare, closed"},
		{name: "a length that no number takes", text: posts(aCount, "Content-Length: 99999999999999999999"), hears: "400 bare, closed"},
		{name: "a length that wraps around to 13", text: posts(aCount, "Content-Length: 18446744073709551629"), hears: "400 bare, closed"},
		{name: "a length with a GET", text: asks(aTicket, "Content-Length: 5") + "GET /", hears: "200 as a, 401, open", sent: sentGet + " GET /"},
		{name: "chunks with a GET", text: asks(aTicket, te) + chunked("GET /"), hears: "200 as a, 401, open", sent: sentGet + " GET /"},
		{name: "a GET that is all of a GET's body", text: asks(aTicket, fmt.Sprintf("Content-Length: %d", len("GET / HTTP/1.1\r\nX: "))) + "GET / HTTP/1.1\r\nX: ", hears: "200 as a, 401, open", sent: sentGet + " GET / HTTP/1.1\r\nX: "},

		{name: "a chunk with an extension", text: posts("d;a=b;c=\"d\"\r\n"+aCount+"\r\n0;x\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a chunk with an extension of 5 KB", text: posts("d;"+strings.Repeat("a", 5<<10)+"\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "an extension that holds a request", text: posts("d;a=GET / HTTP/1.1\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a chunk's size with zeroes before", text: posts("00000000d\r\n"+aCount+"\r\n000\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a chunk's size in capitals", text: posts("D\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a chunk's size that is too large", text: posts("1000000000000000d\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size of 16 digits", text: posts("ffffffffffffffff\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken, ends: true},
		{name: "a chunk's size that is none", text: posts("xyz\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size with 0x", text: posts("0xd\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size with a plus", text: posts("+d\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size with a minus", text: posts("-d\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size with a space before", text: posts(" d\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's size with a space behind", text: posts("d \r\n"+aCount+"\r\n0\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "no chunk's size", text: posts("\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk's line that ends without CR", text: posts("d\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "an extension's line that ends without CR", text: posts("d;\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk that ends without CR", text: posts("d\r\n"+aCount+"\n0\r\n\r\n", te), hears: broken},
		{name: "a chunk that ends without a line's end", text: posts("d\r\n"+aCount+"0\r\n\r\n", te), hears: broken},
		{name: "a chunk that is longer than it says", text: posts("c\r\n"+aCount+"\r\n0\r\n\r\n", te), hears: broken},
		{name: "a last chunk that ends without CR", text: posts("d\r\n"+aCount+"\r\n0\n\r\n", te), hears: broken},
		{name: "chunks that end without CR at last", text: posts("d\r\n"+aCount+"\r\n0\r\n\n", te), hears: "200 as a, 401, open", sent: sentCount},

		{name: "a trailer", text: posts("d\r\n"+aCount+"\r\n0\r\nX-Sum: 1\r\n\r\n", te, "Trailer: X-Sum"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a trailer with another's key", text: posts("d\r\n"+aCount+"\r\n0\r\nSecret: {b}\r\nAuthorization: Bearer {b}\r\n\r\n", te, "Trailer: Secret, Authorization"), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a trailer with the PSA's headers", text: posts("d\r\n"+aCount+"\r\n0\r\nUserName: x\r\nApiIntegrationCode: x\r\nImpersonationResourceId: 1\r\nHost: evil.example\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a trailer with a length", text: posts("d\r\n"+aCount+"\r\n0\r\nContent-Length: 500\r\nTransfer-Encoding: chunked\r\n\r\n", te), hears: "200 as a, 401, open", sent: sentCount},
		{name: "a trailer with a length that is announced", text: posts("d\r\n"+aCount+"\r\n0\r\nContent-Length: 500\r\n\r\n", te, "Trailer: Content-Length"), hears: "400 bare, closed"},
		{name: "a trailer that is no header", text: posts("d\r\n"+aCount+"\r\n0\r\nGET / HTTP/1.1\r\n\r\n", te), hears: broken},
		{name: "a trailer of 10 KB", text: posts("d\r\n"+aCount+"\r\n0\r\nX: "+strings.Repeat("x", 10<<10)+"\r\n\r\n", te), hears: broken},
	} {
		s.text += nobodys
		all = append(all, s)
	}
	x.hearsEach(all)
	x.wellAgain()
}

func TestEachRequestOnAConnectionIsMadeByItsOwnKeyAlone(t *testing.T) {
	x := newWire(t)
	length := fmt.Sprintf("Content-Length: %d", len(aCount))
	te := "Transfer-Encoding: chunked"
	both := sentGet + "\n" + sentGet
	within := x.fill(bs)
	x.hearsEach([]saying{
		{name: "a, b and nobody", text: asks(aTicket) + bs + nobodys, hears: "200 as a, 200 as b, 401, open", sent: "-"},
		{name: "nobody, b and a", text: nobodys + bs + asks(aTicket), hears: "401, 200 as b, 200 as a, open", sent: "-"},
		{name: "b within a's body", text: posts(within, fmt.Sprintf("Content-Length: %d", len(within))) + nobodys, hears: "500 as a, 401, open", sent: sentEmpty + " " + within},
		{name: "b behind a body that is refused for its length", text: posts("", "Content-Length: 99999999") + bs, hears: "413 too-large, closed", ends: true},
		{name: "b behind a body whose encoding is refused", text: posts(aCount, length, "Content-Encoding: br") + bs, hears: "400 bad-request, closed"},
		{name: "b behind a body that was not asked for", text: heads("POST /elsewhere HTTP/1.1", "Host: {host}", "Secret: {a}", length) + aCount + bs, hears: "404 not-found, closed"},
		{name: "b behind a stranger's body", text: heads("POST "+aQuery+" HTTP/1.1", "Host: {host}", "{from}"+length) + aCount + bs, hears: "401, closed"},
		{name: "b behind a stranger's chunks", text: heads("POST "+aQuery+" HTTP/1.1", "Host: {host}", "{from}"+te) + chunked(aCount) + bs, hears: "401, closed"},
		{name: "nobody behind a 100 that was not waited for", text: posts(aCount, length, "Expect: 100-continue") + nobodys, hears: "200 as a, 401, open", sent: sentCount},
		{name: "b behind chunks that never end", text: posts("d\r\n"+aCount+"\r\n", te) + bs, hears: "400 bad-request, closed"},
		{name: "b behind an upgrade", text: asks(aTicket, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") + bs, hears: "200 as a, 200 as b, open", sent: both},
		{name: "nobody behind what closes the connection", text: asks(aTicket, "Connection: close") + nobodys, hears: "200 as a, closed", sent: "-"},
		{name: "nobody behind a wrong path", text: asks("/ATServicesRest/V1.0/Tickets/../1") + nobodys, hears: "400 bad-request, 401, open"},
		{name: "a hundred calls at once", text: strings.Repeat(asks(aTicket)+bs, 50), hears: strings.Repeat("200 as a, 200 as b, ", 50) + "open", sent: "-"},
	})
	x.wellAgain()
}
