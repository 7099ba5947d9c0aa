package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/pgtest"
	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/report"
)

// What a fleet's processes are told, and what follows from it.
const (
	fleetBudget = 5
	fleetTTL    = 3 * time.Second
	fleetLinger = 2 * time.Second
)

// fleet is several psagates that share a PostgreSQL, each of which reaches it, and the PSA, in a way of its own.
type fleet struct {
	*world   // its own process is never started
	pg       *pgtest.Server
	logins   []*fleetLogin
	joining  sync.Mutex // of replicas, while there are not all
	replicas []*replica
	strays   *valve // between the PSA and whom it does not know

	saving sync.Mutex
	saved  map[string]string // login: password in the store
}

// fleetLogin is one PSA user.
type fleetLogin struct {
	name, code string
	user       *psatest.User
	changing   sync.Mutex // one change of its password at a time
	changes    int
}

// replica is one process of a fleet.
type replica struct {
	*world
	psa *valve // between it and the PSA
	pg  *relay // between it and PostgreSQL

	busy  sync.Mutex // one trouble at a time
	known sync.Mutex
	pid   int
	kills []time.Time // when it was killed
}

// newFleet makes a PostgreSQL, a PSA with so many users, and so many processes, which it starts.
func newFleet(t *testing.T, replicas, logins int) *fleet {
	t.Helper()
	f := &fleet{pg: pgtest.Start(t), world: newWorld(t), strays: newValve(), saved: map[string]string{}}
	f.sim.Adjust(slowish)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.zone = f.sim.AddZoneOn("Six", doorway{l, f.valveOf})
	for i := range logins {
		f.addLogin(fmt.Sprintf("login%d", i))
	}
	f.store()
	db := f.pg.Database()
	for i := range replicas {
		f.addReplica(strings.Replace(db, f.pg.Addr(), "PG", 1), i)
	}
	for _, r := range f.replicas {
		if err := r.launch(); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range f.replicas {
		f.untilFleet("each process serves", func() bool {
			for _, l := range f.logins {
				if whatCame(http.DefaultClient, r.request(l.name, "GET", "/Tickets/1", nil)) != "ticket" {
					return false
				}
			}
			return true
		})
	}
	return f
}

func (f *fleet) addLogin(name string) {
	tenant := f.sim.AddTenant("Tenant of "+name, f.zone)
	tenant.Seed(2)
	l := &fleetLogin{name: name, code: "CODE-OF-" + strings.ToUpper(name) + "-" + newKey(f.T).Reveal()[10:24]}
	f.hide("the code of "+name, l.code)
	f.saved[name] = l.next(f)
	l.user = tenant.AddUser("api@"+name+".example", f.saved[name], l.code)
	f.integration(name, newKey(f.T))
	f.logins = append(f.logins, l)
}

// next is a password that the login never had.
func (l *fleetLogin) next(f *fleet) string {
	l.changes++
	password := fmt.Sprintf("%s-%d/%s", l.name, l.changes, newKey(f.T).Reveal()[10:34])
	f.saving.Lock()
	defer f.saving.Unlock()
	f.hide(fmt.Sprintf("password %d of %s", l.changes, l.name), password)
	return password
}

// save gives a login another password in the store, or all of them the one that they have.
func (f *fleet) save(login, password string) {
	f.saving.Lock()
	f.saved[login] = password
	f.saving.Unlock()
	f.store()
}

// store writes the file of secrets, which all processes read.
func (f *fleet) store() {
	f.saving.Lock()
	defer f.saving.Unlock()
	all := map[string]map[string]string{"psagate/installation": {"key": strings.Repeat("k3y!", 10)}}
	for _, l := range f.logins {
		all["autotask/"+l.name] = map[string]string{"username": "api@" + l.name + ".example", "secret": f.saved[l.name], "integration_code": l.code}
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(f.path(secretsFile+".new"), text, 0o600)
	}
	if err = errors.Join(err, os.Rename(f.path(secretsFile+".new"), f.path(secretsFile))); err != nil {
		f.Error(err)
	}
}

// addReplica makes a process with a data directory, an admin socket and ways of its own.
func (f *fleet) addReplica(dsn string, no int) {
	f.Helper()
	w := newWorld(f.T)
	w.sim.Close()
	r := &replica{world: w, psa: newValve(), pg: f.newRelay(f.pg.Addr())}
	w.sim, w.keys, w.env = f.sim, f.keys, []string{"PSAGATE_SECRETS=" + f.path(secretsFile)}
	w.hidden = nil // the fleet's are looked for, once, by all
	var psa strings.Builder
	for _, l := range f.logins {
		fmt.Fprintf(&psa, "\t\tlogin %s {\n\t\t\tsecret file autotask/%[1]s\n\t\t\tdiscover %s\n\t\t\thosts 127.0.0.1\n\t\t\tinsecure_http\n"+
			"\t\t\tlockout 7 {\n\t\t\t\tbudget %d\n\t\t\t\tlinger %v\n\t\t\t\trecheck 2s\n\t\t\t}\n\t\t\tqueue 64 5s\n\t\t}\n\t\tintegration %[1]s {\n\t\t\tkey %[5]s\n\t\t\tlogin %[1]s\n\t\t}\n",
			l.name, f.zone.URL(), fleetBudget, fleetLinger, f.caddyfile.keys[l.name])
	}
	_, port, _ := net.SplitHostPort(w.address)
	w.write("Caddyfile", fmt.Sprintf("{\n\tadmin unix/%s|0600\n\tpsa {\n\t\tsecrets file {env.PSAGATE_SECRETS} {\n\t\t\tpoll 200ms\n\t\t}\n"+
		"\t\tstore postgres %s {\n\t\t\tttl %v\n\t\t}\n\t\tinstallation_key secret file psagate/installation\n%s\t}\n}\n\nhttp://:%s {\n\tbind 127.0.0.1\n\tpsa_gateway\n}\n",
		w.admin, strings.Replace(dsn, "PG", r.pg.Addr().String(), 1), fleetTTL, psa.String(), port))
	f.joining.Lock()
	f.replicas = append(f.replicas, r)
	f.joining.Unlock()
	f.Cleanup(r.finish)
}

// valveOf finds out whose connection came to the PSA. What the kernel lists may lack one that is there.
func (f *fleet) valveOf(c net.Conn) *valve {
	for range 5 {
		f.joining.Lock()
		replicas := f.replicas
		f.joining.Unlock()
		ids := make([]int, len(replicas))
		for i, r := range replicas {
			r.known.Lock()
			ids[i] = r.pid
			r.known.Unlock()
		}
		if i := owner(c, ids); i >= 0 {
			return replicas[i].psa
		}
		time.Sleep(2 * time.Millisecond)
	}
	return f.strays
}

// resetPSA resets all connections to the PSA.
func (f *fleet) resetPSA() {
	f.strays.reset()
	for _, r := range f.replicas {
		r.psa.reset()
	}
}

// launch starts the process, and waits until it listens.
func (r *replica) launch() error {
	out, err := os.OpenFile(r.path("output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	s := &server{Cmd: r.command(context.Background(), "run", "--config", r.path("Caddyfile"), "--adapter", "caddyfile"), ended: make(chan struct{})}
	s.Stdout, s.Stderr = out, out
	if err := s.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.Wait()
		close(s.ended)
	}()
	r.known.Lock()
	r.server, r.pid = s, s.Process.Pid
	r.known.Unlock()
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", r.address); err == nil {
			return c.Close()
		}
		select {
		case <-s.ended:
			return errors.New("a process of the fleet ended by itself")
		default:
		}
	}
	return errors.New("a process of the fleet does not listen")
}

// dies ends the process at once.
func (r *replica) dies() {
	r.known.Lock()
	r.kills = append(r.kills, time.Now())
	s := r.server
	r.known.Unlock()
	_ = s.Process.Kill()
	<-s.ended
}

// diedWithin reports whether the process was killed in a time.
func (r *replica) diedWithin(from, to time.Time) bool {
	r.known.Lock()
	defer r.known.Unlock()
	for _, at := range r.kills {
		if !at.Before(from.Add(-50*time.Millisecond)) && !at.After(to) {
			return true
		}
	}
	return false
}

// finish lets the world end the process in order.
func (r *replica) finish() {
	r.psa.set(flows)
	r.pg.set(flows)
	if r.server != nil {
		_ = r.server.Process.Signal(syscall.SIGCONT)
	}
}

// untilFleet waits for something.
func (f *fleet) untilFleet(what string, ask func() bool) {
	f.Helper()
	for begin := time.Now(); !ask(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > patience {
			f.Fatalf("waited in vain until %s", what)
		}
	}
}

// status is how the fleet's logins stand, as one process says.
func (r *replica) status() (s report.Status, err error) {
	client, done := r.adminClient()
	defer done()
	client.Timeout = 5 * time.Second
	resp, err := client.Get("http://admin/psa/status")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// unharmed demands that no user was locked, or nearer to it than the budget allows.
func (f *fleet) unharmed() {
	f.Helper()
	for _, l := range f.logins {
		most := l.user.MaxFailedSinceSuccess()
		f.Logf("%s: %d failed sign-ins in a row at most; its password was changed %d times", l.user, most, l.changes-1)
		if l.user.Locked() || most > fleetBudget {
			f.Errorf("%s: locked: %v, %d failed sign-ins in a row, want %d at most:\n%v", l.user, l.user.Locked(), most, fleetBudget, f.sim.Ledger().Of(l.user.Name()).Failed())
		}
	}
}
