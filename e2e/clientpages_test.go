package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages of examples/clients show a program, and what it prints in one case or another: each case is a heading, and below it is
// a text. The program is run as it stands, but for the gateway's address.

// clientPrograms are how a program is run, by the language of its block: the folder, and the command before the program.
var clientPrograms = map[string]struct {
	in      string
	command []string
}{
	"sh": {".", []string{"sh", "-c"}},
	"js": {"clients", []string{"node", "--input-type=module", "-e"}},
}

// clientCases are the headings of what the programs print, and what makes it so: each program creates a ticket, as itglue.
var clientCases = map[string]func(w *world){
	"Served":       func(w *world) { w.itglue("") },
	"Denied":       func(w *world) { w.itglue(""); w.policed(mayReadAll) },
	"Throttled":    func(w *world) { w.itglue("limit 30 per minute") },
	"Refused":      func(w *world) { w.itglue(""); w.login = "queue 256 1s"; w.user.SetSecret(newPassword) },
	"Switched off": func(w *world) { w.itglue("disabled \"moved to another tool\"") },
	"A wrong key":  func(w *world) { w.itglue(""); w.keys["itglue"] = newKey(w.T) },
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
		case kind == "text":
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
				if p.kind == "js" {
					needsNpm(t)
				}
				prepare := clientCases[heading]
				if prepare == nil {
					t.Fatal("nothing is known that makes it so")
				}
				w := newWorld(t)
				prepare(w)
				w.start()
				if heading == "Throttled" {
					for range 30 {
						w.served("itglue")
					}
				}
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
	program := strings.ReplaceAll(p.program, "https://psa.example.com", w.url(""))
	cmd := exec.Command(how.command[0], append(slices.Clone(how.command[1:]), program)...)
	cmd.Dir = how.in
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PSAGATE_KEY=" + w.keys["itglue"].Reveal()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%v: %s", err, out)
	}
	w.heard.add(place{"what the client prints", out, ""})
	return string(out)
}
