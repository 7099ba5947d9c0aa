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
	if api == SOAP {
		return FaultAnswer(faultCode(reason.Status()), reason, text, retryAfter)
	}
	body := errorJSON(text)
	return reason.Status(), errorHeader(reason, retryAfter, "application/json; charset=utf-8", body), body
}

// FaultAnswer is ErrorAnswer for SOAP, where it is known whose fault the error is. SOAP 1.1, section 6.2, wants status 500 for all.
func FaultAnswer(code soap.FaultCode, reason Reason, text string, retryAfter time.Duration) (int, http.Header, []byte) {
	body := soap.Fault(code, text)
	return http.StatusInternalServerError, errorHeader(reason, retryAfter, "text/xml; charset=utf-8", body), body
}

func errorHeader(reason Reason, retryAfter time.Duration, contentType string, body []byte) http.Header {
	h := http.Header{HeaderReason: {string(reason)}, "Cache-Control": {"no-store"}}
	if retryAfter > 0 && reasons[reason].waits {
		h.Set("Retry-After", strconv.FormatInt(wholeSeconds(retryAfter), 10))
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return h
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
