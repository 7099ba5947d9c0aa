package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/psagate/psagate/internal/psatest"
)

// calls makes a call as integration b with a good key, keeps the answer for the search, and returns it.
func (s *story) calls(what string) answer {
	s.Helper()
	return s.callsFor("/Tickets/2", what)
}

func (s *story) callsFor(path, what string) answer {
	s.Helper()
	a := send(s.T, unled, s.world.request("b", "GET", path, nil))
	s.heard.add(a.place("the answer to b while "+what, s.keys["b"].Reveal()))
	return a
}

// released makes the login serve again, whatever happened to it.
func (s *story) released() {
	s.Helper()
	s.user.SetSecret(s.password)
	s.user.Unlock()
	s.says("release main --yes", 0, "login main released")
	s.until("the login serves", func() bool { return s.calls("it was released").ticket() })
}

// spelt are the forms in which a PSA, or what stands before it, may repeat what it was sent.
func spelt(text string) map[string]string {
	return map[string]string{
		"as it is": text, "in JSON": goJSON(text), "in other JSON": inJSON(text, false), "in ASCII": asciiJSON(text), "in HTML": writers["HTML"](text),
		"in a query": writers["a query"](text), "in a path": writers["a path"](text), "in a Basic header": basic(user, text), "in base64": base64Of(text),
	}
}

// echoes are errors and redirects whose bodies and headers repeat the secret. To the guard they are neutral.
func (s *story) echoes() {
	for how, text := range spelt(s.password + " " + code) {
		packed := gzipped(`{"errors":["` + text + `"]}`)
		for what, f := range map[string]psatest.Fault{
			"an error":             {Status: 400, Body: `{"errors":["no such thing: ` + text + `"]}`},
			"a page":               {Status: 403, Body: "<html><body>You sent " + text + "</body></html>"},
			"a compressed error":   {Status: 404, Body: packed, Header: http.Header{"Content-Encoding": {"gzip"}}},
			"headers":              {Status: 429, Header: headersWith(text), Body: text},
			"a redirect":           {Status: 302, Header: http.Header{"Location": {"/ATServicesRest/V1.0/Tickets/2?s=" + text}}},
			"a redirect elsewhere": {Status: 307, Header: http.Header{"Location": {"http://evil.example.com/?s=" + text}}},
		} {
			f.Path, f.At, f.Then, f.Times = "/Tickets/2", psatest.Judged, psatest.Answer, 1
			s.sim.Fault(f)
			what = fmt.Sprintf("the PSA repeats the secret %s in %s", how, what)
			if a := s.calls(what); a.status != f.Status {
				s.Errorf("%s: status %d, want %d", what, a.status, f.Status)
			}
		}
	}
}

// soapEchoes are SOAP faults, and errors that are none, which repeat what was sent: the envelope's header has the code, and HTTP Basic
// the secret. As CDATA each of them is XML, which a fault must be to count as the PSA's.
func (s *story) soapEchoes() {
	for how, text := range spelt(s.password + " " + code) {
		for what, f := range map[string]psatest.Fault{
			"a fault": {Status: 500, Body: `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>no such thing: <![CDATA[` + text + `]]></faultstring></s:Fault></s:Body></s:Envelope>`},
			"a page":  {Status: 403, Body: "<html><body>You sent " + text + "</body></html>", Header: headersWith(text)},
		} {
			f.Operation, f.At, f.Then, f.Times = "query", psatest.Judged, psatest.Answer, 1
			s.sim.Fault(f)
			r, err := http.NewRequest("POST", s.url("/ATServices/1.6/atws.asmx"), strings.NewReader(soapQuery))
			if err != nil {
				s.Fatal(err)
			}
			r.SetBasicAuth("b", s.keys["b"].Reveal())
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			r.Header.Set("SOAPAction", `"http://autotask.net/ATWS/v1_6/query"`)
			a := send(s.T, unled, r)
			s.heard.add(a.place("the answer to b's SOAP call, where the PSA repeats the secret "+how+" in "+what, s.keys["b"].Reveal()))
			if a.status != f.Status {
				s.Errorf("%s %s: status %d, want %d: %s", how, what, a.status, f.Status, a.reason())
			}
		}
	}
}

// soapQuery is an envelope without a header, as some clients send it.
const soapQuery = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><query xmlns="http://autotask.net/ATWS/v1_6/"><sXML>` +
	`&lt;queryxml&gt;&lt;entity&gt;Ticket&lt;/entity&gt;&lt;query&gt;&lt;field&gt;id&lt;expression op="equals"&gt;1&lt;/expression&gt;&lt;/field&gt;&lt;/query&gt;&lt;/queryxml&gt;` +
	`</sXML></query></s:Body></s:Envelope>`

// headersWith are headers that repeat a text: some pass to callers, others do not.
func headersWith(text string) http.Header {
	h := http.Header{}
	for _, name := range []string{"Etag", "Content-Disposition", "Retry-After", "X-Ratelimit-Secret", "Www-Authenticate", "Set-Cookie", "X-Debug", "Server", "Psagate-Reason"} {
		h.Set(name, "x "+text)
	}
	return h
}

// silence leaves it open whether a sign-in was judged.
func (s *story) silence() {
	page := "<html>proxy error: " + s.password + "</html>"
	for what, f := range map[string]psatest.Fault{
		"resets the connection":     {At: psatest.Received, Then: psatest.Reset},
		"hangs up":                  {At: psatest.Judged, Then: psatest.HangUp},
		"hangs up within an answer": {At: psatest.Answering, Then: psatest.HangUp},
		"answers with a page":       {At: psatest.Judged, Then: psatest.Answer, Status: 502, Body: page},
		"wants another sign-in":     {At: psatest.Judged, Then: psatest.Answer, Status: 407, Body: page, Header: headersWith(s.password)},
		"says that it is locked":    {At: psatest.Judged, Then: psatest.Answer, Status: 500, Body: `{"errors":["Your account ` + goJSON(s.password) + ` is locked out."]}`},
	} {
		f.Path, f.Times = "/Tickets/2", 1
		s.sim.Fault(f)
		s.callsWhatever("the PSA " + what)
		s.released()
	}
}

// callsWhatever makes a call whose answer may be cut off.
func (s *story) callsWhatever(what string) {
	s.Helper()
	resp, err := http.DefaultClient.Do(s.world.request("b", "GET", "/Tickets/2", nil))
	if err != nil {
		s.heard.add(place{name: "the end of a call while " + what, text: []byte(err.Error())})
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body) // what came before the end
	s.heard.add(answer{resp.StatusCode, resp.Header, string(body)}.place("the answer to b while "+what, s.keys["b"].Reveal()))
}

// refusals end with one that has spent all there is to spend.
func (s *story) refusals() {
	s.sim.Fault(psatest.Fault{ // of one operation alone, which b may not do from then on
		Path: "/Companies/1", At: psatest.Judged, Then: psatest.Answer, Times: 1, Status: 401,
		Header: http.Header{"Www-Authenticate": {`Basic realm="` + base64Of(s.password) + `"`}}, Body: `{"errors":["wrong: ` + goJSON(s.password) + `"]}`,
	})
	if a := s.callsFor("/Companies/1", "the PSA refuses and repeats"); a.status != 503 {
		s.Errorf("%d %s", a.status, a.reason())
	}
	s.released()
	s.user.SetSecret(nextPassword)
	for range 3 {
		if a := s.calls("the PSA has another password"); a.status != 503 {
			s.Errorf("%d %s", a.status, a.reason())
		}
	}
	s.says("status", 0, "REFUSED")
	s.says("check", 1, "DOES NOT WORK")
	s.password = nextPassword
	s.keeper.save(s.world, s.password)
	s.until("the new password serves", func() bool { return s.calls("the store has it too").ticket() })
	s.released()
}

// zoneTrouble comes before the zone is known.
func (s *story) zoneTrouble() {
	s.sim.Fault(psatest.Fault{
		Path: "zoneinformation", At: psatest.Received, Then: psatest.Answer, Times: 1, Status: 200,
		Body: `{"zoneName":"x","url":"https://evil.example.com/?` + goJSON(s.password) + `","webUrl":"https://evil.example.com/","ci":1}`,
	})
	if a := s.calls("the zone leads elsewhere"); a.status != 502 || a.reason() != "zone-unknown" {
		s.Errorf("%d %s", a.status, a.reason())
	}
	s.ask("status")
	s.ask("zones")
	s.ask("check main")
	s.until("the zone is looked up again", func() bool { return s.calls("the zone is not known").ticket() })
}

func (s *story) storeTrouble() {
	for what, trouble := range s.keeper.troubles {
		trouble.make(s.world, s.password)
		s.until("psagate has noticed that "+what, func() bool { return strings.Contains(s.askPage("/psa/status").body, trouble.status) })
		s.calls(what)
		s.ask("status")
		s.keeper.save(s.world, s.password)
		s.until("it has noticed that all is well", func() bool { return !strings.Contains(s.askPage("/psa/status").body, trouble.status) })
	}
}

// fileTroubles are what may be wrong with a secrets file.
var fileTroubles = map[string]trouble{
	"the file is half written":    {fileWith(`{"autotask/main":{"username":"api@example.com","secret":%[1]s`), "ends too early"},
	"the file is no JSON":         {fileWith(`{"autotask/main":{"secret":%[1]s,%[1]s}}`), "is not JSON"},
	"the record is not there":     {fileWith(`{"autotask/other":{"username":"a","secret":%[1]s,"integration_code":"c"}}`), "has no record"},
	"the record is a text":        {fileWith(`{"autotask/main":%[1]s}`), "not an object of fields"},
	"the secret is an array":      {fileWith(`{"autotask/main":{"username":"a","secret":[%[1]s],"integration_code":"c"}}`), "an array"},
	"the secret is there twice":   {fileWith(`{"autotask/main":{"secret":%[1]s,"secret":%[1]s}}`), "twice"},
	"a field is missing":          {fileWith(`{"autotask/main":{"username":"api@example.com","secret":%[1]s}}`), "is missing"},
	"a field is misspelt":         {fileWith(`{"autotask/main":{"username":"a","secrt":%[1]s,"integration_code":"c"}}`), "did you mean"},
	"the secret ends with a line": {func(w *world, password string) { w.save(password + "\n") }, "line break"},
	"the zone is the password":    {fileWith(`{"autotask/main":{"username":"api@example.com","secret":%[1]s,"integration_code":"c","zone":%[1]s}}`), "base URL"},
	"the impersonation is, too":   {fileWith(`{"autotask/main":{"username":"a","secret":%[1]s,"integration_code":"c","impersonate":%[1]s}}`), "impersonate"},
	"others may read the file":    {func(w *world, _ string) { w.open(0o644) }, "may be read by others"},
}

// fileWith makes the secrets file what a template says, in which the password stands as JSON writes it.
func fileWith(template string) func(w *world, password string) {
	return func(w *world, password string) {
		w.Helper()
		w.write(secretsFile+".new", fmt.Sprintf(template, `"`+goJSON(password)+`"`))
		if err := os.Rename(w.path(secretsFile+".new"), w.path(secretsFile)); err != nil {
			w.Fatal(err)
		}
	}
}

// open sets who may do what with the secrets file.
func (w *world) open(mode os.FileMode) {
	w.Helper()
	if err := os.Chmod(w.path(secretsFile), mode); err != nil {
		w.Fatal(err)
	}
}

// mounts makes of the secrets file what Kubernetes mounts: links, the outer one of which must not be replaced.
func (w *world) mounts() {
	w.Helper()
	const data = "..data"
	w.mayHold = append(w.mayHold, "..version/"+secretsFile)
	w.write("..version/"+secretsFile, w.read(secretsFile))
	for _, err := range []error{
		os.Symlink("..version", w.path(data)), os.Symlink(data+"/"+secretsFile, w.path(secretsFile+".new")),
		os.Rename(w.path(secretsFile+".new"), w.path(secretsFile)),
	} {
		if err != nil {
			w.Fatal(err)
		}
	}
}
