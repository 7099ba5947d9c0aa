package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/psagate/psagate/internal/psatest"
)

// typed is a secret that an operator types, hidden from now on: of signs that look different in nearly every form, with a
// begin and an end that no other text has.
func (s *story) typed(what string) string {
	s.Helper()
	key := newKey(s.T).Reveal()
	text := key[8:24] + `"\<&>%2B+/é=:` + key[24:40]
	s.hide("what was typed: "+what, text)
	return text
}

// puttings are what may become of a credential that an operator puts.
func (s *story) puttings() {
	s.keeper.letIn(s.world)
	s.unfitPuts()
	s.doubtfulPuts()
	s.strangePuts()
	s.overtakenPut()
	s.unstoredPut()
	s.writtenPuts()
	for _, line := range []string{"status", "check", "zones"} {
		s.ask(line)
		s.ask(line + " --json")
	}
}

// unfitPuts are turned away by psagate.
func (s *story) unfitPuts() {
	s.Helper()
	text := s.typed("unfit")
	s.puts(text+" x", "main --json", 1, "holds a space")
	s.puts(text+strings.Repeat("x", 40), "main --ahead", 1, "64")
	s.puts(s.password, "main", 1, "the same already")
	s.puts(text, "main --integration-code", 1, "integration code: the input has no such line")
	s.puts(text, "nobody", 1, `login "nobody": no login of that name`)
	s.puts("", "main "+text, 2, "it takes <login>")
}

// doubtfulPuts are answered by the PSA, which repeats them, with anything but a yes.
func (s *story) doubtfulPuts() {
	s.Helper()
	const silent, locked = "the PSA gave no answer", "the PSA says that the login is locked"
	text := s.typed("not accepted")
	refusal := psatest.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="` + base64Of(text) + `"`}, "X-Debug": {text}}, Body: `{"errors":["wrong: ` + goJSON(text) + `"]}`}
	for _, c := range []struct {
		fault psatest.Fault
		said  string
	}{
		{refusal, "the PSA refuses it"},
		{psatest.Fault{Status: 400, Header: headersWith(text), Body: `{"errors":["no such thing: ` + goJSON(text) + `"]}`}, "the PSA answered something else"},
		{psatest.Fault{Status: 302, Header: http.Header{"Location": {"http://evil.example.com/?s=" + goURL(text)}}}, "the PSA answered something else"},
		{psatest.Fault{Status: 502, Body: "<html>proxy error: " + text + "</html>"}, silent},
		{psatest.Fault{Status: 500, Body: `{"errors":["Your account ` + goJSON(text) + ` is locked out."]}`}, locked},
	} {
		c.fault.Path, c.fault.At, c.fault.Then, c.fault.Times = "ThresholdInformation", psatest.Judged, psatest.Answer, 1
		fault := s.sim.Fault(c.fault)
		s.puts(text, "main", 1, c.said)
		fault.Release()
		if c.said == silent || c.said == locked {
			s.says("status", 0, "login main")
			s.released()
		}
		s.served("b")
	}
	s.puts(text+"\n"+s.typed("a code that is refused"), "main --integration-code --json", 1, `"refused"`)
	s.served("b")
}

// strangePuts are what programs may send to the admin endpoint.
func (s *story) strangePuts() {
	s.Helper()
	text := goJSON(s.typed("into the admin endpoint"))
	for what, c := range map[string]struct {
		body   string
		status int
	}{
		"an old version":       {`{"version":9999,"secret":"` + text + `"}`, http.StatusConflict},
		"no version":           {`{"secret":"` + text + `"}`, http.StatusBadRequest},
		"a password for it":    {`{"version":"` + text + `"}`, http.StatusBadRequest},
		"a misspelt word":      {`{"version":1,"secret":"x","sceret":"` + text + `"}`, http.StatusBadRequest},
		"a word that is none":  {`{"version":1,"secret":"x","` + text + `":1}`, http.StatusBadRequest},
		"an object":            {`{"version":1,"secret":{"a":"` + text + `"}}`, http.StatusBadRequest},
		"no end":               {`{"version":1,"secret":"` + text, http.StatusBadRequest},
		"no JSON":              {`secret=` + text, http.StatusBadRequest},
		"two lines for a code": {fmt.Sprintf(`{"version":%d,"secret":"%s","integration_code":"%s\n"}`, s.versionInStore(), text, text), http.StatusBadRequest},
	} {
		if a := s.posts(c.body); a.status != c.status {
			s.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
}

// posts sends a body to the admin endpoint's page for the login's secret, and keeps the answer for the search.
func (s *story) posts(body string) answer {
	s.Helper()
	client, done := s.adminClient()
	defer done()
	r, err := http.NewRequest("POST", "http://admin/psa/logins/main/secret", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	a := send(s.T, client, r)
	s.heard.add(a.place("the admin endpoint's answer to a secret", ""))
	return a
}

// versionInStore is the version over which a secret is put now.
func (s *story) versionInStore() (version int) {
	s.Helper()
	a := s.askPage("/psa/logins/main/secret")
	s.heard.add(a.place("the admin endpoint's page for a secret", ""))
	_, rest, _ := strings.Cut(a.body, `"version":`)
	if _, err := fmt.Sscan(strings.TrimRight(strings.Split(rest, ",")[0], "}\n"), &version); err != nil {
		s.Fatalf("%v: %s", err, a.body)
	}
	return version
}

// overtakenPut is accepted by the PSA, and meanwhile somebody else writes the record. While the PSA thinks, all is looked at
// that shows what goes on.
func (s *story) overtakenPut() {
	s.Helper()
	password := s.typed("and overtaken")
	s.user.SetSecret(password)
	held := s.sim.Fault(psatest.Fault{Path: "ThresholdInformation", At: psatest.Judged, Hold: true, Times: 1})
	ended := s.begins(password+"\n", "secret put main")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := held.WaitHeld(ctx, 1); err != nil {
		s.Fatal(err)
	}
	s.askAdmin()
	s.ask("status")
	if n := s.processes(); n < 2 && runtime.GOOS == "linux" {
		s.Errorf("%d processes in the list, want the server and the command", n)
	}
	s.keeper.save(s.world, s.typed("by somebody else"))
	held.Release()
	if out, status := ended(); status != 1 || !strings.Contains(out, "the PSA TAKES the new password, and the store does not have it") {
		s.Errorf("exit status %d: %s", status, out)
	}
	s.storeHas(password)
}

// unstoredPut is accepted by the PSA, and the store takes no writing; Vault repeats it in its error.
func (s *story) unstoredPut() {
	s.Helper()
	password := s.typed("and not stored")
	version := s.versionInStore()
	s.user.SetSecret(password)
	s.keeper.jam(s.world)
	a := s.posts(fmt.Sprintf(`{"version":%d,"secret":"%s"}`, version, goJSON(password)))
	_, says, found := strings.Cut(a.body, "the PSA TAKES the new password, and ")
	if a.status != http.StatusOK || !found || !strings.HasPrefix(says, "the store does not have it") && !strings.HasPrefix(says, "it is not known whether the store has it") {
		s.Errorf("%d %s", a.status, a.body)
	}
	s.storeHas(password)
}

// storeHas saves the PSA's password in the store by hand, and goes on when it serves.
func (s *story) storeHas(password string) {
	s.Helper()
	s.password = password
	s.keeper.save(s.world, password)
	s.keeper.letIn(s.world)
	s.until("the password serves that was saved by hand", func() bool { return s.calls("it was saved by hand").ticket() })
	s.released()
}

// writtenPuts change the password, and the integration code with it, before the PSA and after it.
func (s *story) writtenPuts() {
	s.Helper()
	password, tracking := s.typed("with a code"), s.typed("a code")
	s.user.SetSecret(password)
	s.user.SetIntegrationCode(tracking)
	s.puts(password+"\n"+tracking, "main --integration-code", 0, "is written, and serves")
	s.served("b")
	s.password = s.typed("ahead")
	s.puts(s.password, "main --ahead --json", 0, `"written": true`)
	s.served("b")
	s.user.SetSecret(s.password)
	s.served("b")
	s.user.SetIntegrationCode(code)
	s.storeHas(s.password)
}

// processes notes what the machine's list of processes shows of the world's, for the search, and returns how many there are.
func (w *world) processes() (n int) {
	w.Helper()
	folders, _ := filepath.Glob("/proc/[0-9]*") // none where the machine has no such list
	for _, folder := range folders {
		if at, err := os.Readlink(filepath.Join(folder, "cwd")); err != nil || at != w.dir {
			continue // another's, or it has ended
		}
		if words, err := os.ReadFile(filepath.Join(folder, "cmdline")); err == nil && len(words) > 0 {
			w.heard.add(place{name: "the list of processes", text: words})
			n++
		}
	}
	return n
}
