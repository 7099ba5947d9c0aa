package caddymodule

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
)

// checkHosts says what is wrong with where a login's credential may go.
func (l *Login) checkHosts(path string) error {
	named := make([]string, 0, len(l.Hosts)+2)
	for _, host := range l.Hosts {
		if _, err := autotask.NewHostRule([]string{host}, false); err != nil {
			return faultAt(path+" hosts", "hosts takes host or host:port, such as sandbox.example.com or 127.0.0.1:8443")
		}
		named = append(named, bareHost(host))
	}
	for _, base := range []struct{ word, text string }{{"discover", l.Discover}, {"zone", l.Zone}} {
		if base.text == "" {
			continue
		}
		host, err := l.checkBase(base.text)
		if err != nil {
			return faultAt(path+" "+base.word, "%w", err)
		}
		named = append(named, host)
	}
	if l.InsecureHTTP && !slices.ContainsFunc(named, isLoopback) {
		return faultAt(path+" insecure_http", "insecure_http is for loopback addresses, and hosts names none, such as 127.0.0.1")
	}
	return nil
}

// checkBase reads a base URL of the PSA, which counts as named, and returns its host.
func (l *Login) checkBase(text string) (string, error) {
	u, err := baseURL(text)
	if err != nil {
		return "", err
	}
	if u.Scheme == "http" && (!l.InsecureHTTP || !isLoopback(u.Hostname())) {
		return "", fmt.Errorf("plain HTTP would show the credential to the network; write https://, or insecure_http for a loopback address")
	}
	rule, err := autotask.NewHostRule([]string{u.Host}, l.InsecureHTTP)
	if err != nil {
		return "", err
	}
	_, err = autotask.ParseBase(text, rule)
	return u.Hostname(), err
}

// baseURL reads a base URL, with or without /ATServicesRest.
func baseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "": // the parser's error would repeat the URL, which may hold a password
		return nil, fmt.Errorf("a base URL is needed, such as https://webservices5.autotask.net")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("a base URL begins with https://")
	case u.User != nil:
		return nil, fmt.Errorf("a base URL holds no user name and no password")
	case strings.ContainsAny(text, "?#"):
		return nil, fmt.Errorf("a base URL has no ? and no #")
	}
	if path := strings.Trim(u.Path, "/"); path != "" && !strings.EqualFold(path, "ATServicesRest") {
		return nil, fmt.Errorf("a base URL ends after the host, or after /ATServicesRest")
	}
	return u, nil
}

// bareHost takes the port off host:port.
func bareHost(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		return host
	}
	return strings.Trim(text, "[]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
