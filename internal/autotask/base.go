package autotask

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Base is where one zone's interfaces are: scheme, host and port. Two bases that mean the same place are ==. The zero
// value is no place.
type Base struct {
	scheme string
	host   string
}

// ParseBase reads a base URL as records, discovery and people write it: with or without /ATServicesRest in any case,
// with or without slashes at the end. A host that the rule does not allow is an error, as is anything else in the URL.
func ParseBase(s string, rule HostRule) (Base, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxPath || u.Opaque != "" {
		// url.Parse's error repeats the URL, which may hold a password.
		return Base{}, errors.New("the base URL is none; write https://host/ATServicesRest/")
	}
	if strings.ContainsAny(s, "?#") {
		return Base{}, errors.New("the base URL has a query string or a fragment; leave it out")
	}
	if path := strings.Trim(u.Path, "/"); path != "" && !is(path, restRoot[1:]) || u.RawPath != "" {
		return Base{}, errors.New("the base URL's path must be /ATServicesRest/ or nothing")
	}
	if err := rule.Check(u); err != nil {
		return Base{}, fmt.Errorf("base URL: %w", err)
	}
	return Base{scheme: lower(u.Scheme), host: joinHost(u)}, nil
}

// joinHost returns the URL's host in its one spelling, with the port where it is not the scheme's own.
func joinHost(u *url.URL) string {
	host, port := cleanHost(u.Hostname()), portOf(u)
	if lower(u.Scheme) == "https" && port == "443" || lower(u.Scheme) == "http" && port == "80" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// Host returns the host, with the port where it is not the scheme's own: what goes into a Host header.
func (b Base) Host() string { return b.host }

// IsZero says whether the base is no place.
func (b Base) IsZero() bool { return b == Base{} }

// String returns the base URL as the PSA writes it, with /ATServicesRest/; empty for no place.
func (b Base) String() string {
	if b.IsZero() {
		return ""
	}
	return b.scheme + "://" + b.host + restRoot + "/"
}

// URL returns the URL of an operation in this zone. The query string goes along verbatim; CheckQuery must have passed it.
func (b Base) URL(op Operation, rawQuery string) *url.URL {
	return &url.URL{Scheme: b.scheme, Host: b.host, Path: op.Path(), RawQuery: rawQuery}
}

// HostKey returns the host's part of what makes two logins the same: "autotask" for every host of the dialect, since a
// PSA user is the same user in every zone and on every port; any other host is itself, with its port.
func (b Base) HostKey() string {
	u := url.URL{Scheme: b.scheme, Host: b.host}
	if dialectHost(u.Hostname()) {
		return "autotask"
	}
	return net.JoinHostPort(u.Hostname(), portOf(&u))
}
