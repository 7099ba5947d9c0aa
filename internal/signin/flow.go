package signin

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/issuer"
)

const (
	// flowLasts is for how long a person may be at the provider's.
	flowLasts = 10 * time.Minute
	// maxFlows is how many sign-ins one browser may have under way; the oldest ones make room.
	maxFlows = 4
)

// flow is one sign-in under way, as its browser holds it.
type flow struct {
	// Issuer and URL are the provider's name and what it calls itself.
	Issuer   string    `json:"i"`
	URL      string    `json:"u"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Return   string    `json:"r"`
	Ends     time.Time `json:"t"`
}

func (f flow) at(o origin) issuer.Flow {
	return issuer.Flow{Redirect: o.callback(f.Issuer), State: f.State, Nonce: f.Nonce, Verifier: f.Verifier}
}

// flowName is the name of the cookie of a state's flow.
func flowName(state string) string { return flowCookie + stateID(state) }

// stateID names a state without telling it.
func stateID(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// keepFlow has the browser hold a new flow, and forget those that are over or too many.
func (s *Site) keepFlow(w http.ResponseWriter, r *http.Request, o origin, f flow) error {
	sealed, err := s.sealFlow(f)
	if err != nil {
		return err
	}
	type held struct {
		name string
		ends time.Time
	}
	var all []held
	for _, c := range r.Cookies() {
		name, ours := strings.CutPrefix(c.Name, o.cookieName(""))
		if !ours || !strings.HasPrefix(name, flowCookie) {
			continue
		}
		old, ok := s.openFlow(name, c.Value)
		if !ok {
			old.Ends = time.Time{}
		}
		all = append(all, held{name, old.Ends})
	}
	slices.SortFunc(all, func(a, b held) int { return cmp.Or(a.ends.Compare(b.ends), cmp.Compare(a.name, b.name)) })
	for i, h := range all {
		if h.ends.IsZero() || i < len(all)-(maxFlows-1) {
			o.setCookie(w, h.name, "", -1)
		}
	}
	name := flowName(f.State)
	o.setCookie(w, name, sealed, int(flowLasts/time.Second))
	return nil
}

// maxFlow is how long what a browser holds of a flow may be, in bytes: with its name and attributes it stays below the 4,096 beyond
// which browsers keep no cookie (RFC 6265, section 6.1), so that the sign-in would lapse each time.
const maxFlow = 3800

// sealFlow is a flow as its browser holds it. Where the way back makes it too long it leads to the front page.
func (s *Site) sealFlow(f flow) (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	sealed := s.sealing.seal(flowName(f.State), text)
	if len(sealed) > maxFlow && f.Return != "/" {
		f.Return = "/"
		return s.sealFlow(f)
	}
	return sealed, nil
}

// flowOf returns the flow that an answer with a state belongs to, and has the browser forget it.
func (s *Site) flowOf(w http.ResponseWriter, r *http.Request, o origin, state string) (flow, bool) {
	if state == "" {
		return flow{}, false
	}
	name := flowName(state)
	cookies := r.CookiesNamed(o.cookieName(name))
	if len(cookies) == 0 {
		return flow{}, false
	}
	o.setCookie(w, name, "", -1)
	f, ok := s.openFlow(name, cookies[0].Value)
	return f, ok && f.State == state
}

// openFlow reads the flow that a cookie holds, if it is one of ours whose time is not over.
func (s *Site) openFlow(name, text string) (flow, bool) {
	plain, err := s.sealing.open(name, text)
	if err != nil {
		return flow{}, false
	}
	var f flow
	if err := json.Unmarshal(plain, &f); err != nil || !s.cfg.Now().Before(f.Ends) {
		return flow{}, false
	}
	return f, true
}
