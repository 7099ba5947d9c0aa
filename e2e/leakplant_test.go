package e2e

import (
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

// keysMayBeLogged is said by who wants to see what that does.
const keysMayBeLogged = "psa {\n\t\tinsecure_log_keys\n\t}\n\t"

// plant is a leak, made on purpose: by a config that is legal and unwise, by a PSA or a caller, or where nothing of that
// kind leads, by the test's own hand.
type plant struct {
	config func(w *world) // before the start
	leak   func(w *world) // after it
	secret string         // what must be found
	in     []string       // in which places, and in no other; patterns of path.Match
}

// plants are leaks into each place in which secrets are looked for. So the search cannot go blind unnoticed.
var plants = map[string]plant{
	"none": {leak: callAsA},
	"an access log in another format": {
		config: func(w *world) { w.format, w.global = "json", keysMayBeLogged },
		leak:   callAsA, secret: "the key of a", in: []string{"access.log"},
	},
	"an access log that is rolled": {
		config: func(w *world) {
			w.accessLog, w.format, w.global = w.accessLog+" {\n\t\t\troll_size 1MiB\n\t\t}", "json", keysMayBeLogged
		},
		leak: rollTheLog, secret: "the key of a", in: []string{"access.log", "access-*.log.gz"},
	},
	"a field that is added to an access log": {
		config: func(w *world) {
			w.format, w.global = "filter {\n\t\t\twrap json\n\t\t\trequest>headers delete\n\t\t}", keysMayBeLogged
			w.site = "log_append who {http.request.header.Secret}"
		},
		leak: callAsA, secret: "the key of a", in: []string{"access.log"},
	},
	"a handler that fails beside psagate's": {
		config: func(w *world) {
			w.global, w.site = "log errors {\n\t\toutput file "+w.path("errors.log")+"\n\t\tinclude http.log.error\n\t}", "error /ATServicesRest/V1.0/Tickets/1 \"no\" 500"
		},
		leak: callAsA, secret: "the key of a", in: []string{"errors.log"},
	},
	"a method that Caddy itself refuses, with debug on": {
		config: func(w *world) {
			w.global = "log errors {\n\t\toutput file " + w.path("errors.log") + "\n\t\tinclude http.log.error\n\t\tlevel DEBUG\n\t}"
		},
		leak: func(w *world) {
			r := w.request("a", strings.Repeat("BREW", 9), "/Tickets/1", nil)
			send(w.T, unled, r)
		},
		secret: "the key of a", in: []string{"errors.log"},
	},
	"a proxy beside psagate's": {
		config: func(w *world) {
			w.global, w.site = "log {\n\t\toutput file "+w.path("default.log")+"\n\t}", "route {\n\t\treverse_proxy /ATServicesRest/V1.0/Tickets/1 127.0.0.1:1\n\t}"
		},
		leak: callAsA, secret: "the key of a", in: []string{"default.log"},
	},
	"the same with the log on stderr": {
		config: func(w *world) { w.site = "route {\n\t\treverse_proxy /ATServicesRest/V1.0/Tickets/1 127.0.0.1:1\n\t}" },
		leak:   callAsA, secret: "the key of a", in: []string{"output.log"},
	},
	"a variable that the Caddyfile expands": {
		config: func(w *world) { w.env, w.site = []string{"PASSWORD=" + newPassword}, "respond /hint {$PASSWORD}" },
		secret: "the new password", in: []string{"config/caddy/autosave.json", "output.log", "the admin endpoint's /config/"},
	},
	"a variable in an answer": {
		config: func(w *world) {
			w.env, w.site = []string{"PASSWORD=" + newPassword}, "respond /ATServicesRest/V1.0/Tickets/1 \"no {env.PASSWORD}\""
		},
		leak: callAsA, secret: "the new password", in: []string{"the answer to a: GET /Tickets/1"},
	},
	"a PSA that repeats the secret in a success": {
		leak: func(w *world) {
			w.sim.Fault(psatest.Fault{At: psatest.Judged, Path: "/Tickets/1", Then: psatest.Answer, Status: 200, Body: `{"ticketNumber":"{secret}"}`})
			callAsA(w)
		},
		secret: "the old password", in: []string{"the answer to a: GET /Tickets/1"},
	},
	"a key for a host, with hosts in the metrics": {
		config: func(w *world) { w.global = "metrics {\n\t\tper_host\n\t\tobserve_catchall_hosts\n\t}" },
		leak: func(w *world) {
			r := w.request("a", "GET", "/Tickets/1", nil)
			r.Host = w.keys["b"].Reveal()
			send(w.T, unled, r)
		},
		secret: "the key of b", in: []string{"the admin endpoint's /metrics"},
	},
	"a zone whose name is a password": {
		config: func(w *world) { w.tenant.Migrate(w.sim.AddZone(newPassword)) },
		leak:   callAsA, secret: "the new password", in: []string{"data/caddy/psagate/zones/*.json", "the admin endpoint's /psa/zones"},
	},
	"a password for a record's path": {
		config: func(w *world) {
			w.login = "}\n\t\tlogin other {\n\t\t\tsecret file " + newPassword
		},
		leak: func(w *world) {
			w.until("the record is missed", func() bool { return strings.Contains(w.read("output.log"), "has no record") })
		},
		secret: "the new password",
		in:     []string{"Caddyfile", "config/caddy/autosave.json", "output.log", "the admin endpoint's /config/", "the admin endpoint's /psa/status"},
	},
	"a password for a command": {
		leak:   func(w *world) { w.run("adapt", "--config", newPassword) },
		secret: "the new password", in: []string{"commands.log"},
	},
	"a password for the login of a command that puts one": {
		leak:   func(w *world) { w.askWith("", "secret put "+newPassword) },
		secret: "the new password", in: []string{"what `secret put*printed", "output.log"},
	},
	"a password among the words of a command": {
		leak:   putAmongWords,
		secret: "the new password", in: []string{"the list of processes"},
	},
	"a password for the admin endpoint's path": {
		leak: func(w *world) {
			w.until("the config is in force", func() bool { return w.askPage("/psa/zones").status == http.StatusOK })
			w.heard.add(w.askPage("/psa/logins/"+newPassword+"/secret").place("the admin endpoint's page for a secret", ""))
		},
		secret: "the new password", in: []string{"the admin endpoint's page for a secret", "output.log"},
	},
	"a database": {
		leak:   func(w *world) { w.write("data/caddy/psagate.db", "SQLite format 3\x00\x10\xff"+oldPassword+"\x00") },
		secret: "the old password", in: []string{"data/caddy/psagate.db"},
	},
	"the name of a file": {
		leak:   func(w *world) { w.write("data/caddy/"+newPassword+".json", "{}") },
		secret: "the new password", in: []string{"the names of files"},
	},
}

func callAsA(w *world) { w.call("a", "GET", "/Tickets/1", "") }

// putAmongWords has the list of processes show a password, where the machine has such a list.
func putAmongWords(w *world) {
	in, out, err := os.Pipe()
	if err != nil {
		w.Fatal(err)
	}
	defer in.Close()
	cmd := w.command(w.Context(), "secret", "put", "main", "--username", newPassword, "--address", "unix/"+w.admin)
	cmd.Stdin = in
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	if n := w.processes(); n < 2 {
		realparts.LeftOut(w.T, "the list of processes (%d are in it); it needs Linux's /proc", n)
	}
	_ = out.Close()
	_ = cmd.Wait() // it has got no password
}

// rollTheLog makes calls until Caddy has put a piece of the access log away, compressed.
func rollTheLog(w *world) {
	rolled := func(pattern string) bool {
		names, _ := filepath.Glob(w.path(pattern))
		return len(names) > 0
	}
	for i := 0; !rolled("access-*"); i++ {
		if i > 200 {
			w.Fatal("the log is never rolled")
		}
		r := w.request("a", "GET", "/Tickets/1", nil)
		r.Header.Set("X-Long", strings.Repeat("x", 10_000))
		send(w.T, unled, r)
	}
	w.until("it is compressed", func() bool { return rolled("access-*.log.gz") && !rolled("access-*.log") })
}

func TestALeakIsFoundWhereverItIsPlanted(t *testing.T) {
	t.Parallel()
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if p.config != nil {
				p.config(w)
			}
			w.start()
			if p.leak != nil {
				p.leak(w)
			}
			w.server.stop(w)
			found := search(w.places(), w.hidden)
			w.hidden = nil // else the world's end would find it too
			p.check(t, found)
		})
	}
}

// check demands that the one secret is found in all places that were planted, and nothing else anywhere.
func (p plant) check(t *testing.T, found []finding) {
	t.Helper()
	missing := slices.Clone(p.in)
	for _, f := range found {
		at := slices.IndexFunc(missing, func(pattern string) bool { ok, _ := path.Match(pattern, f.place); return ok })
		if at < 0 || f.secret != p.secret {
			t.Errorf("found without being planted: %v", f)
			continue
		}
		missing = slices.Delete(missing, at, at+1)
	}
	if len(missing) > 0 {
		t.Errorf("%s was planted and not found in %q", p.secret, missing)
	}
}
