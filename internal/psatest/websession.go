package psatest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The sessions that one user name may have at once, and how long an idle one lives: the vendor's figures.
const (
	desktopSessions = 3
	mobileSessions  = 1
	sessionIdle     = 8 * time.Hour
)

// sessionCookie carries a session. Its name is made up.
const sessionCookie = "ATSession"

// WebSession is a signed-in person's.
type WebSession struct {
	User    string // canonical
	Mobile  bool   // of a phone, or of the Outlook extension
	Started time.Time
	Last    time.Time
	No      int // 1 for the first that ever began

	web *Web
	key string
}

// WebSessions are those of a user that are alive, the oldest first.
func (s *Sim) WebSessions(user string) []WebSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	var alive []WebSession
	for _, session := range s.sessions {
		if session.User == canonical(user) && s.now().Sub(session.Last) < sessionIdle {
			alive = append(alive, *session)
		}
	}
	return alive
}

// begin gives the visitor a session, which ends another of the user's where there are too many.
func (v *visit) begin(user string, mobile bool) {
	s := v.sim
	s.mu.Lock()
	s.sessionNo++
	session := &WebSession{User: canonical(user), Mobile: mobile, Started: s.now(), Last: s.now(), No: s.sessionNo, web: v.Web, key: rand.Text()}
	s.crowd(session)
	s.sessions = append(s.sessions, session)
	s.mu.Unlock()
	host, secure := v.cookieHost()
	http.SetCookie(v.w, &http.Cookie{Name: sessionCookie, Value: session.key, Domain: host, Path: "/", HttpOnly: true, Secure: secure})
}

// crowd ends one of the user's sessions of the same kind, where there is no room for one more. Called with mu held.
func (s *Sim) crowd(next *WebSession) {
	most := desktopSessions
	if next.Mobile {
		most = mobileSessions
	}
	var alike []*WebSession
	for _, old := range s.sessions {
		if old.User == next.User && old.Mobile == next.Mobile && s.now().Sub(old.Last) < sessionIdle {
			alike = append(alike, old)
		}
	}
	if len(alike) < most {
		return
	}
	victim := alike[0]
	if s.behave.SessionEndsNewest {
		victim = alike[len(alike)-1]
	}
	s.sessions = slices.DeleteFunc(s.sessions, func(old *WebSession) bool { return old == victim })
}

// end signs the visitor out.
func (v *visit) end() {
	s := v.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(old *WebSession) bool { return old == v.session })
}

// onPhone tells by the User-Agent what the PSA takes for a phone: how the real one tells is not known.
func (v *visit) onPhone() bool {
	agent := v.r.UserAgent()
	return strings.Contains(agent, "Mobi") || strings.Contains(agent, "Outlook")
}

// WebVisit is one request that the web pages saw, as it came.
type WebVisit struct {
	At     time.Time
	Web    string // the zone's name; empty: the universal host
	Method string
	Host   string
	URI    string
	Header http.Header
	User   string // who is signed in; empty: nobody
}

// WebVisits are all requests of people that any host saw, in the order of their coming.
func (s *Sim) WebVisits() []WebVisit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.visits)
}

// visited writes a request down and finds its session.
func (s *Sim) visited(v *visit) *WebSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := WebVisit{At: s.now(), Web: v.name(), Method: v.r.Method, Host: v.r.Host, URI: v.r.URL.RequestURI(), Header: v.r.Header.Clone()}
	defer func() { s.visits = append(s.visits, seen) }()
	for _, cookie := range v.r.CookiesNamed(sessionCookie) {
		for _, session := range s.sessions {
			if session.key == cookie.Value && session.web == v.Web && s.now().Sub(session.Last) < sessionIdle {
				session.Last = s.now()
				seen.User = session.User
				return session
			}
		}
	}
	return nil
}
