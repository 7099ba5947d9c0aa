package call

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// smallURL is a gateway that takes bodies of at most small bytes.
const (
	smallURL = "http://small.test"
	small    = 1000
)

// serveSmall puts a second server before the gateway, with a max_body of its own.
func (w *world) serveSmall() {
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r, _, done := w.g.Identify(rw, r, home); !done {
			w.g.Proxy(rw, r, ProxyOptions{MaxBody: small})
		}
	})}
	go srv.Serve(w.net.Listen("small.test:80"))
	w.after = append(w.after, func() { srv.Close() })
}

// sized is a body, and what becomes of it.
type sized struct {
	name    string
	body    string
	coding  string // Content-Encoding; empty: none
	chunked bool
	status  int    // 0: it reaches the PSA
	reason  string // with status
}

// post sends a body to a gateway.
func (w *world) post(url string, s sized) (answer, error) {
	var body io.Reader = strings.NewReader(s.body)
	if s.chunked {
		body = struct{ io.Reader }{body}
	}
	req, err := http.NewRequest("POST", url+"/ATServicesRest/V1.0/Tickets", body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Secret", w.keys["a"].Reveal())
	req.Header.Set("Content-Type", "application/json")
	if s.coding != "" {
		req.Header.Set("Content-Encoding", s.coding)
	}
	return w.do(req)
}

// meets sends the body and demands the answer, what reached the PSA, and that no memory was taken that goes with the body's
// size.
func (s sized) meets(t *testing.T, url string) {
	inOwnWorld(t, func(w *world, _ *notes) {
		w.serveSmall()
		box := w.postbox()
		w.served("a")
		box.take()
		var a answer
		var err error
		made, held := spent(func() {
			a, err = w.post(url, s)
			synctest.Wait()
		})
		got := box.take()
		switch {
		case err != nil:
			t.Errorf("the caller got no answer: %v", err)
		case s.status == 0:
			w.cameThrough(s.body, a, got)
			if want := strings.TrimSpace(s.coding); got[0].Header.Get("Content-Encoding") != want {
				t.Errorf("Content-Encoding %q reached the PSA, want %q", got[0].Header.Values("Content-Encoding"), want)
			}
		case a.status != s.status || a.reason() != s.reason || a.header.Get("Retry-After") != "" || len(got) != 0:
			t.Errorf("%d %s, Retry-After %q, and %d requests reached the PSA; want %d %s and none", a.status, a.reason(), a.header.Get("Retry-After"), len(got), s.status, s.reason)
		case made > 8<<20 || held > 1<<20:
			t.Errorf("%d bytes were allocated for it, and %d are held", made, held)
		}
		w.unharmed()
	})
}

// spent returns how many bytes were allocated while something was done, and how many more than before are held after it.
func spent(do func()) (made, held uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
}

func TestABodyOverTheLimitIsA413AndReachesNobody(t *testing.T) {
	const limit = DefaultMaxBody
	for _, s := range []struct {
		url string
		sized
	}{
		{gatewayURL, sized{name: "at the limit", body: strings.Repeat("x", limit)}},
		{gatewayURL, sized{name: "at the limit, in chunks", body: strings.Repeat("x", limit), chunked: true}},
		{gatewayURL, sized{name: "one byte over", body: strings.Repeat("x", limit+1), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "one byte over, in chunks", body: strings.Repeat("x", limit+1), chunked: true, status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "twice as much", body: strings.Repeat("x", 2*limit), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "twice as much, in chunks", body: strings.Repeat("x", 2*limit), chunked: true, status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "all that memory takes", body: strings.Repeat("x", inMemory)}},
		{gatewayURL, sized{name: "one byte less than memory takes", body: strings.Repeat("x", inMemory-1)}},
		{gatewayURL, sized{name: "one byte more than memory takes", body: strings.Repeat("x", inMemory+1), chunked: true}},
		{smallURL, sized{name: "at a site's own limit", body: strings.Repeat("x", small)}},
		{smallURL, sized{name: "at a site's own limit, in chunks", body: strings.Repeat("x", small), chunked: true}},
		{smallURL, sized{name: "over a site's own limit", body: strings.Repeat("x", small+1), status: 413, reason: "too-large"}},
		{smallURL, sized{name: "over a site's own limit, in chunks", body: strings.Repeat("x", small+1), chunked: true, status: 413, reason: "too-large"}},
	} {
		t.Run(s.name, func(t *testing.T) { s.meets(t, s.url) })
	}
}

// member is one gzip member of blanks, so many bytes when it is inflated. It is put together from what was packed once.
func member(size int) string {
	const mib = 1 << 20
	blanks := strings.Repeat(" ", mib)
	sum := crc32.NewIEEE()
	for range size / mib {
		_, _ = io.WriteString(sum, blanks)
	}
	rest := blanks[:size%mib]
	_, _ = io.WriteString(sum, rest)
	tail := binary.LittleEndian.AppendUint32(nil, sum.Sum32())
	tail = binary.LittleEndian.AppendUint32(tail, uint32(size))
	return gzipHead(0, strings.Repeat(mebibyte(), size/mib)+packed(rest, (*flate.Writer).Close)+string(tail))
}

// mebibyte is 1 MiB of blanks as blocks that may stand anywhere in a deflate stream.
var mebibyte = sync.OnceValue(func() string { return packed(strings.Repeat(" ", 1<<20), (*flate.Writer).Flush) })

func packed(s string, end func(*flate.Writer) error) string {
	var b bytes.Buffer
	f, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(f, s)
	_ = end(f)
	return b.String()
}

// gzipHead is the head of a gzip member with flags, and what they announce behind it.
func gzipHead(flags byte, rest string) string {
	return "\x1f\x8b\x08" + string([]byte{flags}) + "\x00\x00\x00\x00\x00\xff" + rest
}

// The flags of a gzip member's head (RFC 1952, section 2.3.1).
const (
	hasSum     = 1 << 1
	hasExtra   = 1 << 2
	hasName    = 1 << 3
	hasComment = 1 << 4
)

// deflated is what stands behind a gzip member's head.
func deflated(s string) string {
	tail := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(s)))
	return packed(s, (*flate.Writer).Close) + string(binary.LittleEndian.AppendUint32(tail, uint32(len(s))))
}

// headSum is the checksum of a gzip member's head.
func headSum(head string) string {
	return string(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE([]byte(head)))))
}

func TestABodyThatInflatesOverTheLimitIsA413AndReachesNobody(t *testing.T) {
	const limit = DefaultMaxBody
	for _, s := range []struct {
		url string
		sized
	}{
		{gatewayURL, sized{name: "to the limit", body: member(limit)}},
		{gatewayURL, sized{name: "one byte over", body: member(limit + 1), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "one byte over, in chunks", body: member(limit + 1), chunked: true, status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "a thousandfold", body: member(256 << 20), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "in members that are each within it", body: strings.Repeat(member(1<<20), 16) + member(1), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "in members, to the limit", body: strings.Repeat(member(1<<20), 16)}},
		{gatewayURL, sized{name: "to 16 GiB, from a body within it", body: strings.Repeat(member(limit), 1000), status: 413, reason: "too-large"}},
		{gatewayURL, sized{name: "and is broken behind it", body: member(limit + 1)[:len(member(limit+1))-8], status: 413, reason: "too-large"}},
		{smallURL, sized{name: "over a site's own limit", body: member(small + 1), status: 413, reason: "too-large"}},
		{smallURL, sized{name: "to a site's own limit", body: member(small)}},
		{smallURL, sized{name: "and is over a site's own limit before it does", body: gzipHead(hasExtra, "\x00\x04"+strings.Repeat("x", 1024)+deflated("{}")), status: 413, reason: "too-large"}},
	} {
		s.coding = "gzip"
		t.Run(s.name, func(t *testing.T) { s.meets(t, s.url) })
	}
}

// brokenGzip are bodies that say they are gzip. A 400 is for what is none: what the PSA would make of it nobody knows.
func brokenGzip() []sized {
	return []sized{
		{name: "no gzip", body: `{"title":"x"}`, status: 400},
		{name: "one byte", body: "\x1f", status: 400},
		{name: "the magic alone", body: "\x1f\x8b", status: 400},
		{name: "a head alone", body: gzipHead(0, ""), status: 400},
		{name: "another method", body: "\x1f\x8b\x09" + zipped("{}")[3:], status: 400},
		{name: "half a body", body: zipped(strings.Repeat("{}", 500))[:20], status: 400},
		{name: "no checksum", body: zipped("{}")[:len(zipped("{}"))-8], status: 400},
		{name: "half a length", body: zipped("{}")[:len(zipped("{}"))-2], status: 400},
		{name: "a wrong checksum", body: gzipHead(0, deflated("{}")[:len(deflated("{}"))-8]+"\x00\x00\x00\x00\x02\x00\x00\x00"), status: 400},
		{name: "a wrong length", body: zipped("{}")[:len(zipped("{}"))-4] + "\xff\xff\xff\xff", status: 400},
		{name: "a block of a kind that is none", body: gzipHead(0, "\x07"+strings.Repeat("\x00", 20)), status: 400},
		{name: "garbage behind a member", body: zipped("{}") + "garbage", status: 400},
		{name: "JSON behind a member", body: zipped("{}") + `{"title":"y"}`, status: 400},
		{name: "zeros behind a member", body: zipped("{}") + strings.Repeat("\x00", 512), status: 400},
		{name: "half a member behind a member", body: zipped("{}") + zipped("{}")[:12], status: 400},
		{name: "a name without an end", body: gzipHead(hasName, strings.Repeat("x", 15<<20)), status: 400},
		{name: "a comment without an end", body: gzipHead(hasComment, strings.Repeat("x", 15<<20)), status: 400},
		{name: "an extra field that does not come", body: gzipHead(hasExtra, "\xff\xff"), status: 400},
		{name: "a head with a wrong checksum", body: gzipHead(hasSum, "\x00\x00"+deflated("{}")), status: 400},

		{name: "nothing"},
		{name: "a gzip of nothing", body: zipped("")},
		{name: "a gzip", body: zipped(`{"title":"x"}`)},
		{name: "a gzip in chunks", body: zipped(`{"title":"x"}`), chunked: true},
		{name: "a gzip that is stored, not packed", body: gzipHead(0, "\x01\x02\x00\xfd\xff{}"+deflated("{}")[len(deflated("{}"))-8:])},
		{name: "two members", body: zipped(`{"title":`) + zipped(`"x"}`)},
		{name: "a name, a comment and an extra field of 64 KiB", body: gzipHead(hasExtra|hasName|hasComment, "\xff\xff"+strings.Repeat("x", 65535)+"name\x00comment\x00"+deflated("{}"))},
		{name: "a head with its checksum", body: gzipHead(hasSum, headSum(gzipHead(hasSum, ""))+deflated("{}"))},
		{name: "gzip in gzip, which inflates to a bomb", body: zipped(member(64 << 20))},
		{name: "gzip in gzip in gzip", body: zipped(zipped(zipped("{}")))},
		{name: "empty members by the thousand", body: strings.Repeat(zipped(""), 20_000)},
		{name: "members of one byte by the thousand", body: strings.Repeat(zipped(" "), 20_000)},
	}
}

func TestABodyThatIsNoGzipIsA400AndAnyGzipPassesAsItCame(t *testing.T) {
	for _, s := range brokenGzip() {
		if s.coding = "gzip"; s.status != 0 {
			s.reason = "bad-request"
		}
		t.Run(s.name, func(t *testing.T) { s.meets(t, gatewayURL) })
	}
}

func TestNoContentCodingButGzipIsTaken(t *testing.T) {
	body := zipped(`{"title":"x"}`)
	for coding, passes := range map[string]bool{
		"gzip": true, "GZIP": true, "Gzip": true, " gzip ": true,
		"identity": true, "IDENTITY": true,
		"br": false, "deflate": false, "zstd": false, "compress": false, "x-gzip": false, "x-compress": false, "*": false, "none": false,
		"gzip, gzip": false, "gzip,gzip": false, "gzip, identity": false, "identity, gzip": false, "deflate, gzip": false, "gzip,": false, ",gzip": false,
		"gzip;q=1": false, "gzip; level=9": false, `"gzip"`: false, "gzip gzip": false, "gzip\tgzip": false, "gzıp": false, "ＧＺＩＰ": false, "gzip\u00a0": false,
	} {
		s := sized{name: fmt.Sprintf("%q", coding), coding: coding, body: body}
		if strings.EqualFold(coding, "identity") {
			s.body = `{"title":"x"}`
		}
		if !passes {
			s.status, s.reason = 400, "bad-request"
		}
		t.Run(s.name, func(t *testing.T) { s.meets(t, gatewayURL) })
	}
}

// Who asks first whether his body is wanted hears that it is too large before he has sent any of it.
func TestABodyOverTheLimitIsNotAskedFor(t *testing.T) {
	for _, length := range []string{fmt.Sprint(DefaultMaxBody + 1), "9223372036854775807"} {
		inOwnWorld(t, func(w *world, _ *notes) {
			w.served("a")
			total := w.sim.Requests().Total
			c := w.dial()
			defer c.Close()
			start := time.Now()
			fmt.Fprintf(c, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: gateway.test\r\nSecret: %s\r\nExpect: 100-continue\r\nContent-Length: %s\r\n\r\n", w.keys["a"].Reveal(), length)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != 413 || resp.Header.Get("Psagate-Reason") != "too-large" || !resp.Close || time.Since(start) != 0 {
				t.Errorf("%+v %v after %v", resp, err, time.Since(start))
			}
			if n := w.sim.Requests().Total; n != total {
				t.Errorf("%d requests reached the PSA", n-total)
			}
			w.unharmed()
		})
	}
}

// Who announces more than the limit and sends nothing hears so when he has stalled; who sends without an end when he has
// sent some times the limit.
func TestABodyWithoutAnEndIsReadWithinBounds(t *testing.T) {
	for name, c := range map[string]struct {
		rest  string // of the head
		piece string // what comes again and again
	}{
		"a length beyond all bounds, and nothing": {"Content-Length: 9223372036854775807\r\n\r\n", ""},
		"a length beyond all bounds, and bytes":   {"Content-Length: 9223372036854775807\r\n\r\n", strings.Repeat("x", 1000)},
		"chunks":                                  {"Transfer-Encoding: chunked\r\n\r\n", "3e8\r\n" + strings.Repeat("x", 1000) + "\r\n"},
		"chunks of one byte":                      {"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		"chunks of gzip":                          {"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(zipped("x")), zipped("x"))},
	} {
		t.Run(name, func(t *testing.T) {
			inOwnWorld(t, func(w *world, _ *notes) {
				w.serveSmall()
				w.served("a")
				total := w.sim.Requests().Total
				conn, err := w.net.DialContext(context.Background(), "tcp", "small.test:80")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				sent := make(chan int, 1)
				go func() {
					n, _ := fmt.Fprintf(conn, "POST /ATServicesRest/V1.0/Tickets HTTP/1.1\r\nHost: small.test\r\nSecret: %s\r\n%s", w.keys["a"].Reveal(), c.rest)
					for err := error(nil); err == nil && c.piece != "" && n < 4<<20; {
						var more int
						more, err = io.WriteString(conn, c.piece)
						n += more
					}
					sent <- n
				}()
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode != 413 || resp.Header.Get("Psagate-Reason") != "too-large" || !resp.Close || time.Since(start) > stall {
					t.Errorf("%+v %v after %v", resp, err, time.Since(start))
				}
				conn.Close()
				if n := <-sent; n > 512<<10 { // net/http reads on for 256 KiB by itself
					t.Errorf("%d bytes were read of a body that may have %d", n, small)
				}
				if n := w.sim.Requests().Total; n != total {
					t.Errorf("%d requests reached the PSA", n-total)
				}
				w.unharmed()
			})
		})
	}
}
