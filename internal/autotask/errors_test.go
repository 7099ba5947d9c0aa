package autotask

import (
	"encoding/json"
	"encoding/xml"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTheReasonsAreTheContractsWordsAndStatuses(t *testing.T) {
	t.Parallel()
	contract := map[string]int{
		"bad-request": 400, "not-found": 404, "policy": 403, "step-up": 403, "disabled": 403, "too-large": 413,
		"too-many-failures": 429, "rate": 429, "quota": 429, "credential-refused": 503, "budget-spent": 503, "gate-shut": 503,
		"login-locked": 503, "secret-unavailable": 503, "store-unavailable": 503, "audit-unavailable": 503, "queue-full": 503,
		"queue-deadline": 503, "draining": 503, "zone-unknown": 502, "upstream-unreachable": 502, "upstream-timeout": 504,
	}
	for word, status := range contract {
		if got := Reason(word).Status(); got != status {
			t.Errorf("%s has status %d, want %d", word, got, status)
		}
	}
	if len(reasons) != len(contract) {
		t.Errorf("%d reasons, the contract has %d", len(reasons), len(contract))
	}
	if Reason("nonsense").Status() != 500 {
		t.Error("a word that is no reason has another status than 500")
	}
}

func TestNoErrorOfOursIsA401(t *testing.T) {
	t.Parallel()
	for reason := range reasons {
		if reason.Status() == 401 {
			t.Errorf("%s is a 401", reason)
		}
	}
}

func TestARESTErrorHasThePSAsShape(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	WriteError(w, REST, QueueFull, `the queue of login "main" is full`, 1200*time.Millisecond)
	if w.Code != 503 || w.Header().Get("Psagate-Reason") != "queue-full" || w.Header().Get("Retry-After") != "2" ||
		w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("status %d, header %v", w.Code, w.Header())
	}
	var body struct{ Errors []string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body.Errors) != 1 || body.Errors[0] != `the queue of login "main" is full` {
		t.Errorf("body %s (%v)", w.Body, err)
	}
}

func TestRetryAfterIsWholeSecondsAndOnlyWhereWaitingHelps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reason Reason
		wait   time.Duration
		want   string
	}{
		{"a millisecond is a second", GateShut, time.Millisecond, "1"},
		{"a whole second stays", GateShut, time.Second, "1"},
		{"a bit more is rounded up", GateShut, time.Second + 1, "2"},
		{"an hour", Quota, time.Hour, "3600"},
		{"nothing known, nothing said", QueueDeadline, 0, ""},
		{"a negative wait is none", QueueDeadline, -time.Second, ""},
		{"waiting does not permit", Policy, time.Minute, ""},
		{"waiting does not unlock", LoginLocked, time.Minute, ""},
		{"what may have been carried out is not to be sent again by itself", UpstreamTimeout, time.Minute, ""},
	} {
		if _, h, _ := ErrorAnswer(REST, c.reason, "text", c.wait); h.Get("Retry-After") != c.want {
			t.Errorf("%s: Retry-After is %q, want %q", c.name, h.Get("Retry-After"), c.want)
		}
	}
}

func TestASOAPErrorIsAFault(t *testing.T) {
	t.Parallel()
	for reason, code := range map[Reason]string{Policy: "soap:Client", GateShut: "soap:Server"} {
		status, h, body := ErrorAnswer(SOAP, reason, `a < b & "c"`, time.Second)
		if status != 500 || h.Get("Content-Type") != "text/xml; charset=utf-8" || h.Get(HeaderReason) != string(reason) {
			t.Errorf("status %d, header %v", status, h)
		}
		var envelope struct {
			Body struct {
				Fault struct {
					Code string `xml:"faultcode"`
					Text string `xml:"faultstring"`
				}
			}
		}
		if err := xml.Unmarshal(body, &envelope); err != nil {
			t.Fatal(err)
		}
		if f := envelope.Body.Fault; f.Code != code || f.Text != `a < b & "c"` {
			t.Errorf("the fault is %+v", f)
		}
	}
}

func TestTheBare401IsThePSAsOwn(t *testing.T) {
	t.Parallel()
	for host, realm := range map[string]string{
		"psa.example.com":        "psa.example.com",
		"psa.example.com:8443":   "psa.example.com:8443",
		"[::1]:80":               "[::1]:80",
		"a\"\r\nSet-Cookie: x=é": "aSet-Cookie:x",
	} {
		w := httptest.NewRecorder()
		Bare401(w, host)
		if w.Code != 401 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "0" || len(w.Header()) != 2 {
			t.Errorf("status %d, header %v, body %q", w.Code, w.Header(), w.Body)
		}
		if got := w.Header().Get("WWW-Authenticate"); got != `Basic Realm="`+realm+`"` {
			t.Errorf("the challenge is %s", got)
		}
	}
}

func TestAnErrorsTextCannotBreakItsBody(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\x00\xff", "</faultstring>", strings.Repeat(`"\`, 100)} {
		if _, _, body := ErrorAnswer(REST, Policy, text, 0); !json.Valid(body) {
			t.Errorf("%q makes %s", text, body)
		}
		if _, _, body := ErrorAnswer(SOAP, Policy, text, 0); xml.Unmarshal(body, new(struct{})) != nil {
			t.Errorf("%q makes %s", text, body)
		}
	}
}
