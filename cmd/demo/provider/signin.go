package provider

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// grant is what a code is good for, once.
type grant struct {
	person                     Person
	nonce, challenge, redirect string
	ends                       time.Time
}

// codeLasts is for how long a code is good.
const codeLasts = time.Minute

// authorize shows the page on which whoever comes picks a person, and sends the browser back once that is done (OpenID Connect Core
// 1.0, section 3.1.2). What names another client or place is sent nowhere.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.client.ID || q.Get("redirect_uri") != p.client.Callback {
		render(w, http.StatusBadRequest, "said", said{"Nobody is signed in", "The program that has sent you here is not the one that this provider knows, or wants you sent to another place."})
		return
	}
	if wrong := wrongWith(q); wrong != "" {
		p.back(w, r, q, url.Values{"error": {wrong}})
		return
	}
	if !q.Has("person") {
		render(w, http.StatusOK, "people", p.choices(q))
		return
	}
	i := slices.IndexFunc(p.people, func(known Person) bool { return known.Subject == q.Get("person") })
	if i < 0 {
		render(w, http.StatusBadRequest, "said", said{"Nobody is signed in", "There is no such person here."})
		return
	}
	p.back(w, r, q, url.Values{"code": {p.grant(p.people[i], q)}})
}

// wrongWith is the error of a request to sign somebody in; empty: there is none.
func wrongWith(q url.Values) string {
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(q.Get("code_challenge"))
	switch {
	case q.Get("response_type") != "code":
		return "unsupported_response_type"
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return "invalid_scope"
	case q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != 32: // RFC 7636, section 4.3
		return "invalid_request"
	case q.Get("prompt") == "none": // nobody is ever signed in here
		return "login_required"
	}
	return ""
}

// back sends the browser back to the client, and says who does (RFC 9207).
func (p *Provider) back(w http.ResponseWriter, r *http.Request, asked, answer url.Values) {
	answer.Set("iss", p.issuer)
	if asked.Has("state") {
		answer.Set("state", asked.Get("state"))
	}
	http.Redirect(w, r, p.client.Callback+"?"+answer.Encode(), http.StatusSeeOther)
}

// grant makes a code, and forgets those whose time is over.
func (p *Provider) grant(person Person, q url.Values) string {
	now, code := p.now(), rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, g := range p.codes {
		if !now.Before(g.ends) {
			delete(p.codes, old)
		}
	}
	p.codes[code] = grant{person, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), now.Add(codeLasts)}
	return code
}

// choice is a person on the page, with the link that signs in.
type choice struct {
	Person
	To string
}

func (p *Provider) choices(q url.Values) (all []choice) {
	for _, person := range p.people {
		q.Set("person", person.Subject)
		all = append(all, choice{person, pathAuthorize + "?" + q.Encode()})
	}
	return all
}

// end is where people are signed out of the provider, which they never were signed in to (OpenID Connect RP-Initiated Logout 1.0).
func (p *Provider) end(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("post_logout_redirect_uri") != p.client.SignedOut {
		render(w, http.StatusOK, "said", said{"You are signed out", "This provider remembers nobody."})
		return
	}
	to := p.client.SignedOut
	if q.Has("state") {
		to += "?" + url.Values{"state": {q.Get("state")}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
