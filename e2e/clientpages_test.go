package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
	"github.com/psagate/psagate/internal/report"
)

// The pages of examples/clients show a program, and what it prints in one case or another: each case is a heading, and below it is
// a text. The program is run as it stands, but for the gateway's address.

// clientPrograms are how a program is run, by the language of its block: the folder, the command before the program, one that tells
// whether what the program needs is here, and what that is.
var clientPrograms = map[string]struct {
	in             string
	command, probe []string
	needs          string
}{
	"sh":     {".", []string{"sh", "-c"}, []string{"curl", "--version"}, "curl"},
	"js":     {"clients", []string{"node", "--input-type=module", "-e"}, []string{"node", "-e", "require('@apigrate/autotask-restapi')"}, "node, and `npm ci --prefix e2e/clients`"},
	"python": {".", []string{"/usr/bin/python3", "-c"}, []string{"/usr/bin/python3", "-c", "import suds, zeep"}, "Debian's python3-zeep and python3-suds"},
	"php":    {".", []string{"php", "-d", "soap.wsdl_cache_enabled=0", "-r"}, []string{"php", "-r", `exit(extension_loaded("soap") ? 0 : 1);`}, "Debian's php-cli and php-soap"},
}

// clientCase is what makes that a program prints one thing or another: before the gateway starts, and once it serves.
type clientCase struct{ before, then func(w *world) }

// clientCases are the cases by their headings: each program creates a ticket, as itglue.
var clientCases = map[string]clientCase{
	"Served":       {before: func(w *world) { w.itglue("") }},
	"Denied":       {before: func(w *world) { w.itglue(""); w.policed(mayReadAll) }},
	"Switched off": {before: func(w *world) { w.itglue("disabled \"moved to another tool\"") }},
	"Throttled": {before: func(w *world) { w.itglue("limit 30 per minute") }, then: func(w *world) {
		for range 30 {
			w.served("itglue")
		}
	}},
	"Refused": {before: func(w *world) { w.itglue(""); w.login = "queue 256 1s"; w.user.SetSecret(newPassword) }, then: func(w *world) {
		w.until("the PSA has refused it", func() bool { return w.call("itglue", "GET", "/Tickets/1", "").reason() == "credential-refused" })
	}},
	"Locked":      {before: func(w *world) { w.itglue("") }, then: func(w *world) { w.served("itglue"); w.lockedElsewhere() }},
	"A wrong key": {before: func(w *world) { w.itglue(""); w.keys["itglue"] = newKey(w.T) }},
	"Ten wrong keys": {before: func(w *world) { w.itglue(""); w.keys["itglue"] = newKey(w.T) }, then: func(w *world) {
		for range 10 {
			w.call("itglue", "GET", "/Tickets/1", "")
		}
	}},
}

// lockedElsewhere has another program lock the PSA's user, and the PSA say so where it can: by SOAP.
func (w *world) lockedElsewhere() {
	w.Helper()
	w.sim.Adjust(func(b *psatest.Behaviour) { b.LockedFault = true })
	for !w.user.Locked() {
		r, err := http.NewRequest("GET", w.zone.URL()+"/ATServicesRest/V1.0/Tickets/1", nil)
		if err != nil {
			w.Fatal(err)
		}
		r.Header = http.Header{"Username": {user}, "Secret": {wrongSecret}, "Apiintegrationcode": {code}}
		send(w.T, http.DefaultClient, r)
	}
}

// comesTo makes the case of a heading.
func (w *world) comesTo(heading string) {
	w.Helper()
	c, known := clientCases[heading]
	if !known {
		w.Fatal("nothing is known that makes it so")
	}
	c.before(w)
	w.start()
	w.until("the record is read", func() bool {
		var s report.Status
		out, status := w.ask("status --json") // none yet where the config has only just been loaded
		return status == 0 && json.Unmarshal([]byte(out), &s) == nil && recordsRead(&s) > 0
	})
	if c.then != nil {
		c.then(w)
	}
}

// itglue adds an integration of that name, with further lines.
func (w *world) itglue(more string) {
	w.Helper()
	key := newKey(w.T)
	w.keys["itglue"] = key
	w.hide("the key of itglue", key.Reveal())
	w.psa += "\n\t\tintegration itglue {\n\t\t\tkey " + key.Hash().String() + "\n\t\t\tlogin main\n\t\t\t" + more + "\n\t\t}\n"
}

// clientPage is a page with a program.
type clientPage struct {
	kind, program string
	prints        map[string]string // by heading
}

var pageBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$|^## (.+?)$")

// readClientPage reads a page. One without a text that a program prints has no program to be run.
func readClientPage(t *testing.T, file string) (p clientPage) {
	t.Helper()
	p.prints = map[string]string{}
	heading := ""
	for _, m := range pageBlock.FindAllStringSubmatch(exampleText(t, file), -1) {
		switch kind, text := m[1], m[2]; {
		case m[3] != "":
			heading = m[3]
		case kind == "text" && clientCases[heading].before != nil:
			p.prints[heading] = text
		case p.program == "" && clientPrograms[kind].command != nil:
			p.kind, p.program = kind, text
		}
	}
	return p
}

func TestTheClientPagesShowWhatTheirProgramsPrint(t *testing.T) {
	t.Parallel()
	run := 0
	for _, file := range exampleFiles(t, "clients/*.md") {
		p := readClientPage(t, file)
		if len(p.prints) == 0 {
			continue
		}
		run++
		for heading, want := range p.prints {
			t.Run(filepath.Base(file)+", "+heading, func(t *testing.T) {
				t.Parallel()
				how := clientPrograms[p.kind]
				probe := exec.Command(how.probe[0], how.probe[1:]...)
				probe.Dir = how.in
				if err := probe.Run(); err != nil {
					realparts.LeftOut(t, "the program of %s (%v); it needs %s", file, err, how.needs)
				}
				w := newWorld(t)
				w.comesTo(heading)
				if got := w.clientPrints(p); plain(got) != plain(want) {
					t.Errorf("it prints\n%s", got)
				}
			})
		}
	}
	if run < 2 {
		t.Errorf("%d pages have a program", run)
	}
}

// aWait is a status, a reason, and how long to wait, which is never the same.
var aWait = regexp.MustCompile(`(?m)^([0-9]{3} [a-z-]+) [0-9]+$`)

// plain is a text without what may differ, and what nobody sees.
func plain(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return aWait.ReplaceAllString(strings.Join(lines, "\n"), "$1 <wait>")
}

// clientPrints runs a page's program and returns what it prints.
func (w *world) clientPrints(p clientPage) string {
	w.Helper()
	how := clientPrograms[p.kind]
	program := strings.ReplaceAll(strings.TrimPrefix(p.program, "<?php\n"), "https://psa.example.com", w.url(""))
	cmd := exec.Command(how.command[0], append(slices.Clone(how.command[1:]), program)...)
	cmd.Dir = how.in
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.T.TempDir(), "PSAGATE_KEY=" + w.keys["itglue"].Reveal()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%v: %s", err, out)
	}
	w.heard.add(place{"what the client prints", out, ""})
	return string(out)
}
