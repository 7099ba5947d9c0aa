package webproxy

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
)

// Config is what a proxy is made of.
type Config struct {
	// Transport reaches the zone, over HTTP/1.1: websockets need that. Which hosts it may reach is for it to judge.
	Transport http.RoundTripper
	// Signs are by what is seen of sign-ins.
	Signs Signs
	// Book counts people's sessions; of several proxies to one PSA it is the same.
	Book *Book
	// Failed is told of each sign-in that was seen to fail. It must not wait.
	Failed func(Failure)
	// Moved is told that the zone leads people to another one: the tenant may have moved. It must not wait.
	Moved func()
	Log   *slog.Logger
}

// Proxy carries people's requests to the PSA's web pages. Safe for concurrent use.
type Proxy struct {
	cfg Config
	via *httputil.ReverseProxy
}

// Visit is what is known of a request.
type Visit struct {
	// Zone is the address of the zone's web pages.
	Zone string
	// Secure: the browser came by HTTPS.
	Secure bool
	// Person is what the person is called who is signed in to the gateway; empty: nobody is.
	Person string
	// Subject and Issuer are who that is, for who writes it down.
	Subject, Issuer string
	// Address is where the request comes from.
	Address string
}

// New returns a proxy.
func New(cfg Config) *Proxy {
	cfg.Signs = cfg.Signs.withDefaults()
	p := &Proxy{cfg: cfg}
	p.via = &httputil.ReverseProxy{
		Transport: finalOnly{cfg.Transport}, FlushInterval: -1, // what the PSA sends is shown as it comes
		Rewrite:        func(pr *httputil.ProxyRequest) { of(pr.In).rewrite(pr) },
		ModifyResponse: func(resp *http.Response) error { of(resp.Request).answer(resp); return nil },
		ErrorHandler:   p.trouble,
		ErrorLog:       log.New(io.Discard, "", 0), // it would name addresses; what breaks off, the browser sees
	}
	return p
}

// exchange is one request on its way.
type exchange struct {
	*Proxy
	Visit
	links   Links
	zone    *url.URL
	public  *url.URL // scheme and host
	target  *url.URL
	browser string  // whose it is, for the book
	try     attempt // what it has to do with a sign-in
	told    bool    // that it failed
}

type exchangeKey struct{}

func of(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// hostOf is what a Host header may be: it becomes a part of pages.
var hostOf = regexp.MustCompile(`^([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)

// Serve answers a request. What is asked of the PSA's interfaces is not served.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, v Visit) {
	switch r.Method {
	case http.MethodConnect, http.MethodTrace, "TRACK": // a tunnel, and what would show scripts the cookies that they may not see
		http.Error(w, "This is not for here.", http.StatusMethodNotAllowed)
		return
	}
	x := &exchange{Proxy: p, Visit: v, public: &url.URL{Scheme: "http", Host: r.Host}}
	if v.Secure {
		x.public.Scheme = "https"
	}
	zone, err := url.Parse(v.Zone)
	if err != nil || !hostOf.MatchString(r.Host) {
		http.Error(w, "The address under which this came is none.", http.StatusBadRequest)
		return
	}
	x.zone, x.links = zone, NewLinks(zone, x.public)
	if interfaces(r.URL.Path) {
		http.Error(w, "The PSA's interfaces are not here.", http.StatusNotFound)
		return
	}
	link, err := autotask.WebLink(v.Zone, r.URL.EscapedPath(), apply(x.links.Up, r.URL.RawQuery))
	if err != nil {
		text := "This is no link to the PSA's pages."
		if bad := new(autotask.RequestError); errors.As(err, &bad) {
			text = bad.Text
		}
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	if x.target, err = url.Parse(link); err != nil || interfaces(x.target.Path) {
		http.Error(w, "This is no link to the PSA's pages.", http.StatusBadRequest)
		return
	}
	if x.straightens(w, r) || x.signsIn(w, r) {
		return
	}
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	if x.try.posted {
		// The PSA judges what it was sent, whether or not the browser waits to hear it.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
	}
	t := &taken{ResponseWriter: w}
	defer t.done()
	p.via.ServeHTTP(t, r.WithContext(ctx))
}

// patience is how long a sign-in is waited for.
const patience = 2 * time.Minute

// straightens leads a browser that followed a link with another host in its path to the page itself: what is relative there would
// lead astray else.
func (x *exchange) straightens(w http.ResponseWriter, r *http.Request) bool {
	same := x.target.EscapedPath() == x.zonePath()+r.URL.EscapedPath()
	if same || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	to := *x.target
	to.Scheme, to.Host = x.public.Scheme, x.public.Host
	if of := strings.TrimPrefix(to.EscapedPath(), x.zonePath()); of == r.URL.EscapedPath() || strings.HasPrefix(of, "//") {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusFound)
	return true
}

// zonePath is the path of the zone's address, without its last slash: empty, for all that is known.
func (x *exchange) zonePath() string { return strings.TrimRight(x.zone.EscapedPath(), "/") }

// interfaces says whether a path leads to the PSA's interfaces, however it is spelled: there credentials are judged, and that is not
// for here.
func interfaces(p string) bool {
	for range 3 {
		if first, _, _ := strings.Cut(plain(p)[1:], "/"); first == "atservicesrest" || first == "atservices" {
			return true
		}
		again, err := url.PathUnescape(p)
		if err != nil || again == p {
			return false
		}
		p = again
	}
	return false
}

// plain is a path in the one spelling for all that a server may take for the same: in lower case, and without parameters, and dots, blanks
// and slashes that change nothing.
func plain(p string) string {
	parts := strings.Split(strings.ReplaceAll(p, `\`, "/"), "/")
	for i, part := range parts {
		part, _, _ = strings.Cut(part, ";")
		part, _, _ = strings.Cut(part, ":") // what Windows takes for a stream of a file
		part = strings.TrimRight(part, " ")
		if name := strings.TrimRight(part, ". "); name != "" {
			part = name
		}
		parts[i] = part
	}
	return strings.ToLower(path.Clean("/" + strings.Join(parts, "/")))
}

// finalOnly keeps what a server says before its answer from who would pass it on: nobody has looked at it.
type finalOnly struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (f finalOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(r.WithContext(deaf{r.Context()}))
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// deaf is a context without values: those who listen to the course of a request are among them.
type deaf struct{ context.Context }

// Value implements context.Context.
func (deaf) Value(any) any { return nil }

// trouble answers where the zone could not be reached, or broke off before it answered.
func (p *Proxy) trouble(w http.ResponseWriter, r *http.Request, err error) {
	if gone := r.Context().Err(); gone != nil && !errors.Is(gone, context.DeadlineExceeded) { // that is our own patience
		return // nobody is there to hear
	}
	p.cfg.Log.Warn("the PSA's web pages cannot be reached", "host", of(r).zone.Host, "error", err)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(autotask.HeaderReason, string(autotask.UpstreamUnreachable))
	http.Error(w, "The PSA's web pages cannot be reached at present. Try again in a moment; an operator finds the cause in this gateway's log.", http.StatusBadGateway)
}
