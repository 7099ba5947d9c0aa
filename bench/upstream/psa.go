package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// psa answers the few calls that are measured, and those that psagate makes of its own accord.
type psa struct {
	secret  []string // as a header has it
	delay   time.Duration
	zone    []byte // the answer to a zone lookup
	ticket  []byte // 1 KiB
	page    []byte // a query page, gzip
	buffers sync.Pool
}

func newPSA(base, secret string, delay time.Duration) *psa {
	return &psa{
		secret: []string{secret}, delay: delay, ticket: ticket(1 << 10), page: compressed(page(base, 1<<20)),
		zone:    fmt.Appendf(nil, `{"zoneName":"Bench","url":%q,"webUrl":%q,"ci":1}`, base+"/ATServicesRest/", base+"/"),
		buffers: sync.Pool{New: func() any { return new([64 << 10]byte) }},
	}
}

const threshold = `{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}`

// ServeHTTP implements http.Handler.
func (p *psa) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if strings.EqualFold(what, "zoneInformation") {
		answer(w, p.zone)
		return
	}
	size, err := p.drain(r.Body)
	if err != nil {
		return
	}
	if !p.signsIn(r) {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.delay > 0 {
		time.Sleep(p.delay)
	}
	switch what {
	case "atws.asmx":
		answerSOAP(w, r.Header["Soapaction"])
	case "ThresholdInformation":
		answer(w, []byte(threshold))
	case "query":
		w.Header().Set("Content-Encoding", "gzip")
		answer(w, p.page)
	case "Attachments":
		if size != r.ContentLength && r.ContentLength >= 0 {
			http.Error(w, "a part of the body is missing", http.StatusInternalServerError)
			return
		}
		answer(w, []byte(`{"itemId":1}`))
	default:
		answer(w, p.ticket)
	}
}

// signsIn tells whether a call has the credential, by HTTP Basic or in REST's headers.
func (p *psa) signsIn(r *http.Request) bool {
	if _, secret, basic := r.BasicAuth(); basic {
		return secret == p.secret[0]
	}
	given := r.Header["Secret"]
	return len(given) == 1 && given[0] == p.secret[0] && len(r.Header["Username"]) == 1 && len(r.Header["Apiintegrationcode"]) == 1
}

// drain reads a body to its end and returns its size.
func (p *psa) drain(body io.Reader) (int64, error) {
	if body == http.NoBody {
		return 0, nil
	}
	buf := p.buffers.Get().(*[64 << 10]byte)
	defer p.buffers.Put(buf)
	var size int64
	for {
		n, err := body.Read(buf[:])
		size += int64(n)
		switch err {
		case nil:
		case io.EOF:
			return size, nil
		default:
			return size, err
		}
	}
}

var jsonType = []string{"application/json; charset=utf-8"}

func answer(w http.ResponseWriter, body []byte) {
	w.Header()["Content-Type"] = jsonType
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body) // who has left hears nothing
}

var xmlType = []string{"text/xml; charset=utf-8"}

// answerSOAP answers a query with one ticket, and an attachment with its number.
func answerSOAP(w http.ResponseWriter, action []string) {
	body := soapFound
	if len(action) == 1 && strings.HasSuffix(action[0], `/CreateAttachment"`) {
		body = soapStored
	}
	w.Header()["Content-Type"] = xmlType
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body)
}
