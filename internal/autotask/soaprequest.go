package autotask

import (
	"mime"
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/soap"
)

// keySOAPAction is the header that names a SOAP operation, as net/http has it in a Header.
var keySOAPAction = http.CanonicalHeaderKey("SOAPAction")

// soapType is the Content-Type with which envelopes are sent to the PSA, whatever their caller's spelling of it.
const soapType = "text/xml; charset=utf-8"

// soapTypes and soapActions are the headers' values, by operation. They are in many requests at once, so nobody changes them.
var soapTypes, soapActions = []string{soapType}, func() map[soap.Operation][]string {
	all := make(map[soap.Operation][]string)
	for _, op := range soap.Operations {
		all[op] = []string{op.Action()}
	}
	return all
}()

// ParseRequest is ParseOperation, and tells by its header what a SOAP request calls: the PSA dispatches by SOAPAction alone. The body must
// still be seen to say the same. A HEAD of what is free in SOAP is a GET of it, whose answer has no body: what loads a WSDL may begin so.
func ParseRequest(method, escapedPath string, h http.Header) (Operation, error) {
	if method == http.MethodHead {
		if op, err := ParseOperation(http.MethodGet, escapedPath); err == nil && op.API == SOAP && op.Free {
			return op, nil
		}
	}
	op, err := ParseOperation(method, escapedPath)
	if err != nil || op.API != SOAP || op.Form != FormASMX || op.Method != http.MethodPost || op.Rest == version15 {
		return op, err
	}
	actions := h[keySOAPAction]
	if len(actions) > 1 {
		return Operation{API: SOAP}, badRequest("the header SOAPAction is there more than once; send it once")
	}
	call, err := soap.ParseAction(strings.Join(actions, ""))
	if err != nil {
		return Operation{API: SOAP}, badRequest(err.Error())
	}
	op.Call, op.Action, op.Free = call, soapAction(call), call.Free()
	return op, nil
}

// soapAction is what an operation does.
func soapAction(call soap.Operation) Action {
	switch call {
	case soap.Query:
		return Query
	case soap.Create, soap.CreateAttachment:
		return Create
	case soap.Update:
		return Update
	case soap.Delete, soap.DeleteAttachment:
		return Delete
	}
	return Read
}

// CheckEnvelope says by its header why a SOAP request's body is not read: it must be XML in UTF-8, and not compressed. No client is known
// that compresses envelopes, and where its header begins and ends must be found in one. The error is a *RequestError.
func CheckEnvelope(h http.Header) error {
	switch strings.ToLower(strings.Join(h["Content-Encoding"], ", ")) {
	case "", "identity":
	default:
		return badRequest("Content-Encoding must be absent: the SOAP interface takes envelopes that are not compressed")
	}
	types := h["Content-Type"]
	if len(types) != 1 {
		return badRequest("Content-Type must be there once: text/xml; charset=utf-8")
	}
	if strings.EqualFold(types[0], soapType) {
		return nil
	}
	kind, params, err := mime.ParseMediaType(types[0])
	if charset := strings.ToLower(params["charset"]); err != nil || kind != "text/xml" || charset != "" && charset != "utf-8" {
		return badRequest("Content-Type must be text/xml, and its charset utf-8: the PSA speaks SOAP 1.1")
	}
	return nil
}

// PassEnvelopeHeaders is PassRequestHeaders for a SOAP call: it says of the body what was judged, and not what its caller said.
func PassEnvelopeHeaders(dst, src http.Header, call soap.Operation) {
	PassRequestHeaders(dst, src)
	delete(dst, "Content-Encoding")
	dst["Content-Type"], dst[keySOAPAction] = soapTypes, soapActions[call]
}
