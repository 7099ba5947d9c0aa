package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// keys are those of the fingerprints.
type keys struct{ current, former []byte }

// UseKeys makes fingerprints comparable with those that were made with the same key before, in this process or in another.
// former is the key that current has replaced, or nil. It must be called before the first fingerprint is made.
func (g *Guard) UseKeys(current, former []byte) { g.keys.Store(&keys{current, former}) }

// Fingerprint returns the fingerprint of a credential's content.
func (g *Guard) Fingerprint(userName, secret, integrationCode string) Fingerprint {
	return fingerprint(g.keys.Load().current, userName, secret, integrationCode)
}

// FormerFingerprint returns what Fingerprint was before the key was replaced; zero where it was not.
func (g *Guard) FormerFingerprint(userName, secret, integrationCode string) Fingerprint {
	former := g.keys.Load().former
	if former == nil {
		return Fingerprint{}
	}
	return fingerprint(former, userName, secret, integrationCode)
}

func fingerprint(key []byte, parts ...string) Fingerprint {
	h := hmac.New(sha256.New, key)
	for _, s := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return Fingerprint(h.Sum(nil)[:len(Fingerprint{})])
}

// Rename says that a credential has a new fingerprint: the key of the fingerprints was replaced.
func (l *Login) Rename(former, now Fingerprint) error {
	if former.IsZero() {
		return nil
	}
	return l.change(func(r *Rows, _ time.Time) { r.rename(former, now) })
}

func (r *Rows) rename(former, now Fingerprint) {
	c := r.find(former)
	if c == nil || r.find(now) != nil {
		return
	}
	c.Fingerprint = now
	for _, fp := range [...]*Fingerprint{&r.Newest, &r.Last} {
		if *fp == former {
			*fp = now
		}
	}
	for i := range r.Units {
		if r.Units[i].Credential == former {
			r.Units[i].Credential = now
		}
	}
}
