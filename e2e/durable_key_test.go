package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// keyPath is where the installation key is that psagate makes itself.
const keyPath = "data/caddy/psagate/keys/installation.key"

func TestAnInstallationKeyThatCannotBeOneIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  string
	}{
		"cut off":          {func(w *world) { w.write(keyPath, w.read(keyPath)[:20]) }, "and needs 32: make one with"},
		"empty":            {func(w *world) { w.write(keyPath, "") }, "is missing: make one with"},
		"others' to read":  {func(w *world) { w.chmodKey(0o644) }, "run: chmod 600"},
		"a folder instead": {func(w *world) { w.chmodKey(0); _ = os.Remove(w.path(keyPath)); w.write(keyPath+"/note", "") }, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "")
			w.start()
			w.served("a")
			w.server.stop(w)
			w.server = nil
			key := w.read(keyPath)
			w.hide("the installation key", key[:20])
			w.mayHold = append(w.mayHold, keyPath)
			c.spoil(w)
			mark := w.sim.Mark()
			out := w.refusesToStart()
			if lines := linesWith(out, c.want); len(lines) != 1 || !strings.Contains(lines[0], keyPath) || !strings.Contains(lines[0], "installation key") {
				t.Errorf("%d lines with %q and the path in: %s", len(lines), c.want, out)
			}
			_ = os.RemoveAll(w.path(keyPath))
			w.write(keyPath, key)
			w.start()
			w.served("a")
			if spent := w.sim.Ledger().Since(mark); len(spent) != 1 {
				t.Errorf("one call after the key is back is %d sign-ins: %v", len(spent), spent)
			}
			w.unharmed(0)
		})
	}
}

func (w *world) chmodKey(mode os.FileMode) {
	w.Helper()
	if err := os.Chmod(w.path(keyPath), mode); err != nil {
		w.Fatal(err)
	}
}

// A record for installation_key that is missing, or not one, is waited for. Nothing is sent before.
func TestAnInstallationKeyThatComesLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		has  map[string]string
		want string
	}{
		"no record":             {nil, "psagate/installation"},
		"a key that is short":   {map[string]string{"key": "0123456789"}, "and needs 32: make one with"},
		"a field of other name": {map[string]string{"keys": strings.Repeat("k", 40)}, "is missing: make one with"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDurable(t, "installation_key secret file psagate/installation")
			w.saveWithKey(c.has)
			w.start()
			if a := w.call("a", "GET", "/Tickets/1", ""); a.status != 503 || a.reason() != "store-unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("%d %s %s", a.status, a.reason(), a.body)
			}
			w.until("the log says why", func() bool {
				return len(linesWith(w.read("output.log"), "the store cannot be opened, so nothing is sent")) > 0
			})
			if line := linesWith(w.read("output.log"), "the store cannot be opened, so nothing is sent")[0]; !strings.Contains(line, c.want) || !strings.Contains(line, "installation_key") {
				t.Errorf("the log says: %s", line)
			}
			if n := w.sim.Mark(); n != 0 {
				t.Errorf("%d sign-ins without a key", n)
			}
			w.saveWithKey(map[string]string{"key": strings.Repeat("k3y!", 10)})
			w.servesAgain()
			w.restart()
			w.served("a")
			w.unharmed(0)
		})
	}
}

// saveWithKey puts the old password into the secret store, and a record beside it.
func (w *world) saveWithKey(record map[string]string) {
	w.Helper()
	all := map[string]any{"autotask/main": map[string]string{"username": user, "secret": oldPassword, "integration_code": code}}
	if record != nil {
		all["psagate/installation"] = record
	}
	text, err := json.Marshal(all)
	if err != nil {
		w.Fatal(err)
	}
	w.write(secretsFile+".new", string(text))
	if err := os.Rename(w.path(secretsFile+".new"), w.path(secretsFile)); err != nil {
		w.Fatal(err)
	}
}
