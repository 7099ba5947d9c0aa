package identity

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
)

const (
	// maxCredential is the length in bytes beyond which a presented value is not looked into: no key is that long.
	maxCredential = 4096
	// maxUsers bounds the user names that are kept of one call.
	maxUsers = 4
	// maxUser is the length in bytes beyond which a user name is not kept: it is only for the log.
	maxUser = 256
)

// Presented is what one call carries to prove who it comes from.
type Presented struct {
	// Users are the user names beside the key, each once.
	Users []string

	hash   Hash
	hasKey bool
	err    error // ErrNoCredentials, ErrNotAKey, ErrMistyped or ErrConflict; nil: hash is the one key's
	cert   certificate
	token  string // the JWT; of several that differ, the first
	tokens bool   // there are several
	proof  *proof // what became of the JWT; nil: nobody was asked
	brings string // the PSA user of the credential that the call brings itself; empty: none
}

// FromRequest collects what a call presents: every value of secretHeader, every HTTP Basic password and every Bearer
// token, with the names in userHeader and beside the passwords. An empty header name is not looked for.
//
// The same key in several places is one key: clients send Basic next to the headers. Beside a key, what is no key
// does not count; two keys that differ, one of them mistyped or not, are a conflict.
func FromRequest(h http.Header, userHeader, secretHeader string) Presented {
	p := Presented{err: ErrNoCredentials}
	for _, user := range h.Values(userHeader) {
		p.addUser(user)
	}
	for _, value := range h.Values(secretHeader) {
		p.add(value)
	}
	for _, value := range h.Values("Authorization") {
		p.addAuthorization(value)
	}
	return p
}

// AddTLS adds the client certificate of the call's connection; nil for one without TLS. Only a certificate that the
// server has verified is proof of anything.
func (p *Presented) AddTLS(state *tls.ConnectionState) { p.cert = certificateOf(state) }

// keyID is the id of the key presented; empty where there is not exactly one.
func (p *Presented) keyID() string {
	if p.err != nil || !p.hasKey {
		return ""
	}
	return p.hash.ID()
}

func (p *Presented) addAuthorization(value string) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	rest = strings.TrimSpace(rest)
	if strings.EqualFold(scheme, "Bearer") {
		if looksLikeJWT(rest) {
			p.addToken(rest)
			return
		}
		p.add(rest)
		return
	}
	user, password, ok := "", "", false
	if strings.EqualFold(scheme, "Basic") && len(rest) <= maxCredential {
		pair, err := base64.StdEncoding.DecodeString(rest)
		user, password, ok = strings.Cut(string(pair), ":")
		ok = ok && err == nil
	}
	if !ok {
		p.addForeign()
		return
	}
	p.addUser(user)
	p.add(password)
}

func (p *Presented) addUser(user string) {
	if user != "" && len(user) <= maxUser && len(p.Users) < maxUsers && !slices.Contains(p.Users, user) {
		p.Users = append(p.Users, user)
	}
}

// add takes one value into account.
func (p *Presented) add(value string) {
	if value == "" {
		return
	}
	if len(value) > maxCredential {
		value = value[:len(prefix)] // enough to say whether it begins as a key does, and too short to be one
	}
	switch key, err := ParseKey(value); {
	case errors.Is(err, ErrNotAKey):
		p.addForeign()
	case errors.Is(err, ErrMistyped):
		p.addMistyped()
	default:
		p.addKey(key.Hash())
	}
}

// addForeign takes note of something that is no key of ours.
func (p *Presented) addForeign() {
	if p.err == ErrNoCredentials {
		p.err = ErrNotAKey
	}
}

func (p *Presented) addMistyped() {
	if p.hasKey {
		p.err = ErrConflict
	} else if p.err != ErrConflict {
		p.err = ErrMistyped
	}
}

func (p *Presented) addKey(hash Hash) {
	if p.err == ErrMistyped || p.hasKey && p.hash != hash {
		p.err = ErrConflict
	} else if p.err != ErrConflict {
		p.err = nil
	}
	p.hash, p.hasKey = hash, true
}
