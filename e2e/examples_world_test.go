package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/vaulttest"
)

// example is a world whose psagate runs the file of an example as it stands. What is particular to this machine comes to it
// by environment variables.
type example struct {
	*world
	folder string
	public *vaulttest.CA    // what the machine trusts
	vault  *vaulttest.Vault // nil where the example has none
}

// newExample makes a PSA that speaks HTTPS, and the environment that all examples take.
func newExample(t *testing.T, folder string) *example {
	t.Helper()
	e := &example{world: newWorld(t), folder: folder}
	e.public = e.authority("public")
	e.zone = e.httpsZone()
	e.tenant.Migrate(e.zone)
	e.set(
		"RUNTIME_DIRECTORY="+e.dir, "CREDENTIALS_DIRECTORY="+e.dir, "AUTOTASK="+e.zone.URL(),
		"PSAGATE_SITE=http://"+e.address, "SSL_CERT_FILE="+e.public.File,
	)
	return e
}

// set sets variables of the environment.
func (e *example) set(variables ...string) { e.env = append(e.env, variables...) }

// authority makes an authority for certificates.
func (e *example) authority(name string) *vaulttest.CA {
	e.Helper()
	dir := e.path(name + "-ca")
	if err := os.Mkdir(dir, 0o700); err != nil {
		e.Fatal(err)
	}
	return vaulttest.NewCA(e.T, dir)
}

// httpsZone adds a zone of the PSA that speaks HTTPS. It is where zones are looked up, too.
func (e *example) httpsZone() *psatest.Zone {
	e.Helper()
	pair, err := tls.LoadX509KeyPair(e.public.Server("127.0.0.1"))
	if err != nil {
		e.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
	}
	zone := e.sim.AddZoneOn("Seven", tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}}))
	zone.SetURL("https://" + l.Addr().String())
	return zone
}

// serve starts psagate with the example's Caddyfile, and waits until it serves at a door and has read records with keys:
// who comes earlier is told to come again.
func (e *example) serve(d door, keys ...string) {
	e.Helper()
	e.server = e.launch(filepath.Join(e.folder, "Caddyfile"), "output.log")
	e.until("it serves", func() bool { return d.isOpen() && e.knows(1, keys...) })
}

// launch starts a process that runs a config, with further variables in its environment.
func (e *example) launch(config, log string, variables ...string) *server {
	e.Helper()
	out, err := os.Create(e.path(log))
	if err != nil {
		e.Fatal(err)
	}
	defer out.Close()
	s := &server{Cmd: e.command(context.Background(), "run", "--config", config, "--adapter", "caddyfile"), ended: make(chan struct{})}
	s.Env = append(s.Env, variables...)
	s.Stdout, s.Stderr = out, out
	if err := s.Start(); err != nil {
		e.Fatal(err)
	}
	go func() {
		_ = s.Wait()
		close(s.ended)
	}()
	return s
}

// door is a way to psagate: who calls, and where.
type door struct {
	client *http.Client
	base   string
}

// isOpen tells whether somebody answers at it.
func (d door) isOpen() bool {
	resp, err := d.client.Get(d.base + "/ATServicesRest/versioninformation")
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// through makes a call through a door as an integration, without a key if none of that name has one, and keeps the answer
// for the search.
func (e *example) through(d door, integration, path string) answer {
	e.Helper()
	r, err := http.NewRequest("GET", d.base+"/ATServicesRest/V1.0"+path, nil)
	if err != nil {
		e.Fatal(err)
	}
	own := ""
	if key, ok := e.keys[integration]; ok {
		own = key.Reveal()
		r.Header.Set("UserName", integration)
		r.Header.Set("Secret", own)
		r.Header.Set("ApiIntegrationCode", code) // as before there was a psagate
	}
	a := send(e.T, d.client, r)
	e.heard.add(a.place("the answer to "+integration+": "+path, own))
	return a
}

// turnsAway demands the bare 401 for a call without a key.
func (e *example) turnsAway(d door, integration string) {
	e.Helper()
	if a := e.through(d, integration, "/Tickets/1"); a.status != http.StatusUnauthorized || a.reason() != "" || a.header.Get("WWW-Authenticate") == "" {
		e.Errorf("%q: %d %s %s", integration, a.status, a.reason(), a.body)
	}
}

// plain is the door where there is neither TLS nor another proxy.
func (e *example) plain() door { return door{http.DefaultClient, "http://" + e.address} }

// isWell demands what all examples promise: check says yes, status tells how it stands, and nothing about the config is
// unwise but what this machine makes so.
func (e *example) isWell(status []string, unwise ...string) {
	e.Helper()
	var checks report.Checks
	e.asJSON("check", &checks)
	kinds := []string(nil)
	for _, w := range checks.Config {
		if w.Kind != "key-made" && w.Kind != "store-made" { // it is each one's first start
			kinds = append(kinds, w.Kind)
		}
	}
	if !checks.OK || !slices.Equal(kinds, unwise) {
		e.Errorf("check says %+v, want only the warnings %q", checks, unwise)
	}
	e.says("status", 0, append(status, "gate        open")...)
}

// standing is what the admin endpoint says of logins and stores now.
func (e *example) standing() (s report.Status) {
	e.Helper()
	if err := json.Unmarshal([]byte(e.askPage("/psa/status").body), &s); err != nil {
		e.Fatal(err)
	}
	return s
}

// knows tells whether psagate has read a version of each of the records.
func (e *example) knows(version uint64, paths ...string) bool {
	e.Helper()
	n := 0
	for _, store := range e.standing().Stores {
		for _, r := range store.Records {
			if r.Version == version && slices.Contains(paths, r.Path) {
				n++
			}
		}
	}
	return n == len(paths)
}

// vaultToken is what a token of Vault's looks like.
var vaultToken = regexp.MustCompile(`hv[sbr]\.[A-Za-z0-9_-]{20,}`)

// finish stops psagate and looks for tokens of Vault's, which no test knows.
func (e *example) finish() {
	e.Helper()
	e.server.stop(e.world)
	e.server = nil
	for _, p := range e.places() {
		for _, v := range views(opened(p.text)) {
			if vaultToken.Match(v.text) {
				e.Errorf("a token of Vault's is in %s", p.name)
				break
			}
		}
	}
}
