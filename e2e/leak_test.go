package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The passwords of the story are as long as the PSA takes them, and of signs that look different in nearly every form.
const (
	awkwardPassword = `1st+/&"<\>%41?#=:;,~^é€𝄞{}|*()[]@-_.0123456789abcdef`
	nextPassword    = `2nd"\u0041<&quot;>%2B+/é%=&:@;,.-_0123456789ABCDEF-fedcba`
)

// keeper is a store in which a story's world keeps its login's credential.
type keeper struct {
	// caddyfile is how a Caddyfile names it.
	caddyfile string
	// save puts a password into it, and makes all well that was wrong with it.
	save func(w *world, password string)
	// letIn lets psagate write into it; what save does may end that.
	letIn func(w *world)
	// jam lets it be read and not be written, until save.
	jam func(w *world)
	// learn hides what opened it meanwhile; nil: nothing did.
	learn func(w *world)
	// troubles are what may be wrong with it, by a sentence.
	troubles map[string]trouble
}

// trouble makes something wrong with a store.
type trouble struct {
	make   func(w *world, password string)
	status string // what status says when psagate has noticed
}

// keepers open the stores that the story is told with.
var keepers = map[string]func(w *world) keeper{"file": openFile, "vault": openVault}

func openFile(*world) keeper {
	return keeper{caddyfile: fileStore, save: (*world).save, letIn: func(*world) {}, jam: (*world).mounts, troubles: fileTroubles}
}

// story is the life of one psagate, with all that can go wrong in it.
type story struct {
	*world
	keeper   keeper
	password string // of the PSA's user
	clients  int    // how many addresses called
}

// chapters are the story. Each leaves the login serving.
var chapters = []struct {
	name string
	tell func(s *story)
}{
	{"the zone cannot be found", (*story).zoneTrouble},
	{"keys come where they belong", (*story).goodKeys},
	{"keys come where they do not belong", (*story).strayKeys},
	{"callers are turned away", (*story).badCalls},
	{"what comes is no HTTP", (*story).noHTTP},
	{"the PSA repeats what it was sent", (*story).echoes},
	{"the PSA repeats what it was sent by SOAP", (*story).soapEchoes},
	{"the PSA breaks off", (*story).silence},
	{"the PSA refuses the password", (*story).refusals},
	{"the store's record is damaged", (*story).storeTrouble},
	{"configs are loaded", (*story).reloads},
	{"commands are run", (*story).commands},
	{"an operator puts secrets", (*story).puttings},
	{"people are alerted", (*story).alerted},
	{"an address has failed too often", (*story).tooManyFailures},
}

func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	for name, open := range keepers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, open)
			for _, chapter := range chapters {
				begin := time.Now()
				chapter.tell(s)
				s.served("a")
				t.Logf("%s: %v", chapter.name, time.Since(begin).Round(time.Millisecond))
			}
			s.server.stop(s.world)
			if s.keeper.learn != nil {
				s.keeper.learn(s.world)
			}
			s.everyPlaceIsSearched()
		})
	}
}

// everything is what of Caddy's can write something down.
const everything = `log {
		output file %[1]s/default.log
		level DEBUG
		format json
	}
	log errors {
		output file %[1]s/errors.log
		include http.log.error
		level DEBUG
		format json
	}
	log second {
		output file %[1]s/second.log
		include http.log.access
		format psa {
			wrap console
		}
	}
	metrics {
		per_host
	}
	servers {
		trusted_proxies static 127.0.0.1/32
		max_header_size 16KiB
	}`

// newStory starts a psagate that writes down whatever it can.
func newStory(t *testing.T, open func(w *world) keeper) *story {
	s := &story{world: newWorld(t), password: awkwardPassword}
	s.hide("the first password", awkwardPassword)
	s.hide("the next password", nextPassword)
	s.environment("a variable of the environment", "UNRELATED_TOKEN", "of-the-environment-"+newKey(t).Reveal()[8:30])
	s.beAlerted()
	s.global, s.site = fmt.Sprintf(everything, s.dir)+alerts, "metrics /metrics"
	s.login = "lockout 7 {\n\t\t\t\tlinger 1s\n\t\t\t}\n\t\t\tqueue 64 1s"
	s.user.SetSecret(s.password)
	s.psa = s.audit("required", "")
	s.keeper = open(s.world)
	s.secrets = s.keeper.caddyfile
	s.keeper.save(s.world, s.password)
	s.world.start()
	return s
}

// environment gives the world's processes a variable that is hidden.
func (w *world) environment(name, variable, text string) {
	w.Helper()
	w.env = append(w.env, variable+"="+text)
	w.hide(name, text)
}

// everyPlaceIsSearched demands that the story has left something in each place in which secrets are looked for.
func (s *story) everyPlaceIsSearched() {
	s.Helper()
	found := map[string]int{}
	for _, p := range s.places() {
		found[p.name] += len(p.text)
		if strings.HasPrefix(p.name, "data/caddy/psagate/zones/") {
			found["storage"] += len(p.text)
		}
	}
	for _, name := range []string{
		"output.log", "commands.log", "access.log", "second.log", "default.log", "config/caddy/autosave.json", "storage", "the names of files",
		"the admin endpoint's /config/", "the admin endpoint's /metrics", "the admin endpoint's /psa/status", "the answer to a: GET /Tickets/1",
		"what `secret put main` printed", "what `secret put main --ahead --json` printed", "the admin endpoint's answer to a secret", "the list of processes",
		"an alert", auditPath, "the admin endpoint's /psa/audit",
	} {
		if found[name] == 0 && (name != "the list of processes" || runtime.GOOS == "linux") {
			s.Errorf("nothing is in %s", name)
		}
	}
}

// request is what a caller without a place in the config sends: from an address of its own, so that none is slowed down.
func (s *story) request(method, path, body string) *http.Request {
	s.Helper()
	r, err := http.NewRequest(method, s.url(path), strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	s.clients++
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", s.clients/250, s.clients%250+1))
	return r
}

// unled follows no redirects.
var unled = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// hears sends a request, keeps the answer for the search, and demands its status and reason, such as "413 too-large".
func (s *story) hears(what string, r *http.Request, own, want string) {
	s.Helper()
	a := send(s.T, unled, r)
	s.heard.add(a.place("the answer to "+what, own))
	if got := strings.TrimSpace(fmt.Sprint(a.status, " ", a.reason())); got != want {
		s.Errorf("%s: %s, want %s", what, got, want)
	}
}

// raw sends bytes, keeps what comes back for the search, and demands how it begins.
func (s *story) raw(what, text, want string) {
	s.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		s.Fatal(err)
	}
	back, err := io.ReadAll(bufio.NewReader(conn))
	s.heard.add(place{name: "what comes back of " + what, text: back})
	if !strings.HasPrefix(string(back), want) {
		s.Errorf("%s: %v, and %q does not begin with %q", what, err, back[:min(len(back), 100)], want)
	}
}
