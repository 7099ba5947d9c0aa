package autotask

import (
	"net/http"
	"strconv"
	"strings"
)

// RequestError says why a request is none that the PSA has. Its text names no byte of the request, so it can be logged
// and sent.
type RequestError struct {
	// Reason is BadRequest for what is malformed, NotFound for what lies outside the PSA's interfaces.
	Reason Reason
	// Text says what was wrong and what to send instead.
	Text string
}

// Error returns the text.
func (e *RequestError) Error() string { return e.Text }

func badRequest(text string) error { return &RequestError{BadRequest, text} }
func notFound(text string) error   { return &RequestError{NotFound, text} }

const (
	maxPath = 1024
	maxName = 100
)

// ParseOperation reads an operation off a request's method and escaped path (without the query string). Names may come
// in any case, slashes doubled or at the end. It is strict otherwise: letters, digits, ".", "_" and "-" are all that the
// PSA's own paths contain, so anything else, percent-escapes among them, is refused rather than decoded; two readers of
// one path can then not disagree about it. ParseOperation(m, op.Path()) gives op again.
//
// The error is a *RequestError. With it the operation tells the interface alone.
func ParseOperation(method, escapedPath string) (Operation, error) {
	if !knownMethod(method) {
		return Operation{}, badRequest("the method is not one of the PSA's: use GET, POST, PUT, PATCH or DELETE")
	}
	segments, err := splitPath(escapedPath)
	if err != nil {
		return Operation{}, err
	}
	switch {
	case len(segments) > 0 && is(segments[0], restRoot[1:]):
		return parseREST(method, segments[1:])
	case len(segments) > 0 && is(segments[0], soapRoot[1:]):
		return parseSOAP(method, segments[1:])
	}
	return Operation{}, notFound("the path is outside the PSA's interfaces: it must start with /ATServicesRest/V1.0/ or /ATServices/1.6/")
}

// is compares two names in ASCII, without case.
func is(got, want string) bool { return len(got) == len(want) && strings.EqualFold(got, want) }

// lower is s in ASCII lower case. Of Unicode's rules it has none: by those the letter \u0130 becomes an i, and what is no
// host name one.
func lower(s string) string {
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	for i := range len(s) {
		if !upper(s[i]) {
			continue
		}
		b := []byte(s)
		for j := i; j < len(b); j++ {
			if upper(b[j]) {
				b[j] += 'a' - 'A'
			}
		}
		return string(b)
	}
	return s
}

// splitPath returns the path's segments without the empty ones.
func splitPath(path string) ([]string, error) {
	if path == "" || path[0] != '/' {
		return nil, badRequest(`the path must start with "/"`)
	}
	if len(path) > maxPath {
		return nil, badRequest("the path is longer than 1024 bytes; no path of the PSA's is")
	}
	for i := range len(path) {
		if !pathByte(path[i]) {
			return nil, badRequest(`the path holds a byte that no path of the PSA's has: send letters, digits, ".", "_" and "-", unescaped`)
		}
	}
	segments := make([]string, 0, 8)
	for s := range strings.SplitSeq(path, "/") {
		if s == "" {
			continue
		}
		if s[0] == '.' || s[len(s)-1] == '.' {
			return nil, badRequest("the path holds a segment that starts or ends with a dot; send the path that is meant")
		}
		segments = append(segments, s)
	}
	return segments, nil
}

func pathByte(c byte) bool {
	return c == '/' || c == '.' || c == '_' || c == '-' || alphanumeric(c)
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func parseREST(method string, rest []string) (Operation, error) {
	switch {
	case len(rest) == 1 && is(rest[0], "VersionInformation"):
		return free(method, Operation{Form: FormVersion, Action: Read})
	case len(rest) > 1 && is(rest[0], "swagger"):
		return free(method, Operation{Form: FormSwagger, Action: Read, Rest: strings.Join(rest[1:], "/")})
	case len(rest) < 2 || !is(rest[0], version1):
		return Operation{}, notFound("the path names no interface version that is served: use /ATServicesRest/V1.0/")
	case len(rest) == 2 && is(rest[1], "zoneInformation"):
		return free(method, zoneLookup)
	}
	return parseEntity(method, rest[1:])
}

func free(method string, op Operation) (Operation, error) {
	if method != http.MethodGet {
		return Operation{API: op.API}, badRequest("this path answers GET alone")
	}
	op.Method, op.Free = method, true
	return op, nil
}

// version15 is the version of the SOAP interface that the PSA has retired: whatever is asked of it is refused, without a sign-in.
const version15 = "1.5"

func parseSOAP(method string, rest []string) (Operation, error) {
	op := Operation{API: SOAP}
	if len(rest) != 2 || rest[0] != version15 && rest[0] != "1.6" {
		return op, notFound("the path is none of the SOAP interface's: use /ATServices/1.6/atws.asmx")
	}
	op.Rest = rest[0]
	switch {
	case is(rest[1], "atws.wsdl"):
		op.Form = FormWSDL
	case is(rest[1], "atws.asmx"):
		op.Form = FormASMX
	default:
		return Operation{API: SOAP}, notFound("the path is none of the SOAP interface's: use /ATServices/1.6/atws.asmx")
	}
	if op.Form == FormASMX && method == http.MethodPost {
		op.Method, op.Free = method, op.Rest == version15
		return op, nil
	}
	return free(method, op)
}

// parseEntity reads what follows /V1.0/: at least one segment.
func parseEntity(method string, rest []string) (Operation, error) {
	if !validName(rest[0]) || is(rest[0], "zoneInformation") || is(rest[0], "query") {
		return Operation{}, badRequest("the path's entity is no name of letters and digits")
	}
	op := Operation{Method: method, Entity: entityName(rest[0])}
	if err := op.parseTail(rest[1:]); err != nil {
		return Operation{}, err
	}
	op.Action = meaningOf(op.Form, method).action
	return op, nil
}

// parseTail reads what follows the entity.
func (o *Operation) parseTail(tail []string) error {
	if len(tail) == 0 {
		o.Form = FormEntity
		return nil
	}
	joined := strings.Join(tail, "/")
	for _, f := range fixedTails {
		if is(joined, f.tail) {
			o.Form = f.form
			return nil
		}
	}
	return o.parseRecord(tail)
}

// parseRecord reads {id}, {id}/{child} or {id}/{child}/{id}.
func (o *Operation) parseRecord(tail []string) error {
	if len(tail) > 3 {
		return badRequest("the path goes on where no path of the PSA's does")
	}
	if o.ID = tail[0]; !validID(o.ID) {
		return badRequest("the path's record id is not a whole number in its plain form")
	}
	o.Form = FormItem
	if len(tail) > 1 {
		if !validName(tail[1]) || is(tail[1], "query") || is(tail[1], "entityInformation") {
			return badRequest("the path's child is no name of letters and digits")
		}
		o.Form = FormChild
		o.Child, _ = children[o.Entity].of(tail[1])
	}
	if len(tail) > 2 {
		if o.ChildID = tail[2]; !validID(o.ChildID) {
			return badRequest("the path's child id is not a whole number in its plain form")
		}
		o.Form = FormChildItem
	}
	return nil
}

// validName says whether s is spelled like a name of the PSA's: a letter, then letters, digits and "_".
func validName(s string) bool {
	if len(s) > maxName || s[0] == '_' || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if s[i] != '_' && !alphanumeric(s[i]) {
			return false
		}
	}
	return true
}

// validID says whether s is an int64 as the PSA itself writes it: no plus sign, no leading zero.
func validID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

// CheckQuery refuses query strings that would not stay one request line when they are written again: white space,
// control bytes, "#". The rest passes as it came. The error is a *RequestError.
func CheckQuery(raw string) error {
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '#' {
			return badRequest("the query string holds a space, a control byte or #; send it percent-encoded")
		}
	}
	return nil
}
