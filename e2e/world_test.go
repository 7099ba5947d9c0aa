package e2e

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

const (
	user        = "api@example.com"
	oldPassword = "old-Password-4711"
	newPassword = "new-Password-0815"
	code        = "TRACKING-CODE-OF-27-LETTERS"
)

// world is a simulated PSA, a folder, and a psagate between the PSA and whoever calls.
type world struct {
	*testing.T
	caddyfile
	dir    string
	binary string
	server *server

	sim    *psatest.Sim
	zone   *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User

	keys    map[string]identity.Key
	env     []string // further environment of its processes
	hidden  []hidden // what must be found nowhere when the test has ended
	mayHold []string // names of the files in which it may be
	heard   heard    // where else it is looked for
}

// newWorld makes all but the process, which start starts. It has one login, main, and the integrations a and b.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "psa") // t.TempDir's paths are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: dir, binary: binary(t, race), sim: psatest.New(), keys: map[string]identity.Key{}}
	t.Cleanup(w.end)
	w.zone = w.sim.AddZone("Five")
	w.tenant = w.sim.AddTenant("Example", w.zone)
	w.tenant.Seed(25)
	w.user = w.tenant.AddUser(user, oldPassword, code)
	w.mayHold = []string{secretsFile}
	w.hide("the old password", oldPassword)
	w.hide("the new password", newPassword)
	w.hide("the integration code", code)
	w.caddyfile = caddyfile{
		admin: w.path("admin.sock"), address: freeAddress(t), accessLog: w.path("access.log"), format: "psa", secrets: fileStore,
		discover: w.sim.DiscoverURL(), policy: w.path("calls.cedar"), keys: map[string]identity.Hash{},
	}
	w.write("calls.cedar", callsPolicy)
	w.integration("a", newKey(t))
	w.integration("b", newKey(t))
	w.save(oldPassword)
	return w
}

// callsPolicy permits what the tests' callers do.
const callsPolicy = `permit (principal, action in [Action::"read", Action::"query"], resource);

permit (principal, action in [Action::"create", Action::"update"], resource == Entity::"Tickets");

permit (principal, action in [Action::"create", Action::"delete"], resource == Entity::"TicketAttachments");
`

// end stops the process and looks for what must not be found.
func (w *world) end() {
	if w.server != nil {
		w.server.stop(w)
	}
	w.sim.Close()
	w.searchForSecrets()
	if out := w.read("output.log"); w.Failed() && len(out) > 0 {
		w.Logf("the process printed, at last:\n%s", out[max(0, len(out)-3000):])
	}
	_ = os.RemoveAll(w.dir)
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// read returns what is in a file of the world, nothing if there is no such file.
func (w *world) read(name string) string {
	text, _ := os.ReadFile(w.path(name))
	return string(text)
}

func (w *world) write(name, text string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o700); err != nil { // Caddy makes its own when it needs them
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// integration adds an integration, or replaces its key.
func (w *world) integration(name string, key identity.Key) {
	w.keys[name], w.caddyfile.keys[name] = key, key.Hash()
	w.hide("the key of "+name, key.Reveal())
}

// save puts the password into the store, all at once.
func (w *world) save(password string) {
	w.Helper()
	text, err := json.Marshal(map[string]any{"autotask/main": map[string]string{"username": user, "secret": password, "integration_code": code}})
	if err != nil {
		w.Fatal(err)
	}
	w.write(secretsFile+".new", string(text))
	if err := os.Rename(w.path(secretsFile+".new"), w.path(secretsFile)); err != nil {
		w.Fatal(err)
	}
}

// unharmed demands that the PSA's user is not locked and was never nearer to it than n failed sign-ins.
func (w *world) unharmed(n int) {
	w.Helper()
	if w.user.Locked() || w.user.MaxFailedSinceSuccess() > n {
		w.Errorf("locked: %v, %d failed sign-ins in a row, want %d at most:\n%v", w.user.Locked(), w.user.MaxFailedSinceSuccess(), n, w.sim.Ledger().Failed())
	}
}

func newKey(t *testing.T) identity.Key {
	t.Helper()
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// freeAddress is realparts.FreeAddress.
func freeAddress(t *testing.T) string {
	t.Helper()
	return realparts.FreeAddress(t)
}
