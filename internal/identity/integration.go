package identity

import (
	"net/netip"
	"time"
)

// Integration is a program that calls the PSA through psagate.
type Integration struct {
	// Name is its name in the config.
	Name string
	// Owner is the mail address of who answers for it; may be empty.
	Owner string
	// Login names the login that its calls use.
	Login string
	// Keys are the hashes of its keys: several while one is being replaced.
	Keys []Hash
	// From are the networks that it may call from; empty: any.
	From []netip.Prefix
	// Certs name the client certificates that are proof of it: a SAN (DNS name, URI, mail address or IP address), or the
	// subject as RFC 2253 text.
	Certs []string
	// JWTs are what tokens must say to be proof of it.
	JWTs []JWT
	// Expires is the first moment at which it is refused; zero: never.
	Expires time.Time
	// Disabled: it is told so, whatever it calls. DisabledReason is the operator's word on it, which the caller reads; may be empty.
	Disabled       bool
	DisabledReason string
	// PassThrough are the PSA users whose credentials its callers may bring themselves: by the canonical name, as the operator spells
	// it.
	PassThrough map[string]string
	// Impersonate: it may send ImpersonationResourceId.
	Impersonate bool
	// Groups are the groups that it is in, for policies.
	Groups []string
}

// refusal says why a call is refused whose proof is good. Who is in the wrong place or too late does not hear that the
// proof is good, so these come first.
func (i *Integration) refusal(address netip.Addr, now time.Time) error {
	switch {
	case len(i.From) > 0 && !within(address, i.From):
		return ErrWrongNetwork
	case !i.Expires.IsZero() && !now.Before(i.Expires):
		return ErrExpired
	case i.Disabled:
		return ErrDisabled
	}
	return nil
}

// within reports whether an address lies in one of the networks. An IPv4 address counts as itself however it is written,
// and in the networks too; the zone of an address does not count; the zero Addr lies nowhere.
func within(address netip.Addr, networks []netip.Prefix) bool {
	address = address.Unmap().WithZone("")
	for _, n := range networks {
		if plain(n).Contains(address) {
			return true
		}
	}
	return false
}
