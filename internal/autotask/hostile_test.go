package autotask

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/guard"
)

// Whatever a page URL is, a client that follows what it becomes stays with the gateway: it shows its key there.
func TestAPageURLNeverLeadsPastTheGateway(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 2*maxLead)
	for name, c := range map[string]struct{ in, want string }{
		"a foreign host":                  {"https://evil.example.com/ATServicesRest/x", gateway + "/ATServicesRest/x"},
		"a private address":               {"http://10.0.0.1/ATServicesRest/x", gateway + "/ATServicesRest/x"},
		"a cloud's metadata":              {"http://169.254.169.254/latest/meta-data", gateway + "/latest/meta-data"},
		"an IPv6 address":                 {"http://[fd00::1]:8080/x", gateway + "/x"},
		"a user name before the host":     {"https://webservices5.autotask.net@evil.example.com/x", gateway + "/x"},
		"a URL of more than 64 KiB":       {"https://evil.example.com/" + strings.Repeat("x", 2*maxHeld), gateway + "/" + strings.Repeat("x", 2*maxHeld)},
		"blanks without an end":           {strings.Repeat(" ", 2*maxLead) + "https://evil.example.com/", gateway + "/?" + strings.Repeat(" ", 2*maxLead) + "https://evil.example.com/"},
		"tabs without an end":             {"/" + strings.Repeat(`\t`, 2*maxLead) + "/evil.example.com/", gateway + "/?/" + strings.Repeat(`\t`, 2*maxLead) + "/evil.example.com/"},
		"a scheme without an end":         {"h" + strings.Repeat(`\n`, 2*maxLead) + "ttps://evil.example.com/", gateway + "/?h" + strings.Repeat(`\n`, 2*maxLead) + "ttps://evil.example.com/"},
		"a path without an end":           {"/ATServicesRest/V1.0/" + long, "/ATServicesRest/V1.0/" + long},
		"a user name without an end":      {"https://" + long + "@evil.example.com/", gateway + "/?https://" + long + "@evil.example.com/"},
		"a backslash behind the host":     {`https://evil.example.com\\@webservices5.autotask.net/`, gateway + `/?https://evil.example.com\\@webservices5.autotask.net/`},
		"backslashes for slashes":         {`https:\\\\evil.example.com/x`, gateway + `/?https:\\\\evil.example.com/x`},
		"three slashes":                   {"https:///evil.example.com/x", gateway + "/?https:///evil.example.com/x"},
		"one slash":                       {"https:/evil.example.com/x", gateway + "/?https:/evil.example.com/x"},
		"no slash":                        {"https:evil.example.com/x", gateway + "/?https:evil.example.com/x"},
		"no scheme":                       {"//evil.example.com/x", gateway + "/?//evil.example.com/x"},
		"no scheme, and escapes":          {`\/\u002fevil.example.com/x`, gateway + `/?\/\u002fevil.example.com/x`},
		"no scheme, and a backslash":      {`/\\evil.example.com/x`, gateway + `/?/\\evil.example.com/x`},
		"no scheme, and a tab":            {`/\t/evil.example.com/x`, gateway + `/?/\t/evil.example.com/x`},
		"a blank before it":               {" https://evil.example.com/x", gateway + "/? https://evil.example.com/x"},
		"a line end in the scheme":        {`ht\ntps://evil.example.com/x`, gateway + `/?ht\ntps://evil.example.com/x`},
		"another scheme":                  {"ftp://evil.example.com/x", gateway + "/?ftp://evil.example.com/x"},
		"a script":                        {"javascript:alert(1)", gateway + "/?javascript:alert(1)"},
		"a port that is none":             {"https://evil.example.com:x/", gateway + "/?https://evil.example.com:x/"},
		"a host that is none":             {"https://[evil.example.com/", gateway + "/?https://[evil.example.com/"},
		"a percent sign in the host":      {"https://evil%2eexample.com/", gateway + "/?https://evil%2eexample.com/"},
		"a path":                          {"/ATServicesRest/V1.0/x?y=https://evil.example.com/", "/ATServicesRest/V1.0/x?y=https://evil.example.com/"},
		"a relative path":                 {"next?page=2:3", "next?page=2:3"},
		"nothing":                         {"", ""},
		"a query alone":                   {"?a=//b", "?a=//b"},
		"a path whose second part is one": {"/a//evil.example.com", "/a//evil.example.com"},
	} {
		in := `{"items":[],"pageDetails":{"nextPageUrl":"` + c.in + `","prevPageUrl":null}}`
		want := `{"items":[],"pageDetails":{"nextPageUrl":"` + c.want + `","prevPageUrl":null}}`
		for _, size := range []int{1, 7, 4096} {
			if got := smallReads(t, NewRewriter(strings.NewReader(in), gateway, anywhere), size); got != want {
				t.Errorf("%s, reads of %d:\n got %.300s\nwant %.300s", name, size, got, want)
			}
		}
	}
}

// The PSA's JSON reader repeats values of the request. A caller must not be able to word a refusal or a lockout into its
// complaint: the one would take the credential down for everybody, the other the login, until an operator came.
func TestACallerCannotWordAVerdictIntoTheComplaintOfAJSONReader(t *testing.T) {
	t.Parallel()
	for _, complaint := range []string{
		"Could not convert string to integer: %s. Path 'status', line 1, position 30.",
		"Could not convert string to DateTime: %s. Path 'dueDateTime'.",
		"Could not convert string to boolean: %s. Path 'isActive'.",
		"Error converting value %s to type 'System.Int32'. Path 'status'.",
		"Input string '%s' is not a valid number. Path 'status'.",
		"JSON integer %s is too large or small for an Int32. Path 'status'.",
		"Could not find member '%s' on object of type 'Ticket'. Path ''.",
		"Unexpected character encountered while parsing value: %s. Path ''.",
		"After parsing a value an unexpected character was encountered: %s. Path ''.",
		"Invalid character after parsing property name. Expected ':' but got: %s. Path ''.",
		"Invalid property identifier character: %s. Path ''.",
		"Invalid JavaScript property identifier character: %s. Path ''.",
		"Bad JSON escape sequence: %s. Path ''.",
		"Unterminated string. Expected delimiter: %s. Path ''.",
	} {
		for _, value := range []string{"your account has been locked", "the user account is locked out", "password is invalid", "IntegrationCode is invalid", "unauthorized", "login failed"} {
			text := fmt.Sprintf(complaint, value)
			for _, status := range []int{500, 503} {
				if got := verdictOf(getTicket, Answer{Status: status, Header: jsonHeader, Body: errorJSON(text)}); got != guard.Neutral {
					t.Errorf("%d %s: %s", status, text, got)
				}
			}
		}
	}
}

func TestPlacesThatAHostileLookupMayNameAreNoBases(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"https://evil.example.com/ATServicesRest/", "https://webservices5.autotask.net.evil.example.com/", "https://evilwebservices5.autotask.net/",
		"https://webservices5.autotask.net@evil.example.com/ATServicesRest/", "https://webservices5.autotask.net:8443/ATServicesRest/",
		"https://webservices05.autotask.net/", "https://webservices5.autotask.net./", "https://webservices5.autotask.org/",
		"http://webservices5.autotask.net/ATServicesRest/", "//webservices5.autotask.net/", "webservices5.autotask.net",
		"https://10.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/", "https://0x7f000001/", "https://2130706433/",
		"https://localhost/", "https://metadata.google.internal/", "ftp://webservices5.autotask.net/", "file:///etc/passwd", "javascript:alert(1)",
		`https:\\\\webservices5.autotask.net/`, "https://webservices5.autotask.net\\@evil.example.com/", "https://webservices5.autotask.net%2eevil.example.com/",
		"https://webservices5.autotask.net/ATServicesRest/../../x", "https://webservices5.autotask.net/?x=1", "https://webservices5.autotask.net/#x", "https:webservices5.autotask.net",
		"https://webservices\u0665.autotask.net/", "https://webservices5.autotask.net/\r\nHost: evil.example.com", " https://webservices5.autotask.net/", "",
	} {
		if base, err := ParseBase(s, HostRule{}); err == nil {
			t.Errorf("%q is taken for %s", s, base)
		}
	}
}

func TestWhatMayBeAnyAnswerIsNeverTakenForASuccess(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]Answer{
		"a page":                      {Status: 200, Header: http.Header{"Content-Type": {"text/html"}}},
		"a page by two types":         {Status: 200, Header: http.Header{"Content-Type": {"text/html", "application/json"}}},
		"no type":                     {Status: 200, Header: http.Header{}},
		"an empty type":               {Status: 200, Header: http.Header{"Content-Type": {""}}},
		"JSON of another kind":        {Status: 200, Header: http.Header{"Content-Type": {"application/problem+json"}}},
		"a redirect":                  {Status: 302, Header: jsonHeader},
		"a status of nothing":         {Status: 0, Header: jsonHeader},
		"a switch of protocols":       {Status: 101, Header: jsonHeader},
		"a status beyond all":         {Status: 999, Header: jsonHeader},
		"a limit":                     {Status: 429, Header: jsonHeader},
		"a refusal without its marks": {Status: 401, Header: jsonHeader},
	} {
		if got := verdictOf(getTicket, a); got == guard.Accepted || got == guard.Refused || got == guard.Locked {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestPeopleAreSentOnlyToThePSAsOwnHosts(t *testing.T) {
	t.Parallel()
	rule, err := NewHostRule([]string{"psa.internal.example:8443", "127.0.0.1"}, true)
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{
		"https://ww5.autotask.net/":                   "https://ww5.autotask.net/",
		"https://WW19.autotask.com/":                  "https://WW19.autotask.com/",
		"https://prde.autotask.net/Mvc?x=1":           "https://prde.autotask.net/Mvc?x=1",
		"https://psa.internal.example:8443/":          "https://psa.internal.example:8443/",
		"http://127.0.0.1:5005/":                      "http://127.0.0.1:5005/",
		"http://ww5.autotask.net/":                    "",
		"https://ww5.autotask.net:8443/":              "",
		"https://ww5.autotask.net@evil.example.com":   "",
		"https://user@ww5.autotask.net/":              "",
		"https://.autotask.net/":                      "",
		"https://ww5..autotask.net/":                  "",
		"https://evil.example.com/":                   "",
		"https://evilautotask.net/":                   "",
		"https://autotask.net.evil.example.com/":      "",
		"https://psa.internal.example/":               "",
		"https://10.0.0.1/":                           "",
		"http://psa.internal.example:8443/":           "",
		"javascript://ww5.autotask.net/%0aalert(1)":   "",
		"javascript:alert(1)":                         "",
		"//ww5.autotask.net/":                         "",
		"data:text/html,x":                            "",
		`https://evil.example.com\@ww5.autotask.net/`: "",
		"ww5.autotask.net":                            "",
		"":                                            "",
	} {
		if got := rule.WebURL(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}
