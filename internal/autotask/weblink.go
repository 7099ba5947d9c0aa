package autotask

import (
	"errors"
	"net/url"
	"strings"
)

// maxLink bounds a web link, in bytes: more than browsers and IIS take.
const maxLink = 8 << 10

// WebLink returns where in a zone a link to the PSA's web pages leads: web is the zone's web address, as HostRule.WebURL let it pass,
// and path (escaped) and query are what somebody asked for. The answer is on web's host whatever they hold.
//
// Other hosts of the PSA's web pages, of any zone or the universal ones, give way to the zone's: before the path, as
// /https://ww5.autotask.net/Mvc/…, and in values of the query, as return addresses are. A query
// whose url is such a link, on its own at the root, is that link. All else stays as it is.
//
// The error is a *RequestError.
func WebLink(web, path, query string) (string, error) {
	zone, err := url.Parse(web)
	if err != nil || zone.Host == "" {
		return "", errors.New("the zone's web address is none")
	}
	if len(path)+len(query) > maxLink {
		return "", badRequest("the link is longer than any of the PSA's")
	}
	l := linker{zone: zone}
	if path == "" || path == "/" {
		if values, err := url.ParseQuery(query); err == nil && len(values) == 1 && len(values["url"]) == 1 {
			if link := l.foreign(values.Get("url")); link != nil {
				path, query = link.EscapedPath(), link.RawQuery
			}
		}
	}
	path = l.path(path)
	if query != "" {
		query = "?" + spelledIn(l.query(query), "#")
	}
	return zone.Scheme + "://" + zone.Host + strings.TrimRight(zone.EscapedPath(), "/") + spelledIn(path, "#?%") + query, nil
}

// linker turns links to the zone.
type linker struct{ zone *url.URL }

// path is without a host of the PSA's before it. A path that comes through a server has lost one of two slashes.
func (l linker) path(path string) string {
	rest := strings.TrimLeft(path, "/")
	if unescaped, err := url.PathUnescape(rest); err == nil && strings.Contains(strings.ToLower(rest[:min(len(rest), 12)]), "%3a") {
		rest = unescaped // the whole of a link was written as one part of a path
	}
	lowered := lower(rest)
	for _, scheme := range [...]string{"https:", "http:"} {
		if strings.HasPrefix(lowered, scheme+"/") {
			rest = strings.TrimLeft(rest[len(scheme):], "/")
			break
		}
	}
	host, after, _ := strings.Cut(rest, "/")
	if l.isWeb(host) {
		return "/" + after
	}
	return "/" + strings.TrimPrefix(path, "/")
}

// query has the zone's host in place of others in its values. What holds none is as it came, byte for byte.
func (l linker) query(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			continue
		}
		if link := l.foreign(text); link != nil {
			link.Scheme, link.Host, link.User = l.zone.Scheme, l.zone.Host, nil
			pairs[i] = name + "=" + url.QueryEscape(link.String())
		}
	}
	return strings.Join(pairs, "&")
}

// foreign is a link to a host of the PSA's web pages, or nil.
func (l linker) foreign(text string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" || !l.isWeb(u.Host) {
		return nil
	}
	return u
}

// isWeb says whether a host has the PSA's web pages: the zone's own, and those of WebHost.
func (l linker) isWeb(host string) bool {
	host = lower(host)
	if host == l.zone.Host {
		return true
	}
	return WebHost(host)
}

// WebHost says whether a host, with or without HTTPS's port, has the PSA's web pages: ww<N> of any zone, www and the bare name, and the
// pre-release zones.
func WebHost(host string) bool {
	host = strings.TrimSuffix(lower(host), ":443")
	for _, domain := range [...]string{"autotask.net", "autotask.com"} {
		name, ok := strings.CutSuffix(host, domain)
		if !ok {
			continue
		}
		switch name = strings.TrimSuffix(name, "."); name {
		case "", "www", "prde", "pres":
			return name != "" || host == domain
		}
		number, ok := strings.CutPrefix(name, "ww")
		return ok && number != "" && len(number) <= 4 && strings.Trim(number, "0123456789") == ""
	}
	return false
}

// spelledIn is a path or a query with the characters escaped that it cannot have. How the path escapes others stays as it is.
func spelledIn(text, bad string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		stray := c == '%' && strings.Contains(bad, "%") && !escapes(text[i:])
		if c < 0x80 && !notOfURLs(rune(c)) && (c == '%' || strings.IndexByte(bad, c) < 0) && !stray {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// escapes says whether text begins with an escape.
func escapes(text string) bool {
	_, err := url.PathUnescape(text[:min(len(text), 3)])
	return err == nil
}
