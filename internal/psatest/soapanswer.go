package psatest

import (
	"net/http"
	"strconv"
)

// The codes of faults, with the prefix that ASP.NET has.
const (
	clientFault  = "soap:Client"
	serverFault  = "soap:Server"
	versionFault = "soap:VersionMismatch"
)

// lockedText is what a client of a locked user has shown. How it came over the wire is not known.
const lockedText = "The user account has been locked.  Please see your Autotask Administrator for details."

// codeText is what a client with a wrong integration code has shown, as the message of an ATWSError.
const codeText = "IntegrationCode is invalid."

// soapFault is a fault that is yet to be written.
type soapFault struct{ code, text string }

func (f *soapFault) answer() answer { return fault(f.code, f.text) }

// fault is a SOAP fault: a 500, as SOAP 1.1 has it.
func fault(code, text string) answer { return faultWith(http.StatusInternalServerError, code, text) }

func faultWith(status int, code, text string) answer {
	return envelope(status, func(w *xmlWriter) {
		w.in("soap:Fault", func() {
			w.leaf("faultcode", code)
			w.leaf("faultstring", text)
			w.empty("detail")
		})
	})
}

// envelope puts an envelope around a body.
func envelope(status int, body func(*xmlWriter)) answer {
	return xmlAnswer(status, func(w *xmlWriter) {
		w.in("soap:Envelope", func() {
			w.in("soap:Body", func() { body(w) })
		}, "xmlns:soap", envelopeSpace, "xmlns:xsi", xsiSpace, "xmlns:xsd", xsdSpace)
	})
}

func xmlAnswer(status int, document func(*xmlWriter)) answer {
	w := &xmlWriter{}
	w.buf.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	document(w)
	return answer{
		status: status, body: w.buf.Bytes(),
		header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Cache-Control": {"private, max-age=0"}},
	}
}

// responded is the answer of an operation that went well.
func (c *call) responded(write func(*xmlWriter)) answer {
	name := c.soap.op.name
	return envelope(http.StatusOK, func(w *xmlWriter) {
		w.in(name+"Response", func() {
			w.in(name+"Result", func() { write(w) })
		}, "xmlns", atwsSpace)
	})
}

// complained is how SOAP says that something is wrong with a request it understood: a 200 whose ReturnCode is -1,
// or a fault where the operation's answer has no room for one.
func (c *call) complained(errs ...string) answer {
	if c.soap.op.result != "ATWSResponse" {
		return fault(serverFault, errs[0])
	}
	return c.responded((&atwsResponse{errs: errs}).write)
}

// refusedSOAP is the answer to a refused sign-in where that is not the bare 401; false where it is.
func (c *call) refusedSOAP(e SignIn) (answer, bool) {
	b := c.sim.behaviour()
	codeAlone := e.Cause == CauseWrongCode || e.Cause == CauseMissing && c.code == "" && e.Secret.Standing == SecretCurrent
	switch {
	case c.soap == nil:
		return answer{}, false
	case e.Cause == CauseLocked && b.LockedFault:
		return fault(serverFault, lockedText), true
	case codeAlone && c.soap.broken != nil:
		return c.soap.broken.answer(), true
	case codeAlone && b.SOAPCode == CodeError:
		return c.complained(codeText), true
	}
	return answer{}, false
}

// limitedSOAP tells of a limit: as a ReturnCode -1 where the status is 200, else as a fault.
func (c *call) limitedSOAP(status int, text string) answer {
	if status == http.StatusOK {
		return c.complained(text)
	}
	return faultWith(status, serverFault, text)
}

// atwsResponse is what most operations answer with.
type atwsResponse struct {
	kind     *soapEntity // of the entities
	entities []func(*xmlWriter)
	errs     []string
	infos    []returnInfo
}

// returnInfo tells what became of one entity that was sent.
type returnInfo struct {
	id             int64
	action         string // what the database did: None, Created, Updated
	found, ignored bool   // a ticket that is a duplicate
	message        string
}

func (r *atwsResponse) write(w *xmlWriter) {
	code := "1"
	if len(r.errs) > 0 {
		code = "-1"
	}
	w.leaf("ReturnCode", code)
	w.in("EntityResults", func() {
		for _, e := range r.entities {
			e(w)
		}
	})
	if r.kind != nil {
		w.leaf("EntityResultType", r.kind.name)
	}
	w.in("Errors", func() {
		for _, text := range r.errs {
			w.in("ATWSError", func() { w.leaf("Message", text) })
		}
	})
	w.in("EntityReturnInfoResults", func() {
		for _, i := range r.infos {
			w.in("EntityReturnInfo", func() { i.write(w) })
		}
	})
}

func (i *returnInfo) write(w *xmlWriter) {
	w.leaf("EntityId", strconv.FormatInt(i.id, 10))
	w.leaf("DatabaseAction", i.action)
	w.in("DuplicateStatus", func() {
		w.leaf("Found", strconv.FormatBool(i.found))
		w.leaf("Ignored", strconv.FormatBool(i.ignored))
	})
	if i.message != "" {
		w.leaf("Message", i.message)
	}
}
