package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/policy"
)

// Config is what a console is made of.
type Config struct {
	// Source is what is shown.
	Source Source
	// Deeds are what people may do; nil: nothing.
	Deeds Deeds
	// Log hears of trouble; nil: nobody does.
	Log *slog.Logger
	// Now is the time. Default: time.Now.
	Now func() time.Time
}

// Console is the page of one site. Any number of callers may use it.
type Console struct {
	cfg   Config
	pages map[string]page
	// lives are what the pages say that go on saying it.
	lives   map[string]func(*http.Request) (content, error)
	streams *streams
	pace    pace
	// unsigned says once a minute that nobody can come.
	unsigned sync.Mutex
	told     time.Time

	acts     map[policy.Action]act
	outcomes *outcomes

	status   *recent[struct{}, seen]
	failures *recent[time.Duration, failed]
	crowd    *recent[struct{}, crowd]
	mails    *recent[struct{}, mailBooks]
}

// page answers for one of the pages.
type page struct {
	get, post func(*visit)
}

// New returns a console.
func New(cfg Config) (*Console, error) {
	if cfg.Source == nil {
		return nil, errors.New("a console needs something that it shows")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Console{cfg: cfg, streams: newStreams(), pace: usualPace}
	c.status = newRecent(cfg.Now, c.lookAtStatus)
	c.failures = newRecent(cfg.Now, c.lookAtFailures)
	c.crowd = newRecent(cfg.Now, c.lookAtCrowd)
	c.mails = newRecent(cfg.Now, c.lookAtMail)
	c.lives = map[string]func(*http.Request) (content, error){
		pageOverview: c.overview, pageLogin: c.login, pageFailures: c.failuresPage, pageIntegrations: c.integrations,
		pageDecisions: c.decisions, pagePeople: c.people, pageMail: c.mail,
	}
	c.pages = map[string]page{
		pageMailbox: {get: c.shown(c.mailbox)}, pageMessage: {get: c.shown(c.letter)},
		pageSettings: {get: c.shown(c.settings)}, pageLive: {get: c.live}, fileStyle: {get: style.serve}, fileScript: {get: script.serve},
	}
	for name, of := range c.lives {
		c.pages[name] = page{get: c.shown(of)}
	}
	c.pages[pageAct] = page{get: c.askAct, post: c.postAct}
	c.pages[pageDone] = page{get: c.done}
	c.acts, c.outcomes = c.listActs(), newOutcomes(cfg.Now)
	return c, nil
}

// forget has all be looked at anew: something was done.
func (c *Console) forget() {
	c.status.forget()
	c.failures.forget()
	c.crowd.forget()
	c.mails.forget()
}

// The pages, as they stand at the end of a path. They lead to each other by these names alone, so that a console works wherever it is.
const (
	pageOverview     = ""
	pageLogin        = "login"
	pageFailures     = "failures"
	pageIntegrations = "integrations"
	pageDecisions    = "decisions"
	pagePeople       = "people"
	pageMail         = "mail"
	pageMailbox      = "mailbox"
	pageMessage      = "message"
	pageSettings     = "settings"
	pageLive         = "live"
	pageAct          = "act"
	pageDone         = "done"
	fileScript       = "live.js"
	fileStyle        = "style.css"
)

// visit is one request of somebody who is signed in.
type visit struct {
	*signin.Visit
	w http.ResponseWriter
	r *http.Request
}

// ServeHTTP answers whoever has come through the gate of internal/signin, for a path below the console's own.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came, ok := signin.VisitOf(r.Context())
	if !ok {
		c.sayUnsigned()
		http.Error(w, "This page is for people who are signed in, and nobody can sign in here. Whoever runs this site finds more in its log.", http.StatusServiceUnavailable)
		return
	}
	v := &visit{came, w, r}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if asked := v.URL().EscapedPath(); name == pageOverview && !strings.HasSuffix(asked, "/") {
		v.Leave(w, "./"+asked[strings.LastIndex(asked, "/")+1:]+"/") // or the pages' names would be beside the console, not below it
		return
	}
	at, ok := c.pages[name]
	switch {
	case !ok:
		c.message(v, http.StatusNotFound, "No such page", "There is nothing here. Where the console does not stand at a site's root, it is put there with handle_path.")
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		at.get(v)
	case r.Method == http.MethodPost && at.post != nil:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		at.post(v)
	default:
		allow := "GET, HEAD"
		if at.post != nil {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		c.message(v, http.StatusMethodNotAllowed, "Not like this", "This page is not used in that way.")
	}
}

// maxForm is how much of a form is read, in bytes.
const maxForm = 16 << 10

// sayUnsigned logs that nobody comes in, once a minute: anybody can cause it.
func (c *Console) sayUnsigned() {
	c.unsigned.Lock()
	defer c.unsigned.Unlock()
	if now := c.cfg.Now(); c.told.IsZero() || now.Sub(c.told) >= time.Minute {
		c.told = now
		c.cfg.Log.Error("nobody comes to psa_console: no psa_signin stands before it on this path, so it is not known who comes")
	}
}
