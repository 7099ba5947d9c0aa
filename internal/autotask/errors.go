package autotask

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/soap"
)

// WriteError answers with an error of the gateway's own. See ErrorAnswer for what it looks like.
func WriteError(w http.ResponseWriter, api API, reason Reason, text string, retryAfter time.Duration) {
	status, header, body := ErrorAnswer(api, reason, text, retryAfter)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	// The client may be gone: there is nobody left to tell.
	_, _ = w.Write(body)
}

// ErrorAnswer words an error of the gateway's own as the PSA words its errors: for REST the reason's status and
// {"errors":["text"]}, for SOAP a fault with status 500. retryAfter is how long to wait, where that is known and the
// reason is one that waiting cures; it is rounded up to whole seconds, at least one. Text must hold no secret.
func ErrorAnswer(api API, reason Reason, text string, retryAfter time.Duration) (int, http.Header, []byte) {
	h := http.Header{HeaderReason: {string(reason)}, "Cache-Control": {"no-store"}}
	if retryAfter > 0 && reasons[reason].waits {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(retryAfter), 10))
	}
	status, contentType, body := reason.Status(), "application/json; charset=utf-8", errorJSON(text)
	if api == SOAP {
		body, contentType = soap.Fault(faultCode(status), text), "text/xml; charset=utf-8"
		status = http.StatusInternalServerError
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return status, h, body
}

func wholeSeconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return s
}

func errorJSON(text string) []byte {
	// A struct of one string slice cannot fail to marshal.
	body, _ := json.Marshal(struct {
		Errors []string `json:"errors"`
	}{[]string{text}})
	return body
}

// faultCode is whose fault an error of a status is, as SOAP has it.
func faultCode(status int) soap.FaultCode {
	if status < http.StatusInternalServerError {
		return soap.Client
	}
	return soap.Server
}

// Bare401 answers as the PSA does whatever is wrong with a sign-in: 401, no body, a Basic challenge whose realm is the
// host that was called. Bytes that no host name has are left out of the realm.
func Bare401(w http.ResponseWriter, host string) {
	realm := strings.Map(func(r rune) rune {
		if r < 0x80 && (alphanumeric(byte(r)) || strings.ContainsRune(".-_:[]", r)) {
			return r
		}
		return -1
	}, host)
	w.Header().Set("WWW-Authenticate", `Basic Realm="`+realm+`"`)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusUnauthorized)
}
