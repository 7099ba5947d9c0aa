package autotask

import (
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// planted is put into hostile URLs where a password may be.
const planted = "hunter2hunter2"

var (
	baseForm = regexp.MustCompile(`^([A-Za-z]+)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]+))?(?:/+(?:([A-Za-z]+)/*)?)?$`)
	psaForm  = regexp.MustCompile(`^webservices([1-9][0-9]{0,3})?\.autotask\.(net|com)$`)
	// An empty label is no part of a name: not before, not within, not at the end.
	emptyLabel = regexp.MustCompile(`^\.|\.\.|\.$`)
	entryForm  = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*?)(?::([0-9]+))?$`)
)

// mayGo says whether a base URL is one to which a credential may go, where the operator has named one more host: the rule
// said once more, on the text.
func mayGo(text, named string, insecure bool) bool {
	m := baseForm.FindStringSubmatch(text)
	if m == nil || len(text) > 1024 || m[4] != "" && !strings.EqualFold(m[4], "ATServicesRest") {
		return false
	}
	scheme, host, port := strings.ToLower(m[1]), oneSpelling(m[2]), m[3]
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	if !isPort(port) || host == "" || len(host) > 253 || emptyLabel.MatchString(host) {
		return false
	}
	named = strings.TrimSpace(named)
	byOperator := named != "" && isNamed(named, host, port)
	switch scheme {
	case "https":
		return byOperator || psaForm.MatchString(host) && port == "443"
	case "http":
		return byOperator && insecure && isLoopback(host)
	}
	return false
}

// oneSpelling returns a host in lower case, or an address as netip spells it; empty for a bracketed text that is none.
func oneSpelling(host string) string {
	bare := strings.Trim(host, "[]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		return addr.String()
	}
	if bare != host {
		return ""
	}
	return strings.ToLower(host)
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < 65536 && strconv.Itoa(n) == text
}

// isNamed says whether the operator's entry names a host and port.
func isNamed(entry, host, port string) bool {
	if addr, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return addr.String() == host
	}
	m := entryForm.FindStringSubmatch(entry)
	return m != nil && oneSpelling(m[1]) == host && (m[2] == "" || m[2] == port)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback() || err == nil && addr.Unmap().IsLoopback()
}

// checkBase holds a base that was read off a text against the rule, and against how others read it.
func checkBase(t *testing.T, text, named string, insecure bool) {
	t.Helper()
	rule, err := NewHostRule([]string{named}, insecure)
	if named == "" || err != nil {
		rule, named = HostRule{}, ""
	}
	b, err := ParseBase(text, rule)
	if want := mayGo(text, named, insecure); (err == nil) != want {
		t.Fatalf("%q, with %q named: %s, %v; by the rule a credential may go there: %v", text, named, b, err, want)
	}
	if err != nil {
		if !b.IsZero() || strings.Contains(err.Error(), planted) && !strings.Contains(hostIn(text), planted) {
			t.Fatalf("%q: %s, %v", text, b, err)
		}
		return
	}
	u, err := url.Parse(b.String())
	if err != nil || u.Host != b.Host() || u.User != nil || u.Path != "/ATServicesRest/" || u.RawQuery+u.Fragment != "" || u.String() != b.String() {
		t.Fatalf("%q became %q, which others read as %+v, %v", text, b, u, err)
	}
	if asked, err := url.Parse(text); err != nil || oneSpelling(asked.Hostname()) != oneSpelling(u.Hostname()) || asked.User != nil {
		t.Fatalf("%q leads to %q, and became %q", text, asked.Host, b)
	}
	if again, err := ParseBase(b.String(), rule); err != nil || again != b {
		t.Fatalf("%q became %q, and that %q, %v", text, b, again, err)
	}
	if to := b.URL(ThresholdCheck, "a=b"); to.String() != strings.TrimSuffix(b.String(), "/")+"/V1.0/ThresholdInformation?a=b" {
		t.Fatalf("%q, and its operations are at %q", b, to)
	}
	if psa := psaForm.MatchString(u.Hostname()); psa != (b.HostKey() == "autotask") {
		t.Fatalf("%q is one login with %q", b, b.HostKey())
	}
}

// hostIn returns what of a URL its errors may name.
func hostIn(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// FuzzZoneBase: a base URL, from a record, a discovery or a storage, is one of the PSA's hosts or of the operator's, or an
// error that shows no password; nobody reads another host in it. An entry of the operator's names itself alone.
func FuzzZoneBase(f *testing.F) {
	f.Add("https://webservices14.autotask.net/ATServicesRest/", "", false)
	f.Add("http://127.0.0.1:8081", "127.0.0.1:8081", true)
	f.Fuzz(func(t *testing.T, text, named string, insecure bool) {
		checkBase(t, text, named, insecure)
		if _, err := NewHostRule([]string{named}, insecure); err != nil {
			return
		}
		for _, scheme := range []string{"https://", "http://"} {
			checkBase(t, scheme+named, named, insecure)
			checkBase(t, scheme+"a."+named, named, insecure)
			checkBase(t, scheme+named+"."+psaHost, named, insecure)
		}
	})
}

// FuzzZoneInformation: the answer of whoever is asked for a zone names one of the PSA's hosts or is an error, in words of
// ours alone; the page that people are sent to is the PSA's as well.
func FuzzZoneInformation(f *testing.F) {
	f.Add([]byte(`{"zoneName":"AE02","url":"https://webservices14.autotask.net/ATServicesRest/","webUrl":"https://ww14.autotask.net/","ci":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		z, err := ParseZoneInformation(strings.NewReader(string(body)))
		if err != nil {
			if z != (ZoneInformation{}) || strings.Contains(err.Error(), planted) || len(err.Error()) > 120 {
				t.Fatalf("%q: an error came with %+v: %v", body, z, err)
			}
			return
		}
		var plain map[string]json.RawMessage // of numbers that no machine has nothing is used
		if json.Unmarshal([]byte(strings.TrimPrefix(string(body), string(utf8BOM))), &plain) != nil || z.URL == "" {
			t.Fatalf("%q became %+v", body, z)
		}
		checkBase(t, z.URL, "", false)
		checkWebURL(t, z.WebURL)
		out, err := json.Marshal(z)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseZoneInformation(strings.NewReader(string(out))); len(out) <= maxZoneInformation && (err != nil || again != z) {
			t.Fatalf("%s is read again as %+v, %v", out, again, err)
		}
	})
}

var webForm = regexp.MustCompile(`^(?i:https)://[A-Za-z0-9._-]+\.(?i:autotask)\.(?i:net|com)(:443)?([/?#].*)?$`)

func checkWebURL(t *testing.T, text string) {
	t.Helper()
	web := HostRule{}.WebURL(text)
	if web == "" {
		return
	}
	if !webForm.MatchString(web) || strings.ContainsAny(web, "\r\n\t \"<>\\") {
		t.Fatalf("%q: people are sent to %q", text, web)
	}
	if host := browserHost(web); !strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), ":443"), ".autotask.net") && !strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), ":443"), ".autotask.com") {
		t.Fatalf("%q: browsers go to %q", text, host)
	}
}

// FuzzPrivateAddr: an address is private if an IPv4 address inside it is, in whatever form.
func FuzzPrivateAddr(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{8, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != 16 {
			return
		}
		v4, v6 := netip.AddrFrom4([4]byte(raw[:4])), netip.AddrFrom16([16]byte(raw))
		for _, a := range []netip.Addr{v4, v6} {
			ip := net.IP(a.AsSlice())
			special := ip.IsLoopback() || ip.IsPrivate() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
			if special && !PrivateAddr(a) || !PrivateAddr(a.WithZone("eth0")) && a.Is6() && !a.Is4In6() {
				t.Fatalf("%s counts as public", a)
			}
		}
		for name, form := range map[string][16]byte{
			"mapped": {10: 0xff, 11: 0xff, 12: raw[0], 13: raw[1], 14: raw[2], 15: raw[3]},
			"NAT64":  {0: 0, 1: 0x64, 2: 0xff, 3: 0x9b, 12: raw[0], 13: raw[1], 14: raw[2], 15: raw[3]},
			"6to4":   {0: 0x20, 1: 0x02, 2: raw[0], 3: raw[1], 4: raw[2], 5: raw[3], 15: raw[15]},
		} {
			if a := netip.AddrFrom16(form); PrivateAddr(a) != PrivateAddr(v4) {
				t.Fatalf("%s, %s, counts otherwise than %s", a, name, v4)
			}
		}
		if a := netip.AddrFrom16([16]byte{12: raw[0], 13: raw[1], 14: raw[2], 15: raw[3]}); !PrivateAddr(a) {
			t.Fatalf("%s counts as public", a)
		}
	})
}
