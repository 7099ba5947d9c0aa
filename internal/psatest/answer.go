package psatest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is what a call gets, whole, before it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func jsonAnswer(status int, v any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("psatest: an answer that is not JSON: %v", err))
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: b}
}

func success(v any) answer { return jsonAnswer(http.StatusOK, v) }

func itemID(id int64) answer { return success(map[string]any{"itemId": id}) }

// failed is how the PSA says that something is wrong with a request it understood: always a 500.
func failed(errs ...string) answer {
	return jsonAnswer(http.StatusInternalServerError, map[string]any{"errors": errs})
}

func (c *call) notFound() answer {
	return jsonAnswer(http.StatusNotFound, map[string]any{
		"Message": "No HTTP resource was found that matches the request URI '" + c.zone.URL() + c.uri + "'.",
	})
}

func (c *call) notAllowed() answer {
	return jsonAnswer(http.StatusMethodNotAllowed, map[string]any{
		"Message": "The requested resource does not support http method '" + c.method + "'.",
	})
}

func html(status int, text string) answer {
	return answer{
		status: status, header: http.Header{"Content-Type": {"text/html"}},
		body: []byte("<!DOCTYPE html><html><body><h2>" + strconv.Itoa(status) + " - " + text + "</h2></body></html>"),
	}
}

// send writes the answer, in pieces if a Fault waits within it.
func (c *call) send(a answer) {
	if a.header == nil {
		a.header = http.Header{}
	}
	a = c.changed(a)
	if c.gzips && len(a.body) > 0 && a.header.Get("Content-Encoding") == "" && c.sim.behaviour().GzipAnswers {
		a = gzipped(a)
	}
	o := c.sim.take(Answering, c)
	for k, vs := range a.header {
		c.w.Header()[k] = vs
	}
	c.w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	c.w.WriteHeader(a.status)
	if o == nil {
		// A write fails when the client is gone: the ledger has the sign-in all the same.
		_, _ = c.w.Write(a.body)
		return
	}
	c.trickle(a.body, o)
}

// trickle writes the body in pieces and obeys the order between each two.
func (c *call) trickle(body []byte, o *Order) {
	size := o.fault.Chunk
	if size <= 0 {
		size = len(body)/2 + 1
	}
	for len(body) > size {
		_, _ = c.w.Write(body[:size])
		// Not every ResponseWriter can flush; those of servers can.
		_ = http.NewResponseController(c.w).Flush()
		body = body[size:]
		if c.obey(o) {
			return
		}
	}
	_, _ = c.w.Write(body)
}

func gzipped(a answer) answer {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	// Writing to memory does not fail.
	_, _ = zw.Write(a.body)
	_ = zw.Close()
	h := a.header.Clone()
	h.Set("Content-Encoding", "gzip")
	h.Set("Vary", "Accept-Encoding")
	return answer{status: a.status, header: h, body: buf.Bytes()}
}

// fill replaces {user}, {secret}, {code} and {uri} by what the call presented.
func (c *call) fill(text string) string {
	return strings.NewReplacer("{user}", c.user, "{secret}", c.secret, "{code}", c.code, "{uri}", c.uri).Replace(text)
}
