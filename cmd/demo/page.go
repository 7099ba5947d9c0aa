package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/psagate/psagate/internal/psatest"
)

//go:embed page.html page.css
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"visible": visible}).ParseFS(pageFiles, "page.html"))

// page shows a simulated PSA to a browser and takes orders from it.
type page struct {
	sim  *psatest.Sim
	host string // by which it may be asked, besides IP addresses and localhost

	mu     sync.Mutex
	orders []*psatest.Order // all that the page ordered; a number in a form is an index
}

// latest is how many sign-ins the page shows.
const latest = 100

// newPage returns the page's handler. Nothing outside of it may post to it, nor show it in a frame.
func newPage(sim *psatest.Sim, host string) http.Handler {
	p := &page{sim: sim, host: host}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, "page.css") })
	mux.HandleFunc("GET /password", p.passwordForm)
	mux.HandleFunc("GET /fault", p.faultForm)
	for path, do := range map[string]func(*http.Request) error{
		"/unlock": p.unlock, "/password": p.setPassword, "/move": p.move, "/fault": p.order, "/release": p.release,
	} {
		mux.HandleFunc("POST "+path, done(do))
	}
	return p.guarded(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 16<<10)))
}

// guarded keeps out pages that have their own name resolve to this machine, and sets what browsers need to know.
func (p *page) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !p.knows(r.Host) {
			http.Error(w, "This page is to be asked for by an IP address, by localhost, or by the name that it listens on.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *page) knows(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, p.host) || net.ParseIP(host) != nil
}

// overview is what the first page shows.
type overview struct {
	Live    bool
	Zones   []zoneRow // the discovery host first
	Tenants []tenantRow
	Users   []userRow
	Faults  []faultRow
	Ledger  []ledgerRow
	Total   int
}

type zoneRow struct {
	Name, URL string
	psatest.Requests
}

type tenantRow struct {
	Name, Zone  string
	CI          int
	Calls, Most int
	Elsewhere   []string // the zones that it can move to
}

type userRow struct {
	Name, Tenant string
	Failed, Most int
	Locked       bool
}

type faultRow struct {
	No         int
	Name, Only string
	Hits       int
}

type ledgerRow struct {
	psatest.SignIn
	Time, Outcome, Reason string
	Locks                 bool
}

func (p *page) overview(w http.ResponseWriter, r *http.Request) {
	v := overview{
		Live: !r.URL.Query().Has("still"), Users: userRows(p.sim.Users()), Faults: p.faultRows(), Total: p.sim.Mark(),
	}
	for _, z := range append([]*psatest.Zone{p.sim.Discovery()}, p.sim.Zones()...) {
		v.Zones = append(v.Zones, zoneRow{z.Name(), z.URL(), z.Requests()})
	}
	for _, t := range p.sim.Tenants() {
		v.Tenants = append(v.Tenants, p.tenantRow(t))
	}
	for _, e := range p.sim.Latest(latest) {
		v.Ledger = append(v.Ledger, rowOf(e))
	}
	render(w, http.StatusOK, "overview", v)
}

// hourly is what the tenant's bar is measured on.
const hourly = 10_000

func (p *page) tenantRow(t *psatest.Tenant) tenantRow {
	row := tenantRow{Name: t.Name(), Zone: t.Zone().Name(), CI: t.CI(), Calls: t.Usage(), Most: hourly}
	for _, z := range p.sim.Zones() {
		if z != t.Zone() {
			row.Elsewhere = append(row.Elsewhere, z.Name())
		}
	}
	return row
}

func userRows(users []*psatest.User) (rows []userRow) {
	for _, u := range users {
		rows = append(rows, userRow{u.Name(), u.Tenant().Name(), u.FailedSinceSuccess(), threshold, u.Locked()})
	}
	return rows
}

// faultRows are the page's orders that are in force.
func (p *page) faultRows() (rows []faultRow) {
	inForce := p.sim.Orders()
	p.mu.Lock()
	defer p.mu.Unlock()
	for no, o := range p.orders {
		if slices.Contains(inForce, o) {
			rows = append(rows, faultRow{no, o.Fault().Name, narrowed(o.Fault()), o.Hits()})
		}
	}
	return rows
}

// narrowed tells whom a fault is for.
func narrowed(f psatest.Fault) string {
	var only []string
	if f.Discovery {
		only = append(only, "the discovery host")
	}
	if f.Zone != "" {
		only = append(only, "zone "+f.Zone)
	}
	if f.User != "" {
		only = append(only, f.User)
	}
	if f.Times > 0 {
		only = append(only, plural(f.Times, "call"))
	}
	if only == nil {
		return "everybody"
	}
	return strings.Join(only, ", ")
}

// reasons are the causes of the ledger in plain words.
var reasons = map[psatest.Cause]string{
	psatest.CauseMissing: "user name, secret or integration code missing", psatest.CauseUnknownUser: "unknown user", psatest.CauseLocked: "locked",
	psatest.CauseWrongZone: "wrong zone", psatest.CauseWrongSecret: "wrong secret", psatest.CauseWrongCode: "wrong integration code",
	psatest.CauseOrdered: "right, but a fault was ordered",
}

var limits = map[psatest.Limit]string{
	psatest.LimitThreads: "too many calls at once", psatest.LimitHour: "too many calls in the hour",
}

func rowOf(e psatest.SignIn) ledgerRow {
	row := ledgerRow{SignIn: e, Time: e.At.Format("15:04:05.000"), Outcome: "accepted", Locks: e.Locked && e.Cause != psatest.CauseLocked}
	switch {
	case !e.OK():
		row.Outcome, row.Reason = "refused", reasons[e.Cause]
		if e.Secret.Standing == psatest.SecretPrevious {
			row.Reason += ", an older one of this user"
		}
		if e.Count > 0 {
			row.Reason += fmt.Sprintf("; failure %d", e.Count)
		}
	case e.Limit != "":
		row.Outcome, row.Reason = "limited", limits[e.Limit]
	}
	return row
}

func (p *page) passwordForm(w http.ResponseWriter, r *http.Request) {
	u := p.sim.User(r.URL.Query().Get("user"))
	if u == nil {
		fail(w, errNoUser)
		return
	}
	render(w, http.StatusOK, "password", userRow{Name: u.Name()})
}

func (p *page) faultForm(w http.ResponseWriter, _ *http.Request) {
	v := struct {
		Faults []psatest.Fault
		Zones  []*psatest.Zone
		Users  []*psatest.User
	}{psatest.Faults(), p.sim.Zones(), p.sim.Users()}
	render(w, http.StatusOK, "fault", v)
}

// render writes a page whole, or says that it could not be made.
func render(w http.ResponseWriter, status int, name string, v any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "making the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// A write fails when the browser is gone.
	_, _ = w.Write(b.Bytes())
}

// visible makes a text that a caller chose fit to be looked at: marks that cannot be seen, or that turn the text
// around, are spelled out, and what is longer than a name or a path ever is breaks off. Escaping is the template's.
func visible(text string) string {
	const most = 200
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			return b.String() + "…"
		}
		if unicode.IsGraphic(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
