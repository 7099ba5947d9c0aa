package caddymodule

import (
	"fmt"
	"maps"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/identity"
)

// identity returns what the engine needs to know of the integration. The config has been checked.
func (i *Integration) identity(name string) (call.Integration, error) {
	out := call.Integration{Integration: identity.Integration{
		Name: name, Owner: i.Owner, Login: i.Login, Certs: i.ClientCerts, Impersonate: i.Impersonate, Groups: i.Groups,
		Disabled: i.Disabled, DisabledReason: i.DisabledReason,
	}}
	out.Limits = i.limits()
	for _, j := range i.JWTs {
		out.JWTs = append(out.JWTs, identity.JWT(j))
	}
	if i.KeyFrom != nil {
		out.KeyFrom = call.Ref{Store: i.KeyFrom.Store, Path: i.KeyFrom.Path}
	}
	for _, text := range i.Keys {
		hash, err := parseKeyHash(text)
		if err != nil {
			return out, err
		}
		out.Keys = append(out.Keys, hash)
	}
	for _, user := range i.PassThrough {
		if out.PassThrough == nil {
			out.PassThrough = make(map[string]string)
		}
		out.PassThrough[autotask.CanonicalUser(user)] = user
	}
	var err error
	if out.From, err = parseNetworks(i.From); err != nil {
		return out, err
	}
	if i.Expires != "" {
		out.Expires, err = parseExpires(i.Expires)
	}
	return out, err
}

// privateRanges is Caddy's word for the networks of RFC 1918, RFC 4193 and loopback.
const privateRanges = "private_ranges"

// parseNetworks reads CIDRs, single addresses and Caddy's private_ranges.
func parseNetworks(texts []string) (networks []netip.Prefix, err error) {
	return networksOf("from", texts)
}

// networksOf reads the networks that a word takes.
func networksOf(word string, texts []string) (networks []netip.Prefix, err error) {
	for _, text := range texts {
		if text == privateRanges {
			networks = append(networks, privateNetworks()...)
			continue
		}
		network, err := caddyhttp.CIDRExpressionToPrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s takes networks, such as 192.0.2.0/24, 2001:db8::/32, 192.0.2.7 or %s", word, privateRanges)
		}
		if network != network.Masked() {
			return nil, fmt.Errorf("%s: %s has bits beyond its length; write %s, or the address alone", word, network, network.Masked())
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func privateNetworks() (networks []netip.Prefix) {
	for _, text := range caddyhttp.PrivateRangesCIDR() {
		if network, err := caddyhttp.CIDRExpressionToPrefix(text); err == nil {
			networks = append(networks, network.Masked())
		}
	}
	return networks
}

// certName returns what tells the name of a client certificate from others.
func certName(text string) (string, error) {
	name, err := identity.CertName(text)
	if err != nil {
		return "", fmt.Errorf("client_cert: %q %w", shown(text), err)
	}
	return name, nil
}

// parseExpires returns the first moment at which an integration may not call any more.
func parseExpires(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("expires takes the last day, such as 2027-03-31, or an instant, such as 2027-03-31T18:00:00Z")
	}
	return instant, nil
}

func (a *App) checkIntegration(name string, i *Integration) error {
	path := "integration " + name
	if err := checkName(name); err != nil {
		return faultAt(path, "%w", err)
	}
	if i != nil && len(i.PassThrough) > 0 && len(i.From) == 0 && len(i.ClientCerts) == 0 {
		return faultAt(path+" passthrough", "passthrough needs `from` or `client_cert`: by what else would it be told who calls?")
	}
	if i == nil || len(i.Keys) == 0 && len(i.ClientCerts) == 0 && len(i.JWTs) == 0 && i.KeyFrom == nil && len(i.PassThrough) == 0 {
		return faultAt(path, "the line `key <hash>` is missing; `psagate key new %s` prints it (key_from, client_cert and jwt are the other ways to tell who calls)", name)
	}
	if err := a.checkIntegrationWords(path, i); err != nil {
		return err
	}
	return a.checkLoginOf(path, i)
}

// checkIntegrationWords looks at the words of one integration, each by itself.
func (a *App) checkIntegrationWords(path string, i *Integration) error {
	seen := map[string]bool{}
	for _, user := range i.PassThrough {
		canonical := autotask.CanonicalUser(user)
		switch {
		case canonical == "":
			return faultAt(path+" passthrough", "a user name is empty")
		case seen[canonical]:
			return faultAt(path+" passthrough", "passthrough names the user %q twice", shown(user))
		}
		seen[canonical] = true
	}
	if i.Owner != "" {
		if address, err := mail.ParseAddress(i.Owner); err != nil || address.Address != i.Owner {
			return faultAt(path+" owner", "owner takes a mail address, such as jane@example.com")
		}
	}
	if i.KeyFrom != nil {
		if err := a.checkRef(path+" key_from", i.KeyFrom); err != nil {
			return err
		}
	}
	for n, group := range i.Groups {
		if err := checkName(group); err != nil {
			return faultAt(path+" groups", "%w", err)
		}
		if slices.Contains(i.Groups[:n], group) {
			return faultAt(path+" groups", "groups names %q twice", group)
		}
	}
	if err := i.checkLimits(path); err != nil {
		return err
	}
	if _, err := parseNetworks(i.From); err != nil {
		return faultAt(path+" from", "%w", err)
	}
	if i.Expires != "" {
		if _, err := parseExpires(i.Expires); err != nil {
			return faultAt(path+" expires", "%w", err)
		}
	}
	if i.DisabledReason != "" && !i.Disabled {
		return faultAt(path+" disabled", "there is a reason for being disabled, and it is not disabled")
	}
	return nil
}

func (a *App) checkLoginOf(path string, i *Integration) error {
	if i.Login == "" {
		if len(a.Logins) != 1 {
			return faultAt(path, "which login? Write `login <name>`, with the name of a login or pool: only where there is one login is it the default; %s", a.definedWays())
		}
		return nil
	}
	_, login := a.Logins[i.Login]
	_, pool := a.Pools[i.Login]
	switch {
	case !login && !pool:
		return faultAt(path+" login", "there is no login or pool of that name; %s", a.definedWays())
	case pool && len(i.PassThrough) > 0:
		return faultAt(path+" login", "passthrough needs a login, whose zone and limits hold for its users; this is a pool: name one of its logins")
	}
	return nil
}

// definedWays says which logins and pools there are.
func (a *App) definedWays() string {
	if len(a.Pools) == 0 {
		return defined(a.Logins)
	}
	return defined(a.Logins) + "; pools: " + strings.Join(slices.Sorted(maps.Keys(a.Pools)), ", ")
}
