package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/webproxy"
)

// WebProxy has people's requests carried to the PSA's web pages, under the gateway's own address. It has not been tried against the
// live service: of its pages next to nothing is known, so all by which a sign-in is seen can be set.
type WebProxy struct {
	// Desktop is how many sessions of one user name the PSA allows on desktops. Default: 3.
	Desktop int `json:"desktop_sessions,omitempty"`

	// Mobile is how many it allows on phones and in the Outlook extension. Default: 1.
	Mobile int `json:"mobile_sessions,omitempty"`

	// Idle is when the PSA ends a session that lies unused. Default: 8h.
	Idle caddy.Duration `json:"idle,omitempty"`

	// SignInPaths are the beginnings of paths below which people sign in. Default: /Mvc/Framework/Authentication.mvc/.
	SignInPaths []string `json:"sign_in_paths,omitempty"`

	// SignOutNames are the last parts of paths that sign people out. Default: SignOut Logout LogOff.
	SignOutNames []string `json:"sign_out_names,omitempty"`

	// UserFields are the fields of the sign-in's forms that hold the user name. Default: UserName User Login Email.
	UserFields []string `json:"user_fields,omitempty"`

	// PasswordFields are those that hold the password. Default: Password Pwd.
	PasswordFields []string `json:"password_fields,omitempty"`

	// FailedSigns are texts on the page that follows a failed sign-in, in any case. That a page asks for the password again that was
	// just sent is a sign beside them. Default: OTP token is invalid.
	FailedSigns []string `json:"failed_signs,omitempty"`

	// LockedSigns are texts that say that the user is locked. Default: account has been locked.
	LockedSigns []string `json:"locked_signs,omitempty"`
}

func (p *WebProxy) signs() webproxy.Signs {
	return webproxy.Signs{
		SignIn: p.SignInPaths, SignOut: p.SignOutNames, UserFields: p.UserFields, PasswordFields: p.PasswordFields, Failed: p.FailedSigns, Locked: p.LockedSigns,
	}
}

func (p *WebProxy) limits() webproxy.Limits {
	return webproxy.Limits{Desktop: p.Desktop, Mobile: p.Mobile, Idle: time.Duration(p.Idle)}
}

func (p *WebProxy) check() error {
	if p.Desktop < 0 || p.Mobile < 0 || p.Idle < 0 {
		return fmt.Errorf("sessions are counted from 1 on, and idle is a duration of more than 0")
	}
	return p.signs().Check()
}

// books are what this process remembers of people's sessions, by login. A reload keeps them, unless the limits are others.
var books struct {
	mu sync.Mutex
	of map[string]*webproxy.Book
}

// bookOf is a login's.
func bookOf(login string, limits webproxy.Limits) *webproxy.Book {
	books.mu.Lock()
	defer books.mu.Unlock()
	key := fmt.Sprintf("%s %+v", login, limits)
	if books.of == nil {
		books.of = map[string]*webproxy.Book{}
	}
	if books.of[key] == nil {
		books.of[key] = webproxy.NewBook(limits, time.Now)
	}
	return books.of[key]
}

// carrier carries people's requests for one psa_web.
type carrier struct {
	login  string
	engine gateway
	log    *slog.Logger
	proxy  *webproxy.Proxy
}

func newCarrier(login string, p *WebProxy, e gateway, log *slog.Logger) *carrier {
	c := &carrier{login: login, engine: e, log: log}
	c.proxy = webproxy.New(webproxy.Config{
		Transport: c, Signs: p.signs(), Book: bookOf(login, p.limits()), Failed: c.failed, Moved: func() { e.WebMoved(login) }, Log: log,
	})
	return c
}

// RoundTrip implements http.RoundTripper: which hosts may be reached the engine judges.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.engine.WebRoundTrip(c.login, r)
}

// carry answers a person's request.
func (c *carrier) carry(w http.ResponseWriter, r *http.Request) {
	zone, err := c.engine.WebZone(r.Context(), c.login)
	if err != nil {
		noZone(w)
		return
	}
	v := webproxy.Visit{Zone: zone, Secure: byHTTPS(r), Address: clientIP(r)}
	if who, ok := signin.Signed(r.Context()); ok {
		v.Person, v.Subject, v.Issuer = who.Person.Label(), who.Person.Subject, who.Person.Issuer
	}
	c.proxy.Serve(w, r, v)
}

// noZone answers where it is not known where the pages are.
func noZone(w http.ResponseWriter) {
	w.Header().Set(autotask.HeaderReason, string(autotask.ZoneUnknown))
	w.Header().Set("Retry-After", "15")
	http.Error(w, "This gateway does not know at present in which of the PSA's data centres your pages are. Try again in a moment; an operator finds the cause in its log.", http.StatusBadGateway)
}

// eventWebSignInFailed is a person's sign-in on the PSA's pages that was seen to fail.
const eventWebSignInFailed = "web_sign_in_failed"

// failed tells everybody who has to know. What user name was typed is told to nobody: it may be another secret in the wrong field.
func (c *carrier) failed(f webproxy.Failure) {
	user, login := c.engine.WebFailed(call.WebFailure{Login: c.login, User: f.User, Person: f.Person, Client: f.Address, Locked: f.Locked, Sign: f.Sign})
	e := audit.Entry{
		Event: eventWebSignInFailed, Login: login, Address: f.Address, Issuer: f.Issuer,
		Data: map[string]string{"web": c.login, "user": user, "locked": strconv.FormatBool(f.Locked)},
	}
	if f.Subject != "" {
		e.CallerKind, e.Caller = audit.Person, f.Subject
	}
	refusals.note(e)
	level := slog.LevelInfo
	if user == report.UserLogin {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "a person's sign-in failed on the PSA's web pages", "person", f.Person, "user", user, "login", login, "locked", f.Locked, "sign", f.Sign, "client_ip", f.Address)
}

// readProxy reads the words of psa_web's block.
func (h *Web) readProxy(w *word) error {
	p := h.Proxy
	if p == nil {
		p = new(WebProxy)
	}
	texts := func(into *[]string, name string) func(*word) error {
		return func(w *word) (err error) { *into, err = w.list(name); return err }
	}
	err := w.block(w.name, words{
		"proxy": func(w *word) error {
			h.Proxy = p
			_, err := w.present()
			return err
		},
		"sessions":       p.readSessions,
		"idle":           func(w *word) (err error) { p.Idle, err = w.duration(); return err },
		"sign_in":        texts(&p.SignInPaths, "<path>"),
		"sign_out":       texts(&p.SignOutNames, "<name>"),
		"user_field":     texts(&p.UserFields, "<name>"),
		"password_field": texts(&p.PasswordFields, "<name>"),
		"failed_sign":    texts(&p.FailedSigns, "<text>"),
		"locked_sign":    texts(&p.LockedSigns, "<text>"),
	})
	if err != nil {
		return err
	}
	if h.Proxy == nil {
		if !p.empty() {
			return w.errorf("%s redirects people, and these words are for `proxy`: write it too", w.name)
		}
		return nil
	}
	if err := p.check(); err != nil {
		return w.errorf("%w", err)
	}
	return nil
}

func (p *WebProxy) empty() bool { return reflect.DeepEqual(*p, WebProxy{}) }

func (p *WebProxy) readSessions(w *word) error {
	args, err := w.args("<desktop>", "<mobile>")
	if err != nil {
		return err
	}
	if p.Desktop, err = w.asNumber(args[0]); err != nil {
		return err
	}
	p.Mobile, err = w.asNumber(args[1])
	return err
}
