package e2e

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

const (
	// soakBudget is every login's: the PSA must never count more failed sign-ins in a row.
	soakBudget = 5
	// soakBody is the most bytes that the gateway takes of a body.
	soakBody = 4 << 20
	// soakTickets is how many tickets each tenant has at first. None of them is ever deleted.
	soakTickets = 40
)

// soak is a world with several logins, all of whose troubles come at random.
type soak struct {
	*world
	seed   uint64
	length time.Duration
	began  time.Time

	logins  []*soakLogin
	safe    *soakSafe
	climate *soakClimate
	books   *soakBooks
	zones   struct{ five, six, seven *psatest.Zone } // seven speaks TLS
	cert    tls.Certificate                          // of seven
	wrong   []string                                 // keys that nobody has
	deeds   soakTally                                // what was done beside the calls, by a few words

	bombs    sync.Once
	bombText []byte
}

// soakLogin is a login and what the soak knows of it.
type soakLogin struct {
	name      string
	user      *psatest.User
	code      string
	passwords []string        // that it has in turn
	callers   int             // how many integrations it has
	homes     []*psatest.Zone // between which its tenant moves

	changing sync.Mutex // one rotation at a time
}

// soakTally counts by a few words.
type soakTally struct {
	mu sync.Mutex
	n  map[string]int
}

func (t *soakTally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int{}
	}
	t.n[what]++
}

// newSoak makes the world and starts its psagate.
func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{world: newWorld(t), seed: soakSeed(t), length: soakLength(t), climate: newSoakClimate()}
	s.books = newSoakBooks(s)
	if s.length >= judgeable {
		s.binary = binary(t, false) // the race detector multiplies memory
	}
	t.Logf("PSAGATE_SOAK=%v PSAGATE_SOAK_SEED=%d", s.length, s.seed)
	s.sim.KeepLedger(5000)
	s.buildZones()
	s.addLogin("main", s.tenant, 10, s.zones.five, s.zones.six)
	s.addLogin("reports", s.tenant, 4)
	s.addLogin("globex", s.sim.AddTenant("Globex", s.zones.six), 4, s.zones.six, s.zones.five)
	s.addLogin("initech", s.sim.AddTenant("Initech", s.zones.seven), 4, s.zones.seven, s.zones.five)
	s.safe = newSoakSafe(s)
	s.addJanitors()
	for i := range 5 {
		s.wrong = append(s.wrong, newKey(t).Reveal())
		s.hide(fmt.Sprint("wrong key ", i), s.wrong[i])
	}
	s.write("Caddyfile", s.config(2*time.Second))
	s.server = (&example{world: s.world}).launch(s.path("Caddyfile"), "output.log")
	s.until("it serves", door{unled, "http://" + s.address}.isOpen)
	return s
}

// rand is a source of chances of its own for whoever has the number.
func (s *soak) rand(n uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, n)) }

func (s *soak) buildZones() {
	var err error
	if s.cert, err = psatest.SelfSigned("127.0.0.1"); err != nil {
		s.Fatal(err)
	}
	s.write("zone.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Certificate[0]})))
	s.env = append(s.env, "SSL_CERT_FILE="+s.path("zone.pem"))
	s.zones.five, s.zones.six, s.zones.seven = s.zone, s.sim.AddZone("Six"), s.sim.AddTLSZone("Seven", s.cert)
}

// addLogin adds a login with its PSA user and its integrations. homes are where its tenant may live.
func (s *soak) addLogin(name string, tenant *psatest.Tenant, callers int, homes ...*psatest.Zone) {
	l := &soakLogin{name: name, code: code, callers: callers, homes: homes, passwords: []string{oldPassword}}
	for i := range 3 {
		l.passwords = append(l.passwords, fmt.Sprintf("%s+%d/%s", name, i, newKey(s.T).Reveal()[10:40]))
	}
	if name == "main" {
		l.user = s.user
	} else {
		l.code = "CODE-OF-" + strings.ToUpper(name) + "-" + newKey(s.T).Reveal()[10:24]
		l.passwords = l.passwords[1:]
		l.user = tenant.AddUser("api@"+name+".example", l.passwords[0], l.code)
		s.hide("the code of "+name, l.code)
	}
	if n := len(tenant.Records("Tickets")); n < soakTickets {
		tenant.Seed(soakTickets - n)
	}
	for i, p := range l.passwords {
		if p != oldPassword {
			s.hide(fmt.Sprintf("password %d of %s", i, name), p)
		}
	}
	for i := range callers {
		s.integration(fmt.Sprintf("%s-%d", name, i), newKey(s.T))
	}
	s.logins = append(s.logins, l)
}

// soakLog is a log in pieces, each of which can be searched for secrets by itself, and none of which is dropped.
const soakLog = `log {
		output file %s {
			roll_size 2MiB
			roll_keep 100000
			roll_uncompressed
		}
		format %s
		level DEBUG
	}`

// config is the Caddyfile. Whatever Caddy can be brought to log is logged.
func (s *soak) config(deadline time.Duration) string {
	var psa strings.Builder
	for _, l := range s.logins {
		fmt.Fprintf(&psa, "\t\tlogin %s {\n\t\t\tsecret file autotask/%[1]s\n\t\t\tdiscover %s\n\t\t\thosts 127.0.0.1\n\t\t\tinsecure_http\n"+
			"\t\t\tlockout 7 {\n\t\t\t\tbudget %d\n\t\t\t\tlinger 1s\n\t\t\t}\n\t\t\tqueue 64 %v\n\t\t}\n", l.name, s.sim.DiscoverURL(), soakBudget, deadline)
		for i := range l.callers {
			name := fmt.Sprintf("%s-%d", l.name, i)
			fmt.Fprintf(&psa, "\t\tintegration %s {\n\t\t\tkey %s\n\t\t\tlogin %s\n\t\t}\n", name, s.caddyfile.keys[name], l.name)
		}
	}
	_, port, _ := strings.Cut(s.address, ":")
	return fmt.Sprintf(`{
	debug
	admin unix/%s|0600
	%s
	servers {
		protocols h1 h2c
		trusted_proxies static 127.0.0.1/32
	}
	psa {
		secrets file {env.PSAGATE_SECRETS} {
			poll 200ms
			max_stale 2s
		}
		policy %s
%s	}
}

http://:%s {
	bind 127.0.0.1
	%s
	psa_gateway {
		max_body %d
	}
}
`, s.admin, fmt.Sprintf(soakLog, s.path("default.log"), "json"), s.caddyfile.policy, psa.String(), port, fmt.Sprintf(soakLog, s.accessLog, "psa"), soakBody)
}

// soakSafe is the file of secrets. What is saved while the file is broken is in it when it is mended.
type soakSafe struct {
	soak *soak

	mu     sync.Mutex
	has    map[string]string // login: password
	broken bool
}

func newSoakSafe(s *soak) *soakSafe {
	safe := &soakSafe{soak: s, has: map[string]string{}}
	for _, l := range s.logins {
		safe.has[l.name] = l.passwords[0]
	}
	safe.put(safe.text())
	return safe
}

// save gives a login another password.
func (f *soakSafe) save(login, password string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.has[login] = password
	if !f.broken {
		f.put(f.text())
	}
}

// damage makes the file what change makes of it.
func (f *soakSafe) damage(change func(text string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
	f.put(change(f.text()))
}

func (f *soakSafe) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = false
	f.put(f.text())
}

// password is what is in the file for a login, or will be when it is mended.
func (f *soakSafe) password(login string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.has[login]
}

// text is called with mu held.
func (f *soakSafe) text() string {
	records := map[string]map[string]string{}
	for _, l := range f.soak.logins {
		records["autotask/"+l.name] = map[string]string{"username": l.user.Name(), "secret": f.has[l.name], "integration_code": l.code}
	}
	text, _ := json.Marshal(records) // of texts
	return string(text)
}

// put replaces the file, all at once. Called with mu held.
func (f *soakSafe) put(text string) {
	path := f.soak.path(secretsFile)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		f.soak.Error(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.soak.Error(err)
	}
}
