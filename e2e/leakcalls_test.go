package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// presenting are the headers in which a key, or a password, may come.
func presenting(text string) map[string]http.Header {
	return map[string]http.Header{
		"as documented":    {"UserName": {"a"}, "Secret": {text}, "ApiIntegrationCode": {"anything"}},
		"in lower case":    {"username": {"a"}, "secret": {text}},
		"in upper case":    {"USERNAME": {"a"}, "SECRET": {text}},
		"Basic":            {"Authorization": {basic("api@example.com", text)}},
		"basic, by others": {"authorization": {strings.Replace(basic("b", text), "Basic", "bAsIc", 1)}},
		"Bearer":           {"Authorization": {"Bearer " + text}},
		"bearer":           {"AUTHORIZATION": {"bearer " + text}},
		"all at once":      {"Secret": {text}, "Authorization": {basic("a", text), "Bearer " + text}},
	}
}

// stray are headers in which no key belongs.
func stray(text string) map[string]http.Header {
	return map[string]http.Header{
		"changed places":        {"UserName": {text}, "Secret": {"a"}},
		"a user name in Basic":  {"Authorization": {basic(text, "x")}},
		"no scheme":             {"Authorization": {text}},
		"a foreign scheme":      {"Authorization": {"Token token=" + text}},
		"Digest":                {"Authorization": {`Digest username="` + text + `"`}},
		"the integration code":  {"ApiIntegrationCode": {text}},
		"X-Api-Key":             {"X-Api-Key": {text}},
		"X-Autotask-Secret":     {"X-Autotask-Secret": {text}},
		"X_SECRET":              {"X_SECRET": {text}},
		"Password":              {"Password": {text}},
		"X-Auth-Token":          {"X-Auth-Token": {text}},
		"Proxy-Authorization":   {"Proxy-Authorization": {basic("a", text)}},
		"Cookie":                {"Cookie": {"key=" + text}},
		"a bad Basic":           {"Authorization": {"Basic " + base64Of("a:" + text)[1:]}},
		"Basic without a colon": {"Authorization": {"Basic " + base64Of(text)}},
	}
}

// strayKeysOnly are headers and paths in which what looks like a key is masked, and a password cannot be known.
func strayKeysOnly(key string) map[string]*http.Request {
	const ticket = "/ATServicesRest/V1.0/Tickets/1"
	all := map[string]*http.Request{}
	for name, value := range map[string]string{
		"User-Agent": "client " + key, "Referer": "http://a:" + key + "@example.com/", "Origin": "http://" + key, "X-Whatever": "key=" + key,
		"X-Forwarded-Host": key, "X-Original-Auth": basic("a", key), "Accept": "application/json;k=" + key, "If-None-Match": `"` + key + `"`,
	} {
		all[name] = &http.Request{Header: http.Header{name: {value}}, URL: &url.URL{Path: ticket}}
	}
	for name, target := range map[string]string{
		"the query":                   ticket + "?key=" + key,
		"the query of an old client":  ticket + "?key=" + strings.Replace(key, "_", "%5F", 1),
		"a query in the query":        ticket + "?next=" + url.QueryEscape("/?key="+key),
		"Basic in the query":          ticket + "?authorization=" + url.QueryEscape(basic("a", key)),
		"a filter":                    "/ATServicesRest/V1.0/Tickets/query?search=" + url.QueryEscape(`{"filter":[{"op":"eq","field":"title","value":"`+key+`"}]}`),
		"an entity":                   "/ATServicesRest/V1.0/" + key,
		"an id":                       "/ATServicesRest/V1.0/Tickets/" + key,
		"the whole path":              "/" + key,
		"a parameter within the path": ticket + ";key=" + key,
	} {
		all[name] = &http.Request{Header: http.Header{}, URL: &url.URL{Opaque: target}}
	}
	return all
}

func (s *story) goodKeys() {
	key := s.keys["a"].Reveal()
	for name, header := range presenting(key) {
		for _, call := range [][3]string{{"GET", "/ATServicesRest/V1.0/Tickets/1"}, {"POST", "/atservicesrest//v1.0/tickets/query", `{"MaxRecords":2,"filter":[{"op":"gte","field":"id","value":0}]}`}} {
			r := s.request(call[0], call[1], call[2])
			s.carries(r, header)
			s.hears(fmt.Sprintf("a key %s, %s", name, call[0]), r, key, "200")
		}
	}
	long := s.request("POST", "/ATServicesRest/V1.0/Tickets/1/Attachments", attachment(2_000_000)+strings.Repeat(" ", 10)+key)
	long.Header.Set("Secret", key)
	s.hears("a key at the end of a long body", long, key, "500")
}

// carries gives a request the headers as they are spelt.
func (s *story) carries(r *http.Request, header http.Header) {
	for name, values := range header {
		r.Header[name] = values
	}
}

// strayKeys come from callers who are nobody for that, and from one who is somebody by a good key beside it.
func (s *story) strayKeys() {
	foreign, b := newKey(s.T).Reveal(), s.keys["b"].Reveal()
	s.hide("the key of another psagate", foreign)
	mistyped := b[:len(b)-1] + "!"
	for name, text := range map[string]string{"a key of nobody's": foreign, "a mistyped key": mistyped, "the PSA's password": s.password} {
		for how, header := range presenting(text) {
			r := s.request("GET", "/ATServicesRest/V1.0/Tickets/1", "")
			s.carries(r, header)
			s.hears(name+" "+how, r, "", "401")
		}
	}
	for name, text := range map[string]string{"a key": b, "a mistyped key": mistyped, "the PSA's password": s.password} {
		for how, header := range stray(text) {
			s.strays(name+" as "+how, &http.Request{Header: header, URL: &url.URL{Path: "/ATServicesRest/V1.0/Tickets/1"}}, "")
		}
	}
	for name, text := range map[string]string{"a key": b, "a mistyped key": mistyped, "a key with more behind it": b + "AndMore"} {
		for how, r := range strayKeysOnly(text) {
			s.strays(name+" as "+how, r, b)
		}
	}
	conflict := s.request("GET", "/ATServicesRest/V1.0/Tickets/1", "")
	s.carries(conflict, http.Header{"Secret": {b}, "Authorization": {"Bearer " + s.keys["a"].Reveal()}})
	s.hears("two keys", conflict, "", "401")
}

// strays makes a call without a good key, and one with. A caller may be told what it sent itself.
func (s *story) strays(what string, like *http.Request, own string) {
	for _, good := range []string{"", s.keys["a"].Reveal()} {
		r := s.request("GET", "/", "")
		r.URL.Path, r.URL.Opaque = like.URL.Path, like.URL.Opaque
		s.carries(r, like.Header)
		if good != "" && r.Header.Get("Secret") == "" && r.Header.Get("Authorization") == "" {
			r.Header.Set("Secret", good)
		}
		a := send(s.T, unled, r)
		s.heard.add(a.place("the answer to "+what, own))
	}
}

// badCalls are turned away by psagate itself.
func (s *story) badCalls() {
	key := s.keys["a"].Reveal()
	for _, c := range []struct{ what, method, path, body, header, want string }{
		{"an operation that is none", "GET", "/ATServicesRest/V1.0/Tickets/1/2/3/4?key=" + key, "", "", "400 bad-request"},
		{"a path outside", "GET", "/elsewhere/" + key, "", "", "404 not-found"},
		{"SOAP without an action", "POST", "/ATServices/1.6/atws.asmx", "<a>" + key + "</a>", "", "500 bad-request"},
		{"SOAP of another action", "POST", "/ATServices/1.6/atws.asmx", "<a>" + key + "</a>", "SOAPAction: " + key, "500 bad-request"},
		{"SOAP of another type", "POST", "/ATServices/1.6/atws.asmx", "<a>" + key + "</a>", `SOAPAction: "http://autotask.net/ATWS/v1_6/query"`, "500 bad-request"},
		{"SOAP's zone lookup", "POST", "/ATServices/1.6/atws.asmx", "<a>" + key + "</a>", `SOAPAction: "http://autotask.net/ATWS/v1_6/getZoneInfo"`, "200"},
		{"SOAP's old version", "POST", "/ATServices/1.5/atws.asmx", "<a>" + key + "</a>", "", "500 not-found"},
		{"a method that is none", "BREW", "/ATServicesRest/V1.0/Tickets/1?key=" + key, "", "", "400 bad-request"},
		{"impersonation", "GET", "/ATServicesRest/V1.0/Tickets/1", "", "ImpersonationResourceId: " + key, "403 policy"},
		{"gzip that is none", "POST", "/ATServicesRest/V1.0/Tickets/query", "no gzip: " + key, "Content-Encoding: gzip", "400 bad-request"},
		{"a foreign encoding", "POST", "/ATServicesRest/V1.0/Tickets/query", key, "Content-Encoding: " + key, "400 bad-request"},
		{"a long body", "POST", "/ATServicesRest/V1.0/Tickets/1/Attachments", attachment(13_000_000), "", "413 too-large"},
		{"what is the gateway's own", "GET", "/ATServicesRest/V1.0/zoneInformation?user=" + key, "", "", "200"},
		{"its metrics", "GET", "/metrics", "", "", "200"},
	} {
		r := s.request(c.method, c.path, c.body)
		r.Header.Set("Secret", key)
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(name, value)
		}
		own := key
		if c.what == "its metrics" {
			own = ""
		}
		s.hears(c.what, r, own, c.want)
	}
	r := s.request("GET", "/ATServicesRest/V1.0/Tickets/1", "")
	r.Host = strings.ToLower(key) + ".example.com"
	s.hears("a key as the host", r, key, "401")
}

// noHTTP is turned away by the HTTP server.
func (s *story) noHTTP() {
	key, host := s.keys["a"].Reveal(), "Host: "+s.address+"\r\n"
	for _, c := range []struct{ what, text, want string }{
		{"a space before a colon", "GET / HTTP/1.1\r\n" + host + "Secret : " + key + "\r\n\r\n", "HTTP/1.1 400"},
		{"a header without a colon", "GET / HTTP/1.1\r\n" + host + key + "\r\n\r\n", "HTTP/1.1 400"},
		{"a zero byte", "GET / HTTP/1.1\r\n" + host + "Secret: " + key + "\x00\r\n\r\n", "HTTP/1.1 400"},
		{"a protocol that is none", "GET / " + key + "\r\n" + host + "\r\n", "HTTP/1.1 400"},
		{"a path that is none", "GET /%zz" + key + " HTTP/1.1\r\n" + host + "\r\n", "HTTP/1.1 400"},
		{"a host that is none", "GET / HTTP/1.1\r\nHost: <" + key + ">\r\n\r\n", "HTTP/1.1 400"},
		{"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: " + key + "\r\n\r\n", "HTTP/1.1 400"},
		{"a length that is none", "POST / HTTP/1.1\r\n" + host + "Secret: " + key + "\r\nContent-Length: " + key + "\r\n\r\n", "HTTP/1.1 400"},
		{"a transfer that is none", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: " + key + "\r\n\r\n", "HTTP/1.1 501"},
		{"headers that are too long", "GET / HTTP/1.1\r\n" + host + "Secret: " + key + "\r\nX: " + strings.Repeat("x", 40_000) + "\r\n\r\n", "HTTP/1.1 431"},
		{"a long method", strings.Repeat("BREW", 20) + " /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "HTTP/1.1 405"},
		{"a whole URL", "GET http://a:" + key + "@" + s.address + "/ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "HTTP/1.1 401"},
		{"a fragment", "GET /ATServicesRest/V1.0/Tickets/1?key=" + key + "#x HTTP/1.1\r\n" + host + "Secret: " + key + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"},
		{"a header in two lines", "GET /ATServicesRest/V1.0/Tickets/1 HTTP/1.1\r\n" + host + "Secret: x\r\n " + key + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 401"},
		{"a body cut short", "POST /ATServicesRest/V1.0/Tickets/query HTTP/1.1\r\n" + host + "Secret: " + key + "\r\nTransfer-Encoding: chunked\r\n\r\n" + key + "\r\n", "HTTP/1.1 400"},
		{"no HTTP at all", key + "\r\n\r\n", "HTTP/1.1 400"},
	} {
		s.raw(c.what, c.text, c.want)
	}
}

// tooManyFailures come from one address.
func (s *story) tooManyFailures() {
	for i := range 12 {
		want := "401"
		if i >= 10 {
			want = "429 too-many-failures"
		}
		r := s.request("GET", "/ATServicesRest/V1.0/Tickets/1", "")
		r.Header.Set("X-Forwarded-For", "10.9.9.9")
		r.Header.Set("Secret", newKey(s.T).Reveal())
		s.hears(fmt.Sprintf("failure %d", i+1), r, "", want)
	}
}
