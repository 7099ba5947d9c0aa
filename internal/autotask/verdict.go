package autotask

import (
	"net/http"
	"strings"

	"github.com/psagate/psagate/internal/guard"
)

// Answer is what of the PSA's answer tells the verdict on the sign-in that its request carried.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Header is the answer's header.
	Header http.Header
	// Body is the head of the body, gzip undone, of which the first MaxBodyHead bytes count. Only where NeedsBody says so.
	Body []byte
}

// MaxBodyHead is how much of a body decides a verdict, in bytes.
const MaxBodyHead = 64 << 10

// Classify reads the verdict off an answer, and whether one with a status of success tells of an error all the same, as SOAP's do. It is cautious: a success is only what nothing but a success looks like; a
// failure is what the PSA says of failures; what the PSA may not even have seen, or not have said, is no answer.
//
//   - 2xx to an operation that signs in, as JSON: accepted. As HTML, to any operation: no answer, because the PSA's
//     interfaces never speak HTML, so a middlebox answered, and whether the sign-in was judged is open. Other 2xx:
//     neutral.
//   - 401 with a Basic challenge, whatever its realm: refused. Without one: no answer.
//   - 5xx whose body is the PSA's {"errors":["text"]}: the texts decide (see textRules). Without: no answer.
//   - lockout texts also count on 401 and 403, since it is not known with which status REST tells of a lockout.
//   - 3xx and other 4xx: neutral; 407 and 408 come from proxies: no answer.
//   - SOAP: see classifySOAP; all that it does not name is no answer.
func Classify(op Operation, a Answer) (v guard.Verdict, complains bool) {
	if op.API == SOAP {
		v, complains = classifySOAP(op, a)
		return v, complains && a.Status < http.StatusMultipleChoices
	}
	return classifyREST(op, a), false
}

func classifyREST(op Operation, a Answer) guard.Verdict {
	texts, isErrors := []string(nil), false
	if NeedsBody(op, a.Status, a.Header) {
		texts, isErrors = errorTexts(a.head())
	}
	said, known := judgeTexts(texts)
	switch {
	case said == guard.Locked:
		return guard.Locked
	case a.Status == http.StatusUnauthorized:
		return unauthorized(a.Header)
	case a.Status >= 500 && isErrors && (known || a.Status == http.StatusInternalServerError):
		return said
	}
	return byStatus(op, a)
}

// head is the part of the body that counts.
func (a Answer) head() []byte { return a.Body[:min(len(a.Body), MaxBodyHead)] }

// NeedsBody says whether the head of the body is needed to classify an answer. SOAP tells its successes there too.
func NeedsBody(op Operation, status int, h http.Header) bool {
	may := status == http.StatusUnauthorized || status == http.StatusForbidden || status >= 500
	may = may || calls(op) && status >= 200 && status < 300
	return may && h.Get("Content-Length") != "0" && mediaType(h) != "text/html"
}

func unauthorized(h http.Header) guard.Verdict {
	for _, line := range h.Values("WWW-Authenticate") {
		if hasBasic(line) {
			return guard.Refused
		}
	}
	return guard.NoAnswer
}

func byStatus(op Operation, a Answer) guard.Verdict {
	switch {
	case a.Status < 200 || a.Status >= 500:
		return guard.NoAnswer
	case a.Status < 300:
		return success(op, a.Header)
	case a.Status == http.StatusProxyAuthRequired || a.Status == http.StatusRequestTimeout:
		return guard.NoAnswer
	}
	return guard.Neutral
}

func success(op Operation, h http.Header) guard.Verdict {
	switch mediaType(h) {
	case "text/html", "application/xhtml+xml":
		return guard.NoAnswer
	case "application/json", "text/json":
		if op.SignsIn() {
			return guard.Accepted
		}
	}
	return guard.Neutral
}

// mediaType returns the media type without parameters, in lower case; empty where several are claimed.
func mediaType(h http.Header) string {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return ""
	}
	media, _, _ := strings.Cut(values[0], ";")
	return lower(strings.TrimSpace(media))
}

// isBlank: RFC 9110, section 5.6.3, knows two blanks.
func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// hasBasic says whether a line of challenges has one of scheme Basic. Quoted text is not looked into.
func hasBasic(line string) bool {
	quoted, start := false, 0
	for i := 0; i <= len(line); i++ {
		switch {
		case i < len(line) && quoted && line[i] == '\\':
			i++
		case i < len(line) && line[i] == '"':
			quoted = !quoted
		case i >= len(line) || line[i] == ',' && !quoted:
			words := strings.FieldsFunc(line[start:min(i, len(line))], isBlank)
			if len(words) > 0 && is(words[0], "Basic") {
				return true
			}
			start = i + 1
		}
	}
	return false
}
