package autotask

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func rule(t testing.TB, insecure bool, extra ...string) HostRule {
	t.Helper()
	r, err := NewHostRule(extra, insecure)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheDialectsOwnHostsAreAllowedAndNoOthers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		"https://webservices.autotask.net/":           true,
		"https://webservices5.autotask.net/":          true,
		"https://webservices31.autotask.net/":         true,
		"https://webservices9999.autotask.net/":       true,
		"https://webservices18.autotask.com/":         true,
		"HTTPS://WebServices5.Autotask.NET/":          true,
		"https://webservices5.autotask.net:443/":      true,
		"https://webservices05.autotask.net/":         false,
		"https://webservices0.autotask.net/":          false,
		"https://webservices12345.autotask.net/":      false,
		"https://webservices5.autotask.net:8443/":     false,
		"https://webservices5.autotask.net:/":         false,
		"https://webservices5.autotask.net.:443/":     false,
		"http://webservices5.autotask.net/":           false,
		"ftp://webservices5.autotask.net/":            false,
		"https://ww5.autotask.net/":                   false,
		"https://autotask.net/":                       false,
		"https://webservices5.autotask.org/":          false,
		"https://webservices5.autotask.net.evil.com/": false,
		"https://evilwebservices5.autotask.net/":      false,
		"https://webservices-5.autotask.net/":         false,
		"https://webservicesx.autotask.net/":          false,
		"https://a.webservices5.autotask.net/":        false,
		"https://webservices5.autotask.net@evil.com/": false,
		"https://u:p@webservices5.autotask.net/":      false,
		"https://webservices\u0665.autotask.net/":     false,
		"https://127.0.0.1/":                          false,
		"https://evil.com/":                           false,
		"//webservices5.autotask.net/":                false,
		"https:///":                                   false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := (HostRule{}).Check(u); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestTheOperatorsHostsAreAllowedOnTheirPort(t *testing.T) {
	t.Parallel()
	r := rule(t, false, "Sandbox.example.com", "sim.example.com:8443", "10.0.0.1", "::1", "[fd00::1]:9443")
	for raw, want := range map[string]bool{
		"https://sandbox.example.com":      true,
		"https://sandbox.example.com:1":    true,
		"https://sim.example.com:8443":     true,
		"https://sim.example.com":          false,
		"https://sim.example.com:9":        false,
		"https://10.0.0.1:5":               true,
		"https://[::1]:5":                  true,
		"https://[0:0::1]:5":               true,
		"https://[fd00::1]:9443":           true,
		"https://[fd00::1]":                false,
		"https://[::1%25eth0]":             false,
		"http://sandbox.example.com":       false,
		"https://x.sandbox.example.com":    false,
		"https://webservices.autotask.net": true,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Check(u); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if !r.Named("SIM.example.com", "8443") || r.Named("sim.example.com", "443") || r.Named("webservices.autotask.net", "443") {
		t.Error("Named says otherwise than the operator")
	}
}

func TestPlainHTTPIsForNamedLoopbackAlone(t *testing.T) {
	t.Parallel()
	names := []string{"127.0.0.1:8081", "localhost", "[::1]:80", "10.0.0.1", "sim.example.com"}
	for raw, want := range map[string]bool{
		"http://127.0.0.1:8081":           true,
		"http://127.0.0.1:8082":           false,
		"http://localhost:1234":           true,
		"http://LOCALHOST":                true,
		"http://[::1]":                    true,
		"http://10.0.0.1":                 false,
		"http://sim.example.com":          false,
		"http://127.0.0.2:8081":           false,
		"https://127.0.0.1:8081":          true,
		"http://webservices.autotask.net": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := rule(t, true, names...).Check(u); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
		if u.Scheme == "http" && rule(t, false, names...).Check(u) == nil {
			t.Errorf("%s is allowed without insecure_http", raw)
		}
	}
}

func TestAHostEntryThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"", ":80", "https://a.example.com", "a.example.com/", "a.example.com:", "a.example.com:0", "a.example.com:65536",
		"a.example.com:080", "a.example.com:x", "u@a.example.com", "a b", "a.example.com.", ".example.com", "a..example.com", ".", "*.example.com", "é.example.com",
		"fe80::1%eth0", "[::1", "[::1]:x", "a?b", "a#b", "[fe80::1%25eth0]:80", strings.Repeat("a", 254),
	} {
		if _, err := NewHostRule([]string{entry}, false); err == nil {
			t.Errorf("%q is taken", entry)
		}
	}
}

func TestABaseURLIsReadHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	r := rule(t, true, "127.0.0.1:8081", "::1", "sandbox.example.com")
	for raw, want := range map[string]string{
		"https://webservices14.autotask.net/ATServicesRest/":   "https://webservices14.autotask.net/ATServicesRest/",
		"https://webservices14.autotask.net/ATServicesRest":    "https://webservices14.autotask.net/ATServicesRest/",
		"https://webservices14.autotask.net":                   "https://webservices14.autotask.net/ATServicesRest/",
		"https://webservices14.autotask.net/":                  "https://webservices14.autotask.net/ATServicesRest/",
		"https://webservices14.autotask.net//atservicesREST//": "https://webservices14.autotask.net/ATServicesRest/",
		"HTTPS://WEBSERVICES14.AUTOTASK.NET:443/":              "https://webservices14.autotask.net/ATServicesRest/",
		"http://127.0.0.1:8081":                                "http://127.0.0.1:8081/ATServicesRest/",
		"http://[0::1]:80/":                                    "http://[::1]/ATServicesRest/",
		"https://[::1]:8443/":                                  "https://[::1]:8443/ATServicesRest/",
		"https://sandbox.example.com:8443/ATServicesRest":      "https://sandbox.example.com:8443/ATServicesRest/",
	} {
		b, err := ParseBase(raw, r)
		if err != nil || b.String() != want || b.IsZero() {
			t.Errorf("%s: %s, %v", raw, b, err)
		}
		if again, err := ParseBase(b.String(), r); err != nil || again != b {
			t.Errorf("%s, read again: %s, %v", b, again, err)
		}
	}
}

func TestABaseURLWithAnythingMoreIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "webservices5.autotask.net", "https:webservices5.autotask.net", "https://", "/ATServicesRest/", "https://evil.com/ATServicesRest/",
		"https://webservices5.autotask.net/ATServicesRest/V1.0/", "https://webservices5.autotask.net/ATServicesRest/..",
		"https://webservices5.autotask.net/%41TServicesRest", "https://webservices5.autotask.net/?hunter2", "https://webservices5.autotask.net/#hunter2",
		"https://webservices5.autotask.net?", "https://webservices5.autotask.net#", "https://api:hunter2@webservices5.autotask.net/",
		"https://api:hunter2@web services/", "https://webservices5.autotask.net\\@evil.com/", "https://webservices5.autotask.net\r\n/",
		"https://webservices5.autotask.net/" + strings.Repeat("/", 2000),
	} {
		b, err := ParseBase(raw, HostRule{})
		if err == nil || !b.IsZero() || b.String() != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %s, %v", raw, b, err)
		}
	}
}

func TestAnOperationsURLIsBuiltFromTheBase(t *testing.T) {
	t.Parallel()
	b, err := ParseBase("https://webservices14.autotask.net/", HostRule{})
	if err != nil {
		t.Fatal(err)
	}
	u := b.URL(mustParse(t, "GET", "/atservicesrest/v1.0/tickets/query"), `search={"a":"b%20c"}&x`)
	if want := `https://webservices14.autotask.net/ATServicesRest/V1.0/Tickets/query?search={"a":"b%20c"}&x`; u.String() != want || u.Host != b.Host() {
		t.Errorf("got %s", u)
	}
}

func TestEveryHostOfTheDialectIsOneHostToTheGuard(t *testing.T) {
	t.Parallel()
	r := rule(t, true, "127.0.0.1", "::1", "sandbox.example.com", "webservices5.autotask.net:8443")
	for raw, want := range map[string]string{
		"https://webservices.autotask.net":       "autotask",
		"https://webservices5.autotask.net":      "autotask",
		"https://webservices18.autotask.com":     "autotask",
		"https://webservices5.autotask.net:8443": "autotask",
		"https://sandbox.example.com":            "sandbox.example.com:443",
		"https://sandbox.example.com:8443":       "sandbox.example.com:8443",
		"http://127.0.0.1":                       "127.0.0.1:80",
		"http://127.0.0.1:8081":                  "127.0.0.1:8081",
		"http://[::1]:8081":                      "[::1]:8081",
	} {
		b, err := ParseBase(raw, r)
		if err != nil || b.HostKey() != want {
			t.Errorf("%s: %q, %v", raw, b.HostKey(), err)
		}
	}
}

func TestOneUsersSpellingsBecomeOne(t *testing.T) {
	t.Parallel()
	for _, group := range [][]string{
		{"api@example.com", "API@Example.COM", "  api@example.com\t", "\u00a0api@example.com\n"},
		{"jos\u00e9@example.com", "jose\u0301@example.com", "JOSE\u0301@EXAMPLE.COM"},
		{"stra\u00dfe", "STRASSE", "strasse"},
		{"\uabb7", "\u13e7"},
	} {
		for _, name := range group {
			if got := CanonicalUser(name); got != CanonicalUser(group[0]) {
				t.Errorf("%q becomes %q, %q becomes %q", name, got, group[0], CanonicalUser(group[0]))
			}
		}
	}
	if CanonicalUser("api1@example.com") == CanonicalUser("api2@example.com") {
		t.Error("two users became one")
	}
}

func FuzzCanonicalUser(f *testing.F) {
	for _, s := range []string{"a@B", "\u0130", "\u0345\u0301", "ẞ\u0308", " \ufb01 ", "\u1fb3\u0301", "\xff", "\u03b1\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := CanonicalUser(s)
		if twice := CanonicalUser(once); twice != once {
			t.Fatalf("%q becomes %q, and that %q", s, once, twice)
		}
	})
}

func TestPrivateAddressesAreTold(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1",
		"172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
		"2002:a00:1::1", "2002:7f00:1::", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1",
	} {
		if !PrivateAddr(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
	}
	for _, s := range []string{
		"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.167.1.1", "198.20.0.1", "223.255.255.255",
		"2606:4700::1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
	} {
		if PrivateAddr(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as private", s)
		}
	}
	if !PrivateAddr(netip.Addr{}) {
		t.Error("no address counts as public")
	}
}
