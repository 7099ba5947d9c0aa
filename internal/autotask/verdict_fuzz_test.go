package autotask

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

// quoted are texts in which the PSA repeats a value of the request between marks. Whatever the value, the first say
// nothing of the sign-in, and the others refuse it.
var quoted = map[guard.Verdict][]string{
	guard.Neutral: {
		"The value %s of field status is not in the list.", "Field title: %s is too long", "%s is no valid picklist value",
		"Unable to find %s", "Value %s for queueID, in place of %s: choose another", "The due date %s cannot be read",
	},
	guard.Refused: {"IntegrationCode %s is invalid", "The user name or password is incorrect: %s"},
}

var marks = [][2]string{{`"`, `"`}, {"“", "”"}, {"'", "'"}, {"‘", "’"}}

// FuzzClassify: a success is only what nothing but a success looks like, a failure only what the PSA says of failures; no
// value of the request that an answer repeats decides, and nothing does but status, type, challenge and the body's head.
func FuzzClassify(f *testing.F) {
	for _, file := range fixtures(f) {
		_, op, a := answerOf(f, file)
		f.Add(op.Method, op.Path(), a.Status, a.Header.Get("Content-Type"), a.Header.Get("Www-Authenticate"), a.Body, "x")
	}
	f.Fuzz(func(t *testing.T, method, path string, status int, types, challenges string, body []byte, value string) {
		op, _ := ParseOperation(method, path)
		h := http.Header{"Content-Type": lines(types), "Www-Authenticate": lines(challenges)}
		a := Answer{Status: status, Header: h, Body: body}
		got := verdictOf(op, a)
		checkVerdict(t, op, a, got)
		for name, same := range alike(op, a, value) {
			if v := verdictOf(op, same); v != got {
				t.Fatalf("%s: %s %d %q %q %q is %s, else %s", name, op, status, types, challenges, body, v, got)
			}
		}
		checkQuoted(t, op, value)
	})
}

// lines returns the values of a header that comes once for each line; none for an empty text.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// alike are answers that differ in nothing that may decide.
func alike(op Operation, a Answer, value string) map[string]Answer {
	reversed, more := a.Header.Clone(), a.Header.Clone()
	slices.Reverse(reversed["Www-Authenticate"])
	for _, name := range []string{"Date", "Set-Cookie", "Server", "Authorization", "Location", "X-Refused", "Psagate-Reason", "Proxy-Authenticate"} {
		more.Set(name, value)
	}
	all := map[string]Answer{
		"challenges in another order": {a.Status, reversed, a.Body},
		"more headers":                {a.Status, more, a.Body},
	}
	if !NeedsBody(op, a.Status, a.Header) {
		all["another body"] = Answer{a.Status, a.Header, []byte(value)}
	}
	if json.Valid(a.Body) {
		all["blanks around"] = Answer{a.Status, a.Header, slices.Concat([]byte("\r\n "), a.Body, []byte("\n"))}
		all["a byte order mark"] = Answer{a.Status, a.Header, slices.Concat(utf8BOM, a.Body)}
	}
	if rest, isObject := bytes.CutPrefix(bytes.TrimSpace(a.Body), []byte("{")); isObject && json.Valid(a.Body) && !bytes.HasPrefix(bytes.TrimSpace(rest), []byte("}")) {
		first, _ := json.Marshal(map[string]any{"message " + value: map[string]any{"errors": []string{value}}})
		all["another member first"] = Answer{a.Status, a.Header, slices.Concat(first[:len(first)-1], []byte(","), rest)}
	}
	return all
}

var (
	basicAnywhere = regexp.MustCompile(`(?i)(^|,)[ \t]*basic([ \t]|,|$)`)
	quotedText    = regexp.MustCompile(`"(?:\\.|[^"\\])*("|\\?$)`)
)

// checkVerdict says once more what each verdict needs at the least.
func checkVerdict(t *testing.T, op Operation, a Answer, got guard.Verdict) {
	t.Helper()
	if op.API == SOAP {
		checkSOAPVerdict(t, op, a, got)
		return
	}
	ok := true
	switch got {
	case guard.Accepted:
		ok = a.Status >= 200 && a.Status <= 299 && op.API == REST && op.SignsIn() && !op.Free && saysJSON(a.Header)
	case guard.Refused:
		ok = a.Status == 401 && challengesBasic(a.Header) || a.Status >= 500 && op.API == REST && saidAny(a.Body, "in", "wrong", "not", "unknown", "missing", "expired", "disabled", "lock", "auth", "fail")
	case guard.Locked:
		ok = (a.Status == 401 || a.Status == 403 || a.Status >= 500) && saidAny(a.Body, "lock")
	case guard.Neutral:
		ok = op.API == REST && (a.Status >= 200 && a.Status < 500 && !slices.Contains([]int{401, 407, 408}, a.Status) || a.Status >= 500 && saidAny(a.Body, ""))
	case guard.NoAnswer:
		ok = !(a.Status >= 200 && a.Status < 300 && op.SignsIn() && slices.Equal(a.Header["Content-Type"], []string{"application/json"}))
	default:
		ok = false
	}
	if !ok {
		t.Fatalf("%s: %s %d %q %q", got, op, a.Status, a.Header, a.Body)
	}
}

// checkSOAPVerdict is checkVerdict for SOAP, whose answers name what they are.
func checkSOAPVerdict(t *testing.T, op Operation, a Answer, got guard.Verdict) {
	t.Helper()
	success := a.Status >= 200 && a.Status <= 299
	ok := true
	switch got {
	case guard.Accepted:
		ok = success && op.Method == "POST" && !op.Free && bytes.Contains(a.Body, []byte("ReturnCode")) && !bytes.Contains(a.Body, []byte("!DOCTYPE"))
	case guard.Refused:
		ok = a.Status == 401 && challengesBasic(a.Header) || bytes.Contains(a.Body, []byte("Envelope")) && (success || a.Status >= 500)
	case guard.Locked:
		ok = bytes.Contains(bytes.ToLower(a.Body), []byte("lock")) || bytes.Contains(a.Body, []byte("&#"))
	case guard.Neutral:
		ok = success && bytes.Contains(a.Body, []byte("Result")) || a.Status >= 500 && bytes.Contains(a.Body, []byte("faultstring")) ||
			a.Status >= 300 && a.Status < 500 && !slices.Contains([]int{401, 407, 408}, a.Status)
	}
	if !ok {
		t.Fatalf("%s: %s %d %q %q", got, op, a.Status, a.Header, a.Body)
	}
}

// saysJSON says whether the answer has one type, and that JSON's.
func saysJSON(h http.Header) bool {
	values := h["Content-Type"]
	if len(values) != 1 {
		return false
	}
	media, _, err := mime.ParseMediaType(values[0])
	if err != nil { // parameters that are none
		media, _, _ = strings.Cut(strings.ToLower(values[0]), ";")
		media = strings.TrimSpace(media)
	}
	return media == "application/json" || media == "text/json"
}

func challengesBasic(h http.Header) bool {
	return slices.ContainsFunc(h["Www-Authenticate"], func(line string) bool {
		return basicAnywhere.MatchString(quotedText.ReplaceAllString(line, "q"))
	})
}

// saidAny says whether a body, or what there is of it, has a member "errors" with a text in which one of the words is.
func saidAny(body []byte, words ...string) bool {
	_, after, found := bytes.Cut(bytes.ToLower(body), []byte("errors"))
	if !found || bytes.Contains(body, []byte(`\u`)) { // spelled in another way
		return bytes.Contains(body, []byte(`\u`)) || bytes.Contains(body, []byte("ſ"))
	}
	return slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(after, []byte(word)) })
}

func checkQuoted(t *testing.T, op Operation, value string) {
	t.Helper()
	if op.API != REST {
		return
	}
	for want, texts := range quoted {
		for i, text := range texts {
			mark := marks[(len(value)+i)%len(marks)]
			body := errorJSON(strings.ReplaceAll(text, "%s", mark[0]+value+mark[1]))
			if got := verdictOf(op, Answer{Status: 500, Header: jsonHeader, Body: body}); got != want && len(body) < MaxBodyHead {
				t.Fatalf("%s: %s, want %s", body, got, want)
			}
		}
	}
}
