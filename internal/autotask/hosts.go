package autotask

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HostRule says which hosts a credential may go to: the dialect's own, webservices.autotask.net and
// webservices<N>.autotask.net and their twins under .com, on the HTTPS port, for every N, since new zones appear; and
// what the operator names. The zero value is the dialect's hosts alone.
type HostRule struct {
	extra    []hostPort
	insecure bool
}

// hostPort is a host of the operator's; an empty port is any.
type hostPort struct{ host, port string }

// NewHostRule adds the operator's hosts, each "host" (any port) or "host:port", to the dialect's. With insecureHTTP
// plain HTTP is allowed to those of them that are loopback.
func NewHostRule(extra []string, insecureHTTP bool) (HostRule, error) {
	rule := HostRule{insecure: insecureHTTP}
	for _, entry := range extra {
		named, err := parseHostPort(entry)
		if err != nil {
			return HostRule{}, fmt.Errorf("host %q: %w", entry, err)
		}
		rule.extra = append(rule.extra, named)
	}
	return rule, nil
}

// parseHostPort reads a host name, an IPv4 address or an IPv6 address (bracketed where a port follows).
func parseHostPort(entry string) (hostPort, error) {
	bare := entry
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		bare = entry[1 : len(entry)-1]
	}
	if addr, err := netip.ParseAddr(bare); err == nil && addr.Zone() == "" {
		return hostPort{host: addr.String()}, nil
	}
	u, err := url.Parse("//" + entry)
	if err != nil || u.Host != entry || u.User != nil {
		return hostPort{}, errors.New("give a host name or address, with or without a port, and nothing else")
	}
	named := hostPort{host: cleanHost(u.Hostname()), port: u.Port()}
	if err := checkHost(named.host); err != nil {
		return hostPort{}, err
	}
	if strings.HasSuffix(entry, ":") || named.port != "" && !validPort(named.port) {
		return hostPort{}, errors.New("the port must be a number from 1 to 65535")
	}
	return named, nil
}

// cleanHost returns the one spelling under which a host is compared.
func cleanHost(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String()
	}
	return lower(host)
}

func checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return errors.New("an address with a zone is not taken; name the host")
		}
		return nil
	}
	if len(host) == 0 || len(host) > 253 || slices.Contains(strings.Split(host, "."), "") {
		return errors.New("the host is no host name")
	}
	for i := range len(host) {
		if c := host[i]; c != '.' && c != '-' && c != '_' && !alphanumeric(c) {
			return errors.New("the host is no host name; write international names in their xn-- form")
		}
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// Check says whether a request with a credential may go to the URL's scheme, host and port. Its error names the host
// alone: a URL can hold secrets.
func (r HostRule) Check(u *url.URL) error {
	host, port := cleanHost(u.Hostname()), portOf(u)
	if err := checkHost(host); err != nil {
		return err
	}
	if u.User != nil {
		return fmt.Errorf("host %q: a user name or password in the URL is not taken; put it in the secret store", host)
	}
	if !validPort(port) || strings.HasSuffix(u.Host, ":") {
		return fmt.Errorf("host %q: the scheme must be https and the port a number from 1 to 65535", host)
	}
	if !r.Named(host, port) && (!dialectHost(host) || port != "443") {
		return fmt.Errorf("host %q, port %s: not a host of the PSA's; name it under hosts if credentials may go there", host, port)
	}
	if lower(u.Scheme) == "http" && !(r.insecure && loopback(host) && r.Named(host, port)) {
		return fmt.Errorf("host %q: plain HTTP would show the credential; use https (insecure_http allows it to loopback hosts that hosts names)", host)
	}
	return nil
}

// WebURL returns the URL at which people sign in, as a zone lookup told it, or nothing where it leads to a host that is
// neither below the PSA's domains nor named by the operator: people would follow it with their passwords. Nor where it has what no
// URL has (RFC 3986): a page or a header that it is put into could be read otherwise.
func (r HostRule) WebURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, notOfURLs) || u.Opaque != "" || checkHost(cleanHost(u.Hostname())) != nil || u.User != nil {
		return ""
	}
	host := cleanHost(u.Hostname())
	ours := strings.HasSuffix(host, ".autotask.net") || strings.HasSuffix(host, ".autotask.com")
	if r.Check(u) == nil || ours && lower(u.Scheme) == "https" && portOf(u) == "443" {
		return u.String()
	}
	return ""
}

// notOfURLs are the characters that RFC 3986 allows nowhere in a URL.
func notOfURLs(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", c) }

// Named says whether the operator named this host and port. Only then may the connection go to a private address.
func (r HostRule) Named(host, port string) bool {
	host = cleanHost(host)
	for _, named := range r.extra {
		if named.host == host && (named.port == "" || named.port == port) {
			return true
		}
	}
	return false
}

// dialectHost says whether a host, in lower case, is one of the PSA's own: the zone number is un-padded.
func dialectHost(host string) bool {
	name, domain, _ := strings.Cut(host, ".")
	zone, found := strings.CutPrefix(name, "webservices")
	if !found || domain != "autotask.net" && domain != "autotask.com" {
		return false
	}
	return zone == "" || len(zone) <= 4 && zone[0] != '0' && strings.Trim(zone, "0123456789") == ""
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// portOf returns the port of a URL, its scheme's where it names none; empty for a scheme that is not HTTP's.
func portOf(u *url.URL) string {
	scheme, port := lower(u.Scheme), u.Port()
	switch {
	case scheme != "http" && scheme != "https":
		return ""
	case port != "":
		return port
	case scheme == "http":
		return "80"
	}
	return "443"
}
