package call

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/soap"
)

// asmx is where SOAP calls go, below a base URL.
const asmx = "/ATServices/1.6/atws.asmx"

// freeSOAP answers what SOAP clients ask before they sign in.
func (g *Gateway) freeSOAP(w http.ResponseWriter, r *http.Request, op autotask.Operation, at address) (reason string) {
	readOff(w, r)
	switch {
	case op.Rest != "1.6":
		autotask.WriteError(w, op.API, autotask.NotFound, "version 1.5 of the interface is retired, as the PSA has it: use version 1.6, whose address is "+asmx, 0)
		return string(autotask.NotFound)
	case op.Call == soap.GetZoneInfo:
		writeXML(w, g.zoneInfo(at))
		return ""
	case op.Form == autotask.FormASMX && !asksForWSDL(r.URL.RawQuery):
		autotask.WriteError(w, op.API, autotask.NotFound, "this address takes SOAP calls by POST; its WSDL is "+asmx+"?wsdl", 0)
		return string(autotask.NotFound)
	}
	return g.serveWSDL(w, r, at.public+asmx)
}

// maxFreeBody is how much of a free call's body is read, in bytes, and freePatience for how long: nobody needs it, but a client that
// keeps its connection wants it taken.
const (
	maxFreeBody  = 64 << 10
	freePatience = 5 * time.Second
)

// readOff takes the body of a call that needs none. The connection of one that has more, or is slow, ends with the answer.
func readOff(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	control := http.NewResponseController(w)
	// Without support for deadlines the server's own read timeout is what there is.
	_ = control.SetReadDeadline(time.Now().Add(freePatience))
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxFreeBody+1))
	_ = control.SetReadDeadline(time.Time{})
	if err != nil || n > maxFreeBody {
		unread(w, r)
	}
}

// asksForWSDL reports whether a query string is that by which SOAP services are asked for their WSDL.
func asksForWSDL(query string) bool {
	name, _, _ := strings.Cut(query, "=")
	return strings.EqualFold(name, "wsdl")
}

// zoneInfo is zoneInformation in SOAP's words.
func (g *Gateway) zoneInfo(at address) []byte {
	z := g.zoneInformation(at)
	return soap.ZoneInfoResponse(soap.ZoneInfo{URL: at.public + asmx, CI: z.CI, WebURL: z.WebURL})
}

func writeXML(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // it has the host that was asked for in it
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// serveWSDL answers with the PSA's own WSDL, whose address is the gateway's.
func (g *Gateway) serveWSDL(w http.ResponseWriter, r *http.Request, address string) (reason string) {
	text, ok := g.wsdl(r.Context())
	if !ok {
		const reason = autotask.UpstreamUnreachable
		_, header, body := autotask.ErrorAnswer(autotask.SOAP, reason, "the PSA's WSDL cannot be had now: an operator finds the cause in this gateway's log", 0)
		addTo(w.Header(), header)
		w.WriteHeader(reason.Status()) // who loads a WSDL is shown the status alone, and expects no fault
		_, _ = w.Write(body)
		return string(reason)
	}
	led, _ := io.ReadAll(soap.NewWSDL(bytes.NewReader(text), address)) // it was read before
	writeXML(w, led)
	return ""
}
