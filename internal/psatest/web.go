package psatest

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Web is one host of the PSA's web pages: a zone's, or the universal one, from which everybody is led to a zone's. What is known of
// it is facts' "Web UI"; the names of its pages below /Mvc that nobody has published are made up, and so are its form's fields and cookies.
// It is an http.Handler.
type Web struct {
	sim  *Sim
	zone *Zone // nil: universal

	// guarded by sim.mu
	url     string
	server  *http.Server
	sso     SSO
	kaseya  string
	pending map[string]pending
}

// SSO is where the people of a zone's tenants sign in that have no password here.
type SSO struct {
	// URL is the provider's page. It is given redirect_uri, absolute on the zone's host, and state.
	URL string
	// Who tells whose the code is that the provider sent back with; false: nobody's.
	Who func(code string) (user string, ok bool)
}

// AddWeb gives the zone web pages on a free port of 127.0.0.1: a zone lookup names them from now on. It panics when no port can be had,
// and when the zone has them already.
func (z *Zone) AddWeb() *Web { return z.AddWebOn(loopback()) }

// AddWebOn is AddWeb on l, as AddZoneOn has it. Behind TLS or a name in DNS, say so with SetURL.
func (z *Zone) AddWebOn(l net.Listener) *Web {
	w := z.sim.newWeb(z)
	z.sim.mu.Lock()
	if z.web != nil {
		panic("psatest: zone " + z.name + " has web pages already")
	}
	z.web = w
	z.sim.mu.Unlock()
	w.serveOn(l)
	return w
}

// AddUniversalWeb makes the host without a number for people, on a free port of 127.0.0.1.
func (s *Sim) AddUniversalWeb() *Web { return s.AddUniversalWebOn(loopback()) }

// AddUniversalWebOn is AddUniversalWeb on l.
func (s *Sim) AddUniversalWebOn(l net.Listener) *Web {
	w := s.newWeb(nil)
	w.serveOn(l)
	return w
}

func (s *Sim) newWeb(z *Zone) *Web {
	w := &Web{sim: s, zone: z, pending: map[string]pending{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webs = append(s.webs, w)
	return w
}

// serveOn serves on l; nil leaves it to the caller.
func (w *Web) serveOn(l net.Listener) {
	if l == nil {
		return
	}
	w.SetURL("http://" + l.Addr().String())
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	if w.sim.closed {
		_ = l.Close()
		return
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	w.server = server
	w.sim.serving.Go(func() { _ = server.Serve(l) }) // always ends in an error: ErrServerClosed
}

// URL is the host's base URL without a trailing slash.
func (w *Web) URL() string {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	return w.url
}

// SetURL sets what links, redirects, cookies and zone lookups name.
func (w *Web) SetURL(base string) {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	w.url = base
}

// SetSSO sets where SSO users sign in.
func (w *Web) SetSSO(sso SSO) {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	w.sso = sso
}

// SetKaseyaOne puts the button of the vendor's own identity service onto the sign-in page, leading to an address; empty: it has none.
func (w *Web) SetKaseyaOne(address string) {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	w.kaseya = address
}

// cookieHost is what its cookies' Domain names, and whether they are Secure.
func (w *Web) cookieHost() (host string, secure bool) {
	u, err := url.Parse(w.URL())
	if err != nil {
		return "", false
	}
	return u.Hostname(), u.Scheme == "https"
}

// name is the zone's; empty for the universal host.
func (w *Web) name() string {
	if w.zone == nil {
		return ""
	}
	return w.zone.name
}

// webURL is where the people of a zone go. Called with sim.mu held.
func (z *Zone) webURL() string {
	if z.web != nil {
		return z.web.url
	}
	return z.url
}

// ServeHTTP answers one request of a person's.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !w.sim.enter() {
		panic(http.ErrAbortHandler)
	}
	defer w.sim.running.Done()
	rw.Header().Set("Cache-Control", "private")
	v := &visit{Web: w, w: rw, r: r}
	v.session = w.sim.visited(v)
	page := pages[strings.ToLower(r.URL.Path)]
	switch {
	case page.show == nil:
		http.NotFound(rw, r)
	case page.method != "" && page.method != r.Method && (page.method != http.MethodGet || r.Method != http.MethodHead):
		http.Error(rw, "The resource does not support this method.", http.StatusMethodNotAllowed)
	case !page.open && v.session == nil:
		v.redirect(w.URL() + signInPath + "?" + url.Values{"ReturnUrl": {w.URL() + r.URL.RequestURI()}}.Encode())
	default:
		page.show(v)
	}
}

// visit is one request of a person's.
type visit struct {
	*Web
	w       http.ResponseWriter
	r       *http.Request
	session *WebSession // nil: nobody is signed in
}

// redirect leads to an absolute address, as IIS has it.
func (v *visit) redirect(to string) {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusFound)
}

// down cuts all connections and stops listening.
func (w *Web) down() {
	w.sim.mu.Lock()
	server := w.server
	w.server = nil
	w.sim.mu.Unlock()
	if server != nil {
		_ = server.Close() // what cannot be closed is closed already
	}
}
