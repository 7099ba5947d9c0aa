package soap

import "io"

// Request is what a request's envelope says.
type Request struct {
	// Operation is what is called.
	Operation Operation
	// Impersonate is the id of the resource that the caller asks to be shown as, in digits; empty: none.
	Impersonate string
	// Entity is what a query, GetFieldInfo or getUDFInfo is about, as it is spelled.
	Entity string
	// Filters are the names of the fields that a query filters on, each once, as they are spelled. A user-defined field's has
	// UDFPrefix before it.
	Filters []string
	// Records are what create, update and delete are given, and the one attachment of CreateAttachment.
	Records []Record
	// ID is the number of the attachment (GetAttachment, DeleteAttachment) or invoice (GetInvoiceMarkup).
	ID string
	// UserName is whose zone getZoneInfo asks for.
	UserName string

	// Size is how many bytes the envelope has.
	Size int64
	// header is where the caller's Header is, or where one can be: two equal places. prefix is the envelope's.
	header struct{ from, to int64 }
	prefix string
	code   *string // nil: none; a pointer, so that who prints a Request shows no code
}

// Code is the integration code in the caller's Header; empty where there is none, or where there are two.
func (q *Request) Code() string {
	if q.code == nil {
		return ""
	}
	return *q.code
}

// Record is one that is created, updated or deleted.
type Record struct {
	// Type is the entity's name, as its xsi:type spells it. Of an attachment it is AttachmentInfo.
	Type string
	// ID is the record's number; empty or 0 for a new one.
	ID string
	// Fields are the names of the fields that are written, each once, as they are spelled: those made empty by xsi:nil too, but not
	// id. A user-defined field's has UDFPrefix before it.
	Fields []string
	// ParentType and ParentID are what an attachment is attached to: the PSA's number for a kind of entity, and the record's.
	ParentType, ParentID string
}

// UDFPrefix is before the names of user-defined fields.
const UDFPrefix = "udf:"

// Read reads a request: its envelope, not compressed, and its SOAPAction header, quoted or not. The envelope is read to its end, and
// never held. The errors are src's own, unwrapped, and *Refusal.
func Read(src io.Reader, soapAction string) (*Request, error) {
	op, err := ParseAction(soapAction)
	if err != nil {
		return nil, err
	}
	r := reader{scanner: newScanner(src), req: &Request{Operation: op}}
	defer r.free()
	if err := r.envelope(); err != nil {
		return nil, err
	}
	r.req.Size = r.at()
	return r.req, nil
}

// envelope reads all of the document.
func (r *reader) envelope() error {
	if err := r.root(); err != nil {
		return err
	}
	r.req.prefix = string(r.tag.prefix)
	headed, bodied := false, false
	for {
		more, err := r.child()
		if err != nil || !more {
			return r.closed(err, bodied)
		}
		switch {
		case bodied:
			return r.refuse("something follows the envelope's Body; send one Body, and nothing after it")
		case r.tag.is(nsEnvelope, "Body"):
			bodied = true
			err = r.body(headed)
		case r.tag.is(nsEnvelope, "Header") && !headed:
			headed = true
			r.req.header.from = r.from
			err = r.header()
			r.req.header.to = r.at()
		default:
			return r.refuse("the envelope holds what is neither its one Header nor its one Body")
		}
		if err != nil {
			return err
		}
	}
}

// closed ends the document behind the envelope's end tag.
func (r *reader) closed(err error, bodied bool) error {
	switch {
	case err != nil:
		return err
	case !bodied:
		return r.refuse("the envelope has no Body")
	}
	for {
		if k, err := r.next(); err != nil || k == atEnd {
			return err
		}
	}
}

// root reads the root element's start tag.
func (r *reader) root() error {
	for {
		k, err := r.step()
		switch {
		case err != nil:
			return err
		case k != atStart:
		case r.tag.is(nsEnvelope12, "Envelope"):
			return r.refuseAs(VersionMismatch, "the envelope is SOAP 1.2's; the PSA speaks SOAP 1.1: its namespace is "+nsEnvelope)
		case string(r.tag.local) == "Envelope" && r.tag.space != nsEnvelope:
			return r.refuseAs(VersionMismatch, "the envelope is not SOAP 1.1's: its namespace must be "+nsEnvelope)
		case !r.tag.is(nsEnvelope, "Envelope"):
			return r.refuse("the document is no SOAP envelope; send an Envelope of the namespace " + nsEnvelope)
		default:
			return nil
		}
	}
}

// body reads the Body, whose start tag was read: one element, the operation that the SOAPAction names.
func (r *reader) body(headed bool) error {
	if !headed {
		r.req.header.from, r.req.header.to = r.from, r.from
	}
	r.inBody = true
	if more, err := r.child(); err != nil || !more {
		return orElse(err, r.refuse("the Body is empty; it must hold the operation"))
	}
	switch {
	case r.tag.space == nsATWS15:
		return r.refuse(version15)
	case r.tag.space != nsATWS:
		return r.refuse("the Body's element is none of the PSA's: its namespace must be " + nsATWS)
	case !r.req.Operation.named(string(r.tag.local)):
		return r.refuse("the Body's element is not the operation that the header SOAPAction names; both must name the same")
	}
	if err := r.arguments(); err != nil {
		return err
	}
	more, err := r.child()
	if err == nil && more {
		return r.refuse("the Body holds more than one element; send one operation in a call")
	}
	return err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
