package call

import (
	"bytes"
	"context"
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
func (g *Gateway) freeSOAP(w http.ResponseWriter, r *http.Request, op autotask.Operation, public string) (reason string) {
	readOff(w, r)
	switch {
	case op.Rest != "1.6":
		autotask.WriteError(w, op.API, autotask.NotFound, "version 1.5 of the interface is retired, as the PSA has it: use version 1.6, whose address is "+asmx, 0)
		return string(autotask.NotFound)
	case op.Call == soap.GetZoneInfo:
		writeXML(w, g.zoneInfo(public))
		return ""
	case op.Form == autotask.FormASMX && !asksForWSDL(r.URL.RawQuery):
		autotask.WriteError(w, op.API, autotask.NotFound, "this address takes SOAP calls by POST; its WSDL is "+asmx+"?wsdl", 0)
		return string(autotask.NotFound)
	}
	return g.serveWSDL(w, r, public+asmx)
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
func (g *Gateway) zoneInfo(public string) []byte {
	z := g.zoneInformation(public)
	return soap.ZoneInfoResponse(soap.ZoneInfo{URL: public + asmx, CI: z.CI, WebURL: z.WebURL})
}

func writeXML(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// serveWSDL answers with the PSA's own WSDL, whose address is the gateway's.
func (g *Gateway) serveWSDL(w http.ResponseWriter, r *http.Request, address string) (reason string) {
	text, ok := g.wsdl(r.Context())
	if !ok {
		status, header, body := autotask.ErrorAnswer(autotask.SOAP, autotask.UpstreamUnreachable, "the PSA's WSDL cannot be had now: an operator finds the cause in this gateway's log", 0)
		_ = status // a client that loads a WSDL shows the status alone
		addTo(w.Header(), header)
		w.WriteHeader(autotask.UpstreamUnreachable.Status())
		_, _ = w.Write(body)
		return string(autotask.UpstreamUnreachable)
	}
	led, _ := io.ReadAll(soap.NewWSDL(bytes.NewReader(text), address)) // it was read before
	writeXML(w, led)
	return ""
}

// wsdl returns the PSA's WSDL, by way of the first login that has one.
func (g *Gateway) wsdl(ctx context.Context) (text []byte, ok bool) {
	asked := make(map[string]bool)
	for _, n := range g.lanes {
		at := n.discover.String() + " " + n.pinned.String()
		if asked[at] || len(asked) == wsdlSources {
			continue
		}
		asked[at] = true
		if text = g.shared.wsdls.of(at).get(ctx, n.fetchWSDL); text != nil {
			return text, true
		}
	}
	return nil, false
}

// wsdlSources is how many PSAs are asked for a WSDL at the most, of a config whose logins are at several.
const wsdlSources = 3

// anyAddress is put into a WSDL to see that it has an address.
const anyAddress = "urn:psagate:address"

// fetchWSDL asks the PSA for its WSDL, without a credential.
func (n *lane) fetchWSDL(ctx context.Context) []byte {
	if !n.admit() {
		return nil
	}
	defer n.leave()
	base := n.wsdlHost()
	op := autotask.Operation{API: autotask.SOAP, Method: http.MethodGet, Form: autotask.FormWSDL, Free: true, Rest: "1.6"}
	status, text, err := n.wire.FreeOf(ctx, base.URL(op, ""), "text/xml", maxWSDL+1)
	switch {
	case err != nil:
		n.warn("the PSA's WSDL could not be fetched", err)
	case status != http.StatusOK || len(text) > maxWSDL || !isWSDL(text):
		n.log.Warn("the PSA answered with something else than its WSDL", "host", base.Host(), "status", status)
	default:
		return text
	}
	return nil
}

// maxWSDL bounds a WSDL, in bytes: the real one has some 190 KB.
const maxWSDL = 2 << 20

// isWSDL reports whether a text can be read to its end, and has an address to lead elsewhere.
func isWSDL(text []byte) bool {
	led, err := io.ReadAll(soap.NewWSDL(bytes.NewReader(text), anyAddress))
	return err == nil && bytes.Contains(led, []byte(anyAddress))
}

// wsdlHost is where the login's calls go, as far as that is known, else where zones are looked up.
func (n *lane) wsdlHost() (base autotask.Base) {
	if last := n.parsed.Load(); last != nil {
		return last.base
	}
	if !n.pinned.IsZero() {
		return n.pinned
	}
	return n.discover
}
