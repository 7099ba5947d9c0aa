package psagate_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/psagate/psagate"

// room is one package of this module, as go list shows it.
type room struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func (r room) name() string { return strings.TrimPrefix(strings.TrimPrefix(r.ImportPath, module), "/") }

// isRoot tells whether it is the root, which whoever builds a Caddy with psagate in it imports.
func (r room) isRoot() bool { return r.ImportPath == module }

func (r room) within(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return r.name() == n || strings.HasPrefix(r.name(), n+"/") })
}

// rooms returns the packages of this module, and which packages are the standard library's.
func rooms(t *testing.T) (all []room, standard map[string]bool) {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps,Standard", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	standard = map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var r room
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		standard[r.ImportPath] = r.Standard
		if r.ImportPath == module || strings.HasPrefix(r.ImportPath, module+"/") {
			all = append(all, r)
		}
	}
	if len(all) < 5 {
		t.Fatalf("go list shows only %d packages", len(all))
	}
	return all, standard
}

// pure rooms need the standard library, golang.org/x/text and each other alone.
var pure = []string{"internal/guard", "internal/autotask", "internal/audit", "internal/soap"}

func TestImportsRunOneWay(t *testing.T) {
	all, standard := rooms(t)
	for _, r := range all {
		for _, dep := range r.Deps {
			switch own := strings.HasPrefix(dep, module+"/"); {
			case strings.HasPrefix(dep, "github.com/caddyserver/") && !r.within("caddymodule", "cmd") && !r.isRoot():
				t.Errorf("%s must not know Caddy, but it comes to %s: only caddymodule, cmd and the root may", r.name(), dep)
			case r.within(pure...) && !own && !standard[dep] && !strings.HasPrefix(dep, "golang.org/x/text/"):
				t.Errorf("%s must stay pure, but it needs %s", r.name(), dep)
			case r.within(pure...) && own && !(room{ImportPath: dep}).within(pure...):
				t.Errorf("%s must stay pure, but it needs %s", r.name(), dep)
			case r.within("internal/soap") && !standard[dep]:
				t.Errorf("internal/soap needs the standard library alone, but it comes to %s", dep)
			case r.within("internal/psatest") && own:
				t.Errorf("the simulator must know nothing of the gateway, but it needs %s", dep)
			case r.within("policy") && own, r.within("broker") && own && !(room{ImportPath: dep}).within("broker"):
				t.Errorf("%s is public and must import nothing of this module, but it needs %s", r.name(), dep)
			}
		}
		for _, imp := range r.Imports {
			to := room{ImportPath: imp}
			switch {
			case to.isRoot():
				t.Errorf("%s imports the root, which is for those who build a Caddy of their own", r.name())
			case !strings.HasPrefix(imp, module+"/"):
			case to.within("internal/psatest") && !r.within("cmd/demo"):
				t.Errorf("%s imports the simulator, which is for tests and cmd/demo", r.name())
			case to.within("internal/issuertest") && !r.within("internal/issuertest"):
				t.Errorf("%s imports the OpenID providers for tests, which only tests may", r.name())
			case to.within("internal/browsertest"):
				t.Errorf("%s imports the browser for tests, which only tests may", r.name())
			case to.within("internal/imaptest"):
				t.Errorf("%s imports the mail server for tests, which only tests may", r.name())
			case to.within("internal/mailsoak"):
				t.Errorf("%s imports the soaks' mails, which only tests may", r.name())
			case to.within("broker/ledger/ledgertest"):
				t.Errorf("%s imports the tests of ledgers, which only tests may", r.name())
			case to.within("internal/vaulttest"):
				t.Errorf("%s imports the Vault for tests, which only tests may", r.name())
			case to.within("caddymodule") && !r.within("cmd") && !r.isRoot():
				t.Errorf("%s imports caddymodule, which only cmd and the root may", r.name())
			case to.within("cmd") && !(to.within("cmd/demo") && r.within("cmd/demo")): // a provider without passwords is the demo's alone
				t.Errorf("%s imports %s, which nobody may", r.name(), to.name())
			}
		}
	}
}
