package identity

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// MayBring reports whether AddUser would count: the call shows what is no key, and no key.
func (p *Presented) MayBring() bool { return p.err == ErrNotAKey }

// AddUser adds the canonical PSA user name of a credential that the call brings itself, where it brings a whole one. It
// counts only where the call shows no key.
func (p *Presented) AddUser(canonical string) { p.brings = canonical }

// byOwn returns the integration whose caller brings a credential of his own: one that lists the PSA user, named by the
// client certificate or, where it names no certificates, by the address. nil where there is none.
func (b *Book) byOwn(p Presented, byCert *Integration, address netip.Addr) *Integration {
	if p.brings == "" || p.err != ErrNotAKey || p.proof != nil { // a JWT that was looked at says who calls
		return nil
	}
	if byCert != nil {
		if _, listed := byCert.PassThrough[p.brings]; listed {
			return byCert
		}
		return nil
	}
	for _, i := range b.byUser[p.brings] {
		if len(i.Certs) == 0 && within(address, i.From) {
			return i
		}
	}
	return nil
}

// addUsers enters an integration under the PSA users that its callers bring credentials of. Two that one call could both
// be are an error: the call would be charged to, and its answers reported of, one of them by chance.
func (b *Book) addUsers(i *Integration) error {
	if len(i.PassThrough) > 0 && len(i.From) == 0 && len(i.Certs) == 0 {
		return fmt.Errorf("integration %q: passthrough needs `from` or `client_cert`: by what else would it be told who calls?", i.Name)
	}
	for _, user := range slices.Sorted(maps.Keys(i.PassThrough)) {
		for _, other := range b.byUser[user] {
			if i.Mistakable(other) {
				return fmt.Errorf("integrations %q and %q both have passthrough %q and may call from the same address: give each its own networks, or a client_cert", other.Name, i.Name, user)
			}
		}
		b.byUser[user] = append(b.byUser[user], i)
	}
	return nil
}

// Mistakable reports whether a call with a credential of its own could be either integration's: both are told by the address
// alone, and by one that both may call from.
func (i *Integration) Mistakable(o *Integration) bool {
	return len(i.Certs) == 0 && len(o.Certs) == 0 && overlap(i.From, o.From)
}

// overlap reports whether an address lies in a network of both lists.
func overlap(a, b []netip.Prefix) bool {
	return slices.ContainsFunc(a, func(n netip.Prefix) bool {
		n = plain(n)
		return slices.ContainsFunc(b, func(m netip.Prefix) bool { return n.Overlaps(plain(m)) })
	})
}

// plain is a network of IPv4 addresses as itself, however it is written.
func plain(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n
}

// Alone reports whether the integration's proof for callers with their own credentials is one program's: a client
// certificate, or one address.
func (i *Integration) Alone() bool {
	if len(i.Certs) > 0 {
		return true
	}
	return len(i.From) == 1 && i.From[0].IsSingleIP()
}
