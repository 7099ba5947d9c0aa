package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
)

const (
	threshold = 7 // failed sign-ins at which the simulated PSA locks a user
	budget    = 5 // of these, how many psagate may spend; its default
	inFlight  = 3 // calls that psagate has at the PSA at once; its default

	integrationCode = "DEMO-TRACKING-CODE"
	recordPath      = "autotask/main"
	ssoPath         = "sso/demo"

	// latency makes the PSA slow enough for calls to meet one another.
	latency = 25 * time.Millisecond
)

// integration is a program that the gateway knows.
type integration struct {
	name string
	key  identity.Key
}

// world is all that the story happens in.
type world struct {
	dir           string
	sim           *psatest.Sim
	first, second *psatest.Zone
	webs          map[string]*psatest.Web // the pages for people, by zone
	tenant        *psatest.Tenant
	user          *psatest.User // whom psagate signs in as
	direct        *psatest.User // whom a program without psagate signs in as
	integrations  []integration
	replaced      identity.Key // a well-formed key that the gateway does not know
	listen        string       // host and port of the gateway
	desk          *desk        // what there is for people
	ann           *browser     // Ann's, once she has signed in
	loaded        bool
}

// newWorld starts everything, with the gateway on the address. Its error says what did not start and what to do.
func newWorld(listen string) (w *world, err error) {
	w = &world{sim: psatest.New()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(true))
		}
	}()
	if w.listen, err = freeAddress(listen); err != nil {
		return w, err
	}
	if w.desk, err = openDesk(w.listen); err != nil {
		return w, err
	}
	if w.dir, err = os.MkdirTemp("", "psagate-"); err != nil {
		return w, fmt.Errorf("making a directory for the demo's files: %w", err)
	}
	w.populate()
	if err = w.handOutKeys("itglue", "backup", "rmm", "reports"); err != nil {
		return w, err
	}
	if err = w.putInStore("password-1"); err != nil {
		return w, err
	}
	if err = w.writePolicy(policyText); err != nil {
		return w, err
	}
	return w, w.load()
}

// populate fills the simulated PSA.
func (w *world) populate() {
	w.first, w.second = w.sim.AddZone("First"), w.sim.AddZone("Second")
	w.webs = map[string]*psatest.Web{w.first.Name(): w.first.AddWeb(), w.second.Name(): w.second.AddWeb()}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Latency = latency })
	w.tenant = w.sim.AddTenant("Example Ltd", w.first)
	w.tenant.SetLockThreshold(threshold)
	w.tenant.Seed(60)
	w.user = w.tenant.AddUser("psagate@example.com", "password-1", integrationCode)
	w.direct = w.tenant.AddUser("direct@example.com", "this month's", integrationCode)
}

func (w *world) handOutKeys(names ...string) (err error) {
	for _, name := range names {
		key, err := identity.NewKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("making a key for %s: %w", name, err)
		}
		w.integrations = append(w.integrations, integration{name, key})
	}
	if w.replaced, err = identity.NewKey(rand.Reader); err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	return nil
}

// path is a file in the demo's directory.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// url is the gateway's base URL.
func (w *world) url() string { return "http://" + w.listen }

// close stops everything; the directory goes if it is to be tidy.
func (w *world) close(tidy bool) error {
	err := errors.Join(w.unload(), w.desk.close())
	w.sim.Close()
	if !tidy {
		return errors.Join(err, fmt.Errorf("the demo's files are kept in %s", w.dir))
	}
	if w.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}
