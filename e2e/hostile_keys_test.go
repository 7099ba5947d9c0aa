package e2e

import (
	"strings"
	"testing"
)

// shows is a call for a ticket with these lines and nothing else that could say who calls.
func shows(lines ...string) string {
	return heads(append([]string{"GET " + aTicket + " HTTP/1.1", "Host: {host}", "{from}X: y"}, lines...)...)
}

func TestDuplicateAndConflictingCredentialHeadersAreOneCallerOrNobody(t *testing.T) {
	x := newWire(t)
	a, b := x.keys["a"].Reveal(), x.keys["b"].Reveal()
	basicA, basicB := "Authorization: "+basic("a", a), "Authorization: "+basic("b", b)
	foreign := "a password that was one before psagate came"
	known, nobody := "200 as a, open", "401, open"
	var all []saying
	for _, s := range []saying{
		{name: "one key", text: shows("Secret: {a}"), hears: known},
		{name: "a key twice", text: shows("Secret: {a}", "Secret: {a}"), hears: known},
		{name: "a key fifty times", text: shows(strings.Repeat("Secret: {a}\r\n", 49) + "Secret: {a}"), hears: known},
		{name: "a key in each place", text: shows("Secret: {a}", basicA, "Authorization: Bearer {a}"), hears: known},
		{name: "two integrations' keys", text: shows("Secret: {a}", "Secret: {b}"), hears: nobody},
		{name: "two integrations' keys, one of them twice", text: shows("Secret: {a}", "Secret: {b}", "Secret: {a}"), hears: nobody},
		{name: "two integrations' keys in one line", text: shows("Secret: {a}, {b}"), hears: nobody},
		{name: "a key twice in one line", text: shows("Secret: {a},{a}"), hears: nobody},
		{name: "a key and nobody's", text: shows("Secret: {a}", "Secret: {unknown}"), hears: nobody},
		{name: "nobody's key and a key", text: shows("Secret: {unknown}", "Secret: {a}"), hears: nobody},
		{name: "a key and a mistyped one", text: shows("Secret: {a}", "Secret: {b}x"), hears: nobody},
		{name: "a key and what is none", text: shows("Secret: "+foreign, "Secret: {a}", "Secret: "+foreign), hears: known},
		{name: "a key and an empty one", text: shows("Secret:", "Secret: {a}", "Authorization:"), hears: known},
		{name: "a key and a long text that is none", text: shows("Secret: {a}", "Authorization: Basic "+strings.Repeat("A", 10<<10)), hears: known},
		{name: "a key and a long text that begins as one", text: shows("Secret: {a}", "Authorization: Bearer {b}"+strings.Repeat("A", 10<<10)), hears: nobody},
		{name: "an Authorization of 1 MB", text: shows("Secret: {a}", "Authorization: Basic "+strings.Repeat("A", 1<<20)), hears: "431 bare, closed"},

		{name: "a's headers and b's Bearer", text: shows("UserName: a", "Secret: {a}", "Authorization: Bearer {b}"), hears: nobody},
		{name: "a's headers and b's Basic", text: shows("UserName: a", "Secret: {a}", basicB), hears: nobody},
		{name: "b's Basic and a's Bearer", text: shows(basicB, "Authorization: Bearer {a}"), hears: nobody},
		{name: "two Basics", text: shows(basicA, basicB), hears: nobody},
		{name: "two schemes in one line", text: shows(basicA + ", Bearer {b}"), hears: nobody},
		{name: "a's Basic under b's name", text: shows("UserName: b", basicA), hears: known},
		{name: "two user names", text: shows("UserName: b", "UserName: a", "Secret: {a}"), hears: known},
		{name: "a thousand user names", text: shows("Secret: {a}\r\n" + strings.Repeat("UserName: b\r\n", 999) + "UserName: a"), hears: known},
		{name: "another's key as the user name", text: shows("UserName: {b}", "Secret: {a}"), hears: known},
		{name: "another's key as the integration code", text: shows("ApiIntegrationCode: {b}", "Secret: {a}"), hears: known},
		{name: "the PSA's own user name beside a key", text: shows("UserName: "+user, "Secret: {a}", "ApiIntegrationCode: x", "ApiIntegrationCode: y"), hears: known},

		{name: "spaces around a key", text: shows("Secret: \t {a} \t "), hears: known},
		{name: "a space within a key", text: shows("Secret: " + a[:20] + " " + a[20:]), hears: nobody},
		{name: "a key over two lines", text: shows("Secret: "+a[:20], " "+a[20:]), hears: nobody},
		{name: "a key in quotes", text: shows(`Secret: "{a}"`), hears: nobody},
		{name: "a key behind a space that is no ASCII", text: shows("Secret: \u00a0{a}"), hears: nobody},
		{name: "a key before a byte that is no ASCII", text: shows("Secret: {a}\xff"), hears: nobody},
		{name: "a key with %20", text: shows("Secret: {a}%20"), hears: nobody},
		{name: "a key in other capitals", text: shows("Secret: " + strings.ToUpper(a)), hears: nobody},
		{name: "a key without its last letter", text: shows("Secret: " + a[:len(a)-1]), hears: nobody},
		{name: "a key that is cut off at a zero byte", text: shows("Secret: {a}\x00"), hears: "400 bare, closed"},
		{name: "a zero byte within Basic", text: shows("Authorization: " + basic("a", a+"\x00")), hears: nobody},
		{name: "a line's end within Basic", text: shows("Authorization: " + basic("a", a+"\r\n")), hears: nobody},
		{name: "a colon within Basic", text: shows("Authorization: " + basic("a", "a:"+a)), hears: nobody},
		{name: "Basic without a name", text: shows("Authorization: " + basic("", a)), hears: known},
		{name: "Basic without padding", text: shows("Authorization: " + strings.TrimRight(basic("aaaa", a), "=")), hears: nobody},
		{name: "Basic with a key as the name", text: shows("Authorization: " + basic(a, "")), hears: nobody},
		{name: "Basic with two integrations' keys", text: shows("Authorization: " + basic(b, a)), hears: known},
		{name: "Bearer with more spaces", text: shows("Authorization: Bearer   {a}  "), hears: known},
		{name: "Bearer with a tab", text: shows("Authorization: Bearer\t{a}"), hears: nobody},
		{name: "a key alone", text: shows("Authorization: {a}"), hears: nobody},

		{name: "the key's header named by Connection", text: shows("Connection: Secret", "Secret: {a}"), hears: known},
		{name: "the PSA's headers named by Connection", text: shows("Connection: UserName, Secret, ApiIntegrationCode, Host, Content-Length, Accept-Encoding", "Secret: {a}"), hears: known},
		{name: "names that only look like it", text: shows("X_SECRET: {a}", "Secret_: {a}", "Secret.: {a}", "Api_Integration_Code: {a}"), hears: nobody},
		{name: "the key where proxies look", text: shows("Proxy-Authorization: Bearer {a}"), hears: nobody},
		{name: "the key in a cookie", text: shows("Cookie: Secret={a}"), hears: nobody},
		{name: "the key in the query", text: heads("GET "+aTicket+"?Secret={a} HTTP/1.1", "Host: {host}", "{from}X: y"), hears: nobody},
		{name: "the key in the URL's user", text: heads("GET http://a:{a}@{host}"+aTicket+" HTTP/1.1", "Host: {host}", "{from}X: y"), hears: nobody},
		{name: "the key in a body alone", text: heads("POST "+aQuery+" HTTP/1.1", "Host: {host}", "{from}Content-Length: 57") + a, hears: "401, closed"},
		{name: "impersonation twice", text: shows("Secret: {a}", "ImpersonationResourceId: 1", "ImpersonationResourceId: 2"), hears: "403 policy, open"},
		{name: "no key at all", text: shows(), hears: nobody},
	} {
		s.sent = "-"
		all = append(all, s)
	}
	x.hearsEach(all)
	x.wellAgain()
}
