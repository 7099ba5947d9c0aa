package identity

import (
	"net/netip"
	"testing"
	"time"
)

func networks(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestAnIntegrationCallsFromItsNetworksAlone(t *testing.T) {
	key := newKey(t)
	for name, test := range map[string]struct {
		from    []netip.Prefix
		address string // empty: not known
		want    error
	}{
		"no networks are any":                           {nil, "203.0.113.9", nil},
		"no networks, and an address that is not known": {nil, "", nil},
		"inside":                                {networks("192.0.2.0/24"), "192.0.2.255", nil},
		"outside":                               {networks("192.0.2.0/24"), "192.0.3.0", ErrWrongNetwork},
		"in the second":                         {networks("192.0.2.0/24", "2001:db8::/32"), "2001:db8:1::1", nil},
		"not known":                             {networks("0.0.0.0/0", "::/0"), "", ErrWrongNetwork},
		"IPv4 mapped to IPv6":                   {networks("192.0.2.0/24"), "::ffff:192.0.2.7", nil},
		"a network mapped to IPv6":              {networks("::ffff:192.0.2.0/120"), "192.0.2.7", nil},
		"a network mapped to IPv6, and outside": {networks("::ffff:192.0.2.0/120"), "192.0.3.7", ErrWrongNetwork},
		"a network mapped to IPv6, and a mapped address": {networks("::ffff:192.0.2.0/120"), "::ffff:192.0.2.7", nil},
		"all of IPv6 is not IPv4":                        {networks("::/0"), "192.0.2.7", ErrWrongNetwork},
		"a link-local address by an interface":           {networks("fe80::/10"), "fe80::1%eth0", nil},
		"one address":                                    {networks("192.0.2.7/32"), "192.0.2.7", nil},
		"a network with more bits set than it has":       {networks("192.0.2.7/24"), "192.0.2.9", nil},
	} {
		book := mustBook(t, Integration{Name: "a", Keys: []Hash{key.Hash()}, From: test.from})
		address := netip.Addr{}
		if test.address != "" {
			address = netip.MustParseAddr(test.address)
		}
		caller, err := book.Identify(FromRequest(request("Secret: "+key.Reveal()), "UserName", "Secret"), address, noon)
		if err != test.want || (err == nil) != (caller.Integration != nil) || caller.KeyID != key.Hash().ID() {
			t.Errorf("%s: %+v, %v, want %v", name, caller, err, test.want)
		}
	}
}

func TestANetworkIdentifiesNobody(t *testing.T) {
	book := mustBook(t, Integration{Name: "a", From: networks("192.0.2.0/24")})
	if caller, err := book.Identify(FromRequest(request("UserName: a"), "UserName", "Secret"), netip.MustParseAddr("192.0.2.7"), noon); err != ErrNoCredentials || caller.Integration != nil {
		t.Errorf("%+v, %v", caller, err)
	}
}

func TestAGoodProofMayStillBeRefused(t *testing.T) {
	key := newKey(t)
	here, away := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("203.0.113.9")
	for name, test := range map[string]struct {
		integration Integration
		address     netip.Addr
		want        error
	}{
		"a moment before its end":                    {Integration{Expires: noon.Add(1)}, here, nil},
		"at its end":                                 {Integration{Expires: noon}, here, ErrExpired},
		"long after its end":                         {Integration{Expires: noon.Add(-24 * time.Hour)}, here, ErrExpired},
		"disabled":                                   {Integration{Disabled: true, DisabledReason: "moved"}, here, ErrDisabled},
		"a reason alone disables nobody":             {Integration{DisabledReason: "moved"}, here, nil},
		"disabled, from elsewhere":                   {Integration{Disabled: true, From: networks("192.0.2.0/24")}, away, ErrWrongNetwork},
		"disabled, and over":                         {Integration{Disabled: true, Expires: noon}, here, ErrExpired},
		"over, from elsewhere":                       {Integration{Expires: noon, From: networks("192.0.2.0/24")}, away, ErrWrongNetwork},
		"disabled, over soon, from where it may":     {Integration{Disabled: true, Expires: noon.Add(1), From: networks("192.0.2.0/24")}, here, ErrDisabled},
		"not disabled, over soon, from where it may": {Integration{Expires: noon.Add(1), From: networks("192.0.2.0/24")}, here, nil},
	} {
		test.integration.Name, test.integration.Keys, test.integration.Certs = "a", []Hash{key.Hash()}, []string{"a.example.com"}
		book := mustBook(t, test.integration)
		byKey := FromRequest(request("Secret: "+key.Reveal()), "UserName", "Secret")
		byCert := FromRequest(request(), "UserName", "Secret")
		byCert.AddTLS(verifiedBy(certified(t, forHosts("a.example.com"))))
		for proof, p := range map[string]Presented{"key": byKey, "certificate": byCert} {
			caller, err := book.Identify(p, test.address, noon)
			if err != test.want || (err == nil) != (caller.Integration != nil) {
				t.Errorf("%s, by %s: %+v, %v, want %v", name, proof, caller, err, test.want)
			}
			if err != nil && (caller.Refused == nil || caller.Refused.Name != "a" || caller.KeyID == "") {
				t.Errorf("%s, by %s: the log does not hear who: %+v", name, proof, caller)
			}
		}
	}
}
