package e2e

import (
	"encoding/json"
	"os"
	"sync"
	"sync/atomic"

	"github.com/psagate/psagate/internal/psatest"
)

// pool has three users serve as one, and their passwords rotated while calls go on. A login that calls have found out about
// before is nothing new to a rotation.
func (e *example) pool() {
	names := []string{"one", "two", "three"}
	users, passwords := map[string]*psatest.User{}, map[string]string{}
	for _, name := range names {
		users[name], passwords[name] = e.tenant.AddUser(name+"@example.com", oldPassword, code), oldPassword
	}
	e.saveCrew(users, passwords)
	e.makesKey("itglue")
	e.serve(e.plain())
	for range 12 {
		e.served("itglue")
	}
	e.turnsAway(e.plain(), "nobody")
	e.isWell([]string{"pool crew: 3 of 3 logins serve", "login one: serving", "login three: serving", "3 records in use"}, "plain-http")

	e.whileCalling(func() {
		for _, name := range names {
			passwords[name] = newPassword
			e.saveCrew(users, passwords)
			if name == "two" { // the PSA does not have it yet
				e.says("rotate crew", 1, "login one: nothing new, version 2 serves since ", "login two: version 2 is REFUSED; what serves is version 1, as before", "stopped; not touched: three")
				e.says("status", 0, "pool crew: 3 of 3 logins serve")
			}
			users[name].SetSecret(newPassword)
			e.says("rotate crew", 0, "login "+name+": finding out whether the PSA takes version 2", "version 2 serves", "pool crew: every login serves with its newest version")
		}
	})
	for name, u := range users {
		if u.Locked() || u.MaxFailedSinceSuccess() > 3 { // what served, of as many calls as are served at once
			e.Errorf("%s: locked %v, %d failed sign-ins", name, u.Locked(), u.MaxFailedSinceSuccess())
		}
	}
}

// saveCrew puts the password of each user into the store.
func (e *example) saveCrew(users map[string]*psatest.User, passwords map[string]string) {
	e.Helper()
	records := map[string]any{}
	for name, u := range users {
		records["autotask/"+name] = map[string]string{"username": u.Name(), "secret": passwords[name], "integration_code": code}
	}
	text, err := json.Marshal(records)
	if err != nil {
		e.Fatal(err)
	}
	e.write(secretsFile+".new", string(text))
	if err := os.Rename(e.path(secretsFile+".new"), e.path(secretsFile)); err != nil {
		e.Fatal(err)
	}
}

// whileCalling does something while calls are made, one after the other, and demands that all are served.
func (e *example) whileCalling(do func()) {
	e.Helper()
	var over atomic.Bool
	var calls sync.WaitGroup
	calls.Go(func() {
		for n := 1; !over.Load(); n++ {
			if a := e.call("itglue", "GET", "/Tickets/1", ""); !a.ticket() {
				e.Errorf("call %d: %d %s", n, a.status, a.reason())
			}
		}
	})
	do()
	over.Store(true)
	calls.Wait()
}
