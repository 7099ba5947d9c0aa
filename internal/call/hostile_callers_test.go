package call

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unicode/utf16"

	"github.com/psagate/psagate/internal/autotask"
)

// arrival is one request as the PSA's host got it, and what the host answered.
type arrival struct {
	*http.Request
	body   string
	status int
	answer string
}

// postbox keeps what arrives at the zone, sign-ins of the guard's own aside.
type postbox struct {
	mu  sync.Mutex
	all []arrival
}

// postbox puts one before the zone. It must be there before the first call.
func (w *world) postbox() *postbox {
	p := new(postbox)
	w.standIn(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.Errorf("%s %s came in half: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		copied := httptest.NewRecorder()
		w.z5.ServeHTTP(copied, r)
		p.mu.Lock()
		p.all = append(p.all, arrival{r, string(body), copied.Code, copied.Body.String()})
		p.mu.Unlock()
		maps.Copy(rw.Header(), copied.Header())
		rw.WriteHeader(copied.Code)
		_, _ = rw.Write(copied.Body.Bytes())
	})
	return p
}

// take returns what has arrived since it was last asked.
func (p *postbox) take() []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

// unharmed demands that a login is as it was before anybody came: no failed sign-in, all units free, nobody in the queue, no
// body kept, and it serves.
func (w *world) unharmed() {
	w.Helper()
	synctest.Wait()
	if n := w.failed(); n != 0 {
		w.Errorf("%d failed sign-ins: %v", n, w.sim.Ledger().Failed())
	}
	w.atRest()
	w.served("a")
	w.served("b")
	w.safeNow()
}

// atRest demands that all units are free, the gate is open, nobody waits and no body is kept.
func (w *world) atRest() {
	w.Helper()
	l := w.g.Status().Logins[0]
	if l.Units.Free != l.Units.Budget || !l.Gate.Open || l.Queue.Waiting != 0 || l.State == "locked" {
		w.Errorf("units %+v, gate %+v, queue %+v, %s", l.Units, l.Gate, l.Queue, l.State)
	}
	if n := w.kept(); n != 0 {
		w.Errorf("%d bodies are kept", n)
	}
}

// kept returns how many bodies are in files. They have no names any more: where the system does not show what a process
// has open, those that still have one are counted.
func (w *world) kept() (n int) {
	w.Helper()
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		for _, fd := range open {
			if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, filepath.Join(os.TempDir(), "psagate-body-")) {
				n++
			}
		}
		return n
	}
	names, err := filepath.Glob(filepath.Join(os.TempDir(), "psagate-body-*"))
	if err != nil {
		w.Fatal(err)
	}
	return len(names)
}

// inOwnWorld runs a test in a noted world whose bodies have a temporary directory to themselves.
func inOwnWorld(t *testing.T, f func(w *world, n *notes)) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	inNotedWorld(t, f)
}

// wide is a text in UTF-16.
func wide(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// malformed are bodies that are no JSON, or JSON that no two readers read alike, or that asks much of a reader.
func malformed() map[string]string {
	const deep = 100_000
	return map[string]string{
		"empty":                               "",
		"blanks alone":                        " \t\r\n ",
		"cut off in an object":                `{"title":"x","queueID":`,
		"cut off in a string":                 `{"title":"x`,
		"cut off in an escape":                `{"title":"\u00`,
		"cut off behind a backslash":          `{"title":"\`,
		"something behind its end":            `{"title":"x"} {"title":"y"}`,
		"a comma too many":                    `{"title":"x",}`,
		"single quotes":                       `{'title':'x'}`,
		"a comment":                           "{/* x */\"title\":\"x\"} // y",
		"a value alone":                       `17`,
		"null":                                `null`,
		"a list":                              `[{"title":"x"}]`,
		"NaN and infinity":                    `{"status":NaN,"priority":Infinity}`,
		"duplicate names":                     `{"title":"x","title":"y","Title":"z","filter":[],"filter":{}}`,
		"duplicate filters":                   `{"filter":[{"op":"eq","field":"id","value":1}],"FILTER":[{"op":"gt","field":"id","value":0}]}`,
		"objects in objects":                  strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep),
		"lists in lists":                      strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"lists that are never closed":         strings.Repeat("[", deep),
		"groups in groups of a filter":        `{"filter":` + strings.Repeat(`[{"op":"and","items":`, 2000) + "[]" + strings.Repeat("}]", 2000) + "}",
		"a NUL":                               "{\"title\":\"x\x00y\"}",
		"NULs alone":                          strings.Repeat("\x00", 1000),
		"an escaped NUL":                      `{"title":"x\u0000y"}`,
		"control bytes in a string":           "{\"title\":\"x\x01\x1b\r\n\ty\"}",
		"invalid UTF-8":                       "{\"title\":\"\xff\xfe\x80\xc3\"}",
		"UTF-8 of more bytes than it needs":   "{\"title\":\"\xc0\xaf\xe0\x80\xaf\"}",
		"half a surrogate pair":               `{"title":"\ud800"}`,
		"UTF-16, low byte first":              wide(`{"title":"x"}`, binary.LittleEndian),
		"UTF-16, high byte first":             wide(`{"title":"x"}`, binary.BigEndian),
		"a byte order mark":                   "\xef\xbb\xbf" + `{"title":"x"}`,
		"a number of ten thousand digits":     `{"status":` + strings.Repeat("9", 10_000) + `}`,
		"an exponent of ten thousand digits":  `{"status":1e` + strings.Repeat("9", 10_000) + `}`,
		"the prototype of all objects":        `{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}}}`,
		"a type for the reader to make":       `{"$type":"System.Diagnostics.Process, System","title":"x"}`,
		"a page":                              `<!DOCTYPE html><html><script>alert(1)</script></html>`,
		"XML with an entity":                  `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`,
		"a form":                              "title=x&queueID=5",
		"a request":                           "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
		"the end of chunks":                   "0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n",
		"gzip that nobody announced":          zipped(`{"title":"x"}`),
		"a string of 3 MiB":                   `{"title":"` + strings.Repeat("x", 3<<20) + `"}`,
		"a name of 2 MiB":                     `{"` + strings.Repeat("x", 2<<20) + `":1}`,
		"a lockout where a number should be":  `{"status":"your account has been locked","id":"the user account is locked out"}`,
		"a refusal where a number should be":  `{"status":"user name or password is incorrect","id":"IntegrationCode is invalid"}`,
		"a lockout as an operator":            `{"filter":[{"op":"your account has been locked","field":"id","value":1}]}`,
		"a refusal as an operator":            `{"filter":[{"op":"and password is incorrect","items":7}]}`,
		"a lockout as a field":                `{"filter":[{"op":"eq","field":"your account has been locked","value":1}]}`,
		"a refusal as a field to include":     `{"filter":[],"includeFields":["password is incorrect"]}`,
		"a lockout for a filter":              `{"filter":["your account has been locked"]}`,
		"an answer that tells of a lockout":   `{"errors":["your account has been locked"]}`,
		"a refusal as a user-defined field":   `{"userDefinedFields":[{"name":"credentials are invalid","value":"x"}]}`,
		"a lockout as a user-defined field":   `{"userDefinedFields":["your account has been locked"]}`,
		"a character that begins a quotation": `{"title":'your account has been locked'}`,
	}
}

// Whatever a body is, it is the PSA's to judge: psagate reads nothing of it.
func TestAMalformedBodyPassesAsItCameAndCostsNoFailedSignIn(t *testing.T) {
	for name, body := range malformed() {
		for _, start := range []string{"warm", "cold"} {
			t.Run(name+", "+start, func(t *testing.T) {
				inOwnWorld(t, func(w *world, n *notes) {
					box := w.postbox()
					if start == "warm" {
						w.served("a")
						box.take()
					}
					ops := []struct{ method, path string }{{"POST", "/Tickets"}, {"POST", "/Tickets/query"}, {"PATCH", "/Companies"}}
					if len(body) > inMemory {
						ops = ops[:1] // the PSA takes its time with these
					}
					for _, op := range ops {
						before := n.verdicts()
						a := w.call("a", op.method, op.path, body)
						w.cameThrough(body, a, box.take())
						got, want := n.verdicts().since(before), []string{"main neutral:1 ", "main accepted:1 "}
						if start == "cold" { // the guard's own came first
							want = []string{"main accepted:1 main neutral:1 ", "main accepted:2 "}
							start = "warm"
						}
						if got != want[0] && got != want[1] {
							t.Errorf("%s %s: verdicts %s", op.method, op.path, got)
						}
					}
					w.unharmed()
				})
			})
		}
	}
}

// cameThrough demands that a call went to the PSA once, its body byte for byte, and that the PSA's own answer came back.
func (w *world) cameThrough(body string, a answer, got []arrival) {
	w.Helper()
	if len(got) != 1 {
		w.Fatalf("%d requests reached the PSA; the caller got %d %s %.200s", len(got), a.status, a.reason(), a.body)
	}
	r := got[0]
	if r.body != body || r.ContentLength != int64(len(body)) || len(r.TransferEncoding) != 0 {
		w.Errorf("the PSA got %d bytes, Content-Length %d, in %q: %.100q; sent were %d: %.100q", len(r.body), r.ContentLength, r.TransferEncoding, r.body, len(body), body)
	}
	if a.status != r.status || a.body != r.answer || a.reason() != "" {
		w.Errorf("the PSA answered %d %.200s, and the caller got %d %s %.200s", r.status, r.answer, a.status, a.reason(), a.body)
	}
}

// The PSA repeats a title between quotation marks. What is between them is the caller's.
func TestATitleThatThePSARepeatsSaysNothingOfTheSignIn(t *testing.T) {
	const hole = "TITLE"
	for _, text := range []string{
		"The value '" + hole + "' of field Title is not allowed.",
		`The value "` + hole + `" of field Title is not allowed.`,
		"The value “" + hole + "” of field Title is not allowed.",
		"Could not convert string to integer: " + hole + ". Path 'title', line 1, position 30.",
		"Unexpected character encountered while parsing value: " + hole + ". Path 'title'.",
	} {
		for _, title := range []string{
			"account is locked", "your account has been locked", "the user account is locked out, please see the administrator",
			"user or password incorrect", "password is invalid", "IntegrationCode is invalid", "unauthorized", "login failed",
			`x" your account has been locked "y`, "x' your account has been locked 'y", "x” password is invalid “y",
			"your account\u00a0has\u2003been\u200blocked", "YOUR ACCOUNT HAS BEEN LOCKED", "\x00password is invalid\x1b",
		} {
			for _, status := range []int{500, 403} {
				inNotedWorld(t, func(w *world, n *notes) {
					w.standIn(func(rw http.ResponseWriter, r *http.Request) {
						if r.Method == http.MethodGet {
							w.z5.ServeHTTP(rw, r)
							return
						}
						_, _ = io.Copy(io.Discard, r.Body)
						_, _, body := autotask.ErrorAnswer(autotask.REST, "", strings.Replace(text, hole, title, 1), 0)
						rw.Header().Set("Content-Type", "application/json; charset=utf-8")
						rw.WriteHeader(status)
						_, _ = rw.Write(body)
					})
					w.served("a")
					before := n.verdicts()
					if a := w.call("a", "POST", "/Tickets", fmt.Sprintf(`{"title":%q}`, title)); a.status != status || a.reason() != "" {
						t.Errorf("%s: %d %s", a.body, a.status, a.reason())
					}
					if got := n.verdicts().since(before); got != "main neutral:1 " {
						t.Errorf("%s with title %q: %s", text, title, got)
					}
					w.unharmed()
				})
			}
		}
	}
}
