package signin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// hostilePaths are return paths that lead elsewhere, or nowhere.
var hostilePaths = []string{
	"", "x", "https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `/x\..\..\evil`, "/\t/evil.example", "/\n/evil.example",
	"\t//evil.example", " //evil.example", "javascript:alert(1)", "data:text/html,x", "/%2F/evil.example", "/%5cevil.example", "/./%2fevil.example", "/.//evil.example",
	"/x/..//evil.example", "/%2e%2e//evil.example", "/x/%2E%2E/y", "/\u2028x", "/ä", "/x\r\nSet-Cookie: a=b", "/x\x00", "/x\x7f", "?x", "#x", "@evil.example", ":80",
	"/psagate/signin", "/psagate/signin/start?issuer=corp", "/psagate/callback/corp?code=x", "/psagate/logout", "/psagate/signed-out", "/psagate/backchannel/corp",
	"/PSAgate/Logout", "/psagate/logout/", "/%70sagate/logout", "/psagate/x/../logout", "/%zz", "/" + strings.Repeat("x", maxReturn),
}

func TestReturnPaths(t *testing.T) {
	for _, path := range hostilePaths {
		if got := returnPath(path); got != "/" {
			t.Errorf("%q: %q", path, got)
		}
	}
	for _, path := range []string{
		"/", "/x", "/x?y=z#w", "/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketNumber=T2020.0001", "/x//y", "/a%20b", "/x?u=https://evil.example",
		"/x:80", "/psagate/", "/psagate/console", "/psagatex/logout", "/...", "/x?y=%0d%0a", "/@evil.example", "/x%2fy",
	} {
		if got := returnPath(path); got != path {
			t.Errorf("%q: %q", path, got)
		}
	}
}

// FuzzReturnPath: wherever a browser is sent after its sign-in, it is on the site, and not in the sign-in again.
func FuzzReturnPath(f *testing.F) {
	for _, path := range hostilePaths {
		f.Add(path)
	}
	f.Add("/x?y=z")
	base, err := url.Parse("https://gate.example.com/psagate/callback/corp")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := returnPath(text)
		if got != "/" && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || to.User != nil || Handles(to.Path) {
			t.Fatalf("%q leads to %v, %v", text, to, err)
		}
		// What browsers do that RFC 3986 does not: they leave out tabs and line ends, and take a backslash for a slash.
		loose := strings.ReplaceAll(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimSpace(got)), `\`, "/")
		if strings.HasPrefix(loose, "//") || !strings.HasPrefix(loose, "/") {
			t.Fatalf("%q may be taken for %q", text, loose)
		}
		for i := range len(got) {
			if got[i] < ' ' || got[i] > '~' {
				t.Fatalf("%q has bytes that a header has not", got)
			}
		}
	})
}

func TestOverAnOpenLineNobodySignsIn(t *testing.T) {
	w := newWorld(t)
	handler := w.site.Require(http.HandlerFunc(w.serve))
	for host, want := range map[string]int{
		"gate.example.com": 403, "127.0.0.1.evil.example": 403, "10.0.0.7:8080": 403, "localhost.evil.example": 403, "": 403, "a b": 403, "u@localhost": 403, "localhost/x": 403,
		"localhost": 303, "127.0.0.1:8080": 303, "[::1]:8080": 303,
	} {
		for _, path := range []string{"/x", "/psagate/signin"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			r.Header.Set("Accept", "text/html")
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, r)
			if rec.Code != want {
				t.Errorf("%q%s: status %d, want %d", host, path, rec.Code, want)
			}
			if want == 403 && (!strings.Contains(rec.Body.String(), "https://") || len(rec.Result().Cookies()) > 0) {
				t.Errorf("%q: %s", host, rec.Body)
			}
			for _, c := range rec.Result().Cookies() {
				if strings.HasPrefix(c.Name, "__Host-") || c.Secure || !c.HttpOnly {
					t.Errorf("%q: %s", host, c.Raw)
				}
			}
		}
	}
}

func TestASessionOfPlainHTTPIsNoneOfHTTPS(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("/")
	other := w.browser()
	other.plant("psagate", b.cookies()["__Host-psagate"])
	w.at("under the plain name", other.open("/x", "Accept: */*"), http.StatusUnauthorized, "sign in first")
	r := httptest.NewRequest(http.MethodGet, "https://gate.example.com/x", nil)
	r.Header.Set("Cookie", "__Host-psagate="+b.cookies()["__Host-psagate"]+"; __Host-psagate="+random())
	rec := httptest.NewRecorder()
	w.site.Require(http.HandlerFunc(w.serve)).ServeHTTP(rec, r)
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("two that differ: status %d", rec.Code)
	}
}
