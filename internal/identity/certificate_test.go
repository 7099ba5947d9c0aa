package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// certified makes a certificate, valid the day around noon; change edits what it says.
func certified(tb testing.TB, change func(*x509.Certificate)) *x509.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.Add(-12 * time.Hour), NotAfter: noon.Add(12 * time.Hour)}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

func forHosts(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func verifiedBy(leaf *x509.Certificate) *tls.ConnectionState {
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
}

func unverified(leaf *x509.Certificate) *tls.ConnectionState {
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
}

func withURI(tb testing.TB, text string) func(*x509.Certificate) {
	u, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return func(c *x509.Certificate) { c.URIs = []*url.URL{u} }
}

// withSAN puts a name into the certificate byte by byte; tag is its kind's.
func withSAN(tb testing.TB, tag int, value string) func(*x509.Certificate) {
	san, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(value)}})
	if err != nil {
		tb.Fatal(err)
	}
	return func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: subjectAltName, Value: san}}
	}
}

// withSubject writes a subject as it stands, the most general part first.
func withSubject(tb testing.TB, parts ...pkix.AttributeTypeAndValue) func(*x509.Certificate) {
	var subject pkix.RDNSequence
	for _, p := range parts {
		subject = append(subject, pkix.RelativeDistinguishedNameSET{p})
	}
	raw, err := asn1.Marshal(subject)
	if err != nil {
		tb.Fatal(err)
	}
	return func(c *x509.Certificate) { c.RawSubject = raw }
}

func attribute(value string, oid ...int) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

var (
	country      = []int{2, 5, 4, 6}
	organization = []int{2, 5, 4, 10}
	commonName   = []int{2, 5, 4, 3}
)

func TestACertificateIsWhatItsNamesSay(t *testing.T) {
	forIP := func(text string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(text)} }
	}
	forMail := func(text string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.EmailAddresses = []string{text} }
	}
	named := func(cn string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: cn} }
	}
	for name, test := range map[string]struct {
		config string
		cert   func(*x509.Certificate)
		want   bool
	}{
		"a host":                                   {"billing.example.com", forHosts("billing.example.com"), true},
		"a host in another case":                   {"Billing.Example.COM", forHosts("biLLing.example.com"), true},
		"one of several hosts":                     {"b.example.com", forHosts("a.example.com", "b.example.com"), true},
		"another host":                             {"billing.example.com", forHosts("example.com"), false},
		"a host below":                             {"example.com", forHosts("billing.example.com"), false},
		"a wildcard is not what it covers":         {"billing.example.com", forHosts("*.example.com"), false},
		"a wildcard of the config covers nothing":  {"*.example.com", forHosts("billing.example.com"), false},
		"a wildcard is itself":                     {"*.example.com", forHosts("*.example.com"), true},
		"a host as common name is none":            {"billing.example.com", named("billing.example.com"), false},
		"a host as URI is none":                    {"billing.example.com", withSAN(t, 6, "billing.example.com"), false},
		"a host as mail address is none":           {"billing.example.com", withSAN(t, 1, "billing.example.com"), false},
		"a URI":                                    {"spiffe://example.com/billing", withURI(t, "spiffe://example.com/billing"), true},
		"a URI in another case":                    {"spiffe://example.com/billing", withURI(t, "spiffe://example.com/Billing"), false},
		"a scheme in another case":                 {"spiffe://example.com/billing", withSAN(t, 6, "SPIFFE://example.com/billing"), false},
		"a URI with an empty fragment":             {"spiffe://example.com/billing", withSAN(t, 6, "spiffe://example.com/billing#"), false},
		"a URI that goes on":                       {"spiffe://example.com/billing", withURI(t, "spiffe://example.com/billing/x"), false},
		"a URI as host is none":                    {"urn:billing", withSAN(t, 2, "urn:billing"), false},
		"a mail address":                           {"billing@example.com", forMail("billing@example.com"), true},
		"a mail address with its host in capitals": {"billing@EXAMPLE.com", forMail("billing@Example.COM"), true},
		"a mail address with its name in capitals": {"billing@example.com", forMail("Billing@example.com"), false},
		"an IPv4 address":                          {"192.0.2.7", forIP("192.0.2.7"), true},
		"an IPv4 address mapped to IPv6":           {"::ffff:192.0.2.7", forIP("192.0.2.7"), true},
		"an IPv6 address written differently":      {"2001:DB8:0:0::7", forIP("2001:db8::7"), true},
		"another address":                          {"192.0.2.7", forIP("192.0.2.8"), false},
		"an address as host is none":               {"192.0.2.7", forHosts("192.0.2.7"), false},
		"a subject":                                {"CN=billing", named("billing"), true},
		"a subject in another case":                {"CN=billing", named("Billing"), false},
		"a subject of several parts":               {"CN=billing,O=Example\\, Inc.,C=DE", withSubject(t, attribute("DE", country...), attribute("Example, Inc.", organization...), attribute("billing", commonName...)), true},
		"a part of a subject":                      {"CN=billing", withSubject(t, attribute("Example", organization...), attribute("billing", commonName...)), false},
		"a subject's parts in another order":       {"CN=billing,O=Example", withSubject(t, attribute("billing", commonName...), attribute("Example", organization...)), false},
		"the last of two common names":             {"CN=billing", withSubject(t, attribute("stranger", commonName...), attribute("billing", commonName...)), false},
		"a subject that only looks like two parts": {"CN=billing,O=Example", named("billing,O=Example"), false},
		"no name at all":                           {"billing.example.com", func(*x509.Certificate) {}, false},
	} {
		book := mustBook(t, Integration{Name: "a", Certs: []string{test.config}})
		leaf := certified(t, test.cert)
		var p Presented
		p.AddTLS(verifiedBy(leaf))
		caller, err := book.Identify(p, netip.Addr{}, noon)
		sum := sha256.Sum256(leaf.Raw)
		switch label := "cert:" + hex.EncodeToString(sum[:])[:8]; {
		case caller.KeyID != label:
			t.Errorf("%s: key id %q, want %q", name, caller.KeyID, label)
		case test.want && (err != nil || caller.Integration.Name != "a"):
			t.Errorf("%s: %v", name, err)
		case !test.want && (err != ErrUnknownCertificate || caller.Integration != nil):
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

// TestKeysAndCertificatesTogether is the whole table: a row for each thing that a call's headers can show, a column for
// each that its connection can.
func TestKeysAndCertificatesTogether(t *testing.T) {
	keyA, keyB, stranger, doubtful := newKey(t), newKey(t), newKey(t), newKey(t)
	elsewhere := func(h Hash) (*Integration, error) {
		if h == doubtful.Hash() {
			return nil, ErrUnavailable
		}
		return nil, ErrUnknown
	}
	book, err := NewBook([]Integration{
		{Name: "a", Keys: []Hash{keyA.Hash()}, Certs: []string{"a.example.com", "CN=a"}},
		{Name: "b", Keys: []Hash{keyB.Hash()}, Certs: []string{"b.example.com"}},
	}, elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	a := certified(t, func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = []string{"a.example.com"}, "a" })
	over := certified(t, func(c *x509.Certificate) { c.DNSNames, c.NotAfter = []string{"a.example.com"}, noon.Add(-time.Second) })
	early := certified(t, func(c *x509.Certificate) { c.DNSNames, c.NotBefore = []string{"a.example.com"}, noon.Add(time.Second) })
	proxy := certified(t, forHosts("proxy.example.com"))
	connections := []*tls.ConnectionState{
		nil,               // no TLS
		{},                // no certificate
		unverified(proxy), // one that names nobody
		unverified(a),     // one that names a
		verifiedBy(proxy), // a proxy's
		verifiedBy(a),     // a's, by two names
		verifiedBy(certified(t, forHosts("b.example.com"))),
		verifiedBy(certified(t, forHosts("a.example.com", "b.example.com"))),
		verifiedBy(over),
		verifiedBy(early),
	}
	const conflict = "conflicting-certificate"
	all := func(word string) []string { return strings.Fields(strings.Repeat(word+" ", len(connections))) }
	for name, row := range map[string]struct {
		lines []string
		want  []string
	}{
		"nothing": {nil, []string{
			"no-credentials", "no-credentials", "no-credentials", "unverified-certificate", "unknown-certificate", "=a", "=b", conflict, "expired-certificate", "expired-certificate",
		}},
		"an old password": {[]string{"UserName: x", "Secret: hunter2"}, []string{
			"not-a-key", "not-a-key", "not-a-key", "unverified-certificate", "not-a-key", "=a", "=b", conflict, "expired-certificate", "expired-certificate",
		}},
		"a's key": {[]string{"Secret: " + keyA.Reveal()}, []string{"=a", "=a", "=a", "=a", "=a", "=a", conflict, conflict, "=a", "=a"}},
		"b's key": {[]string{"Secret: " + keyB.Reveal()}, []string{"=b", "=b", "=b", "=b", "=b", conflict, "=b", conflict, "=b", "=b"}},
		"a's key beside an old password": {[]string{"Secret: " + keyA.Reveal(), basic("x", "hunter2")}, []string{
			"=a", "=a", "=a", "=a", "=a", "=a", conflict, conflict, "=a", "=a",
		}},
		"a mistyped key":              {[]string{"Secret: " + keyA.Reveal() + "x"}, all("mistyped-key")},
		"two keys":                    {[]string{"Secret: " + keyA.Reveal(), "Secret: " + keyB.Reveal()}, all("conflicting-keys")},
		"a key that nobody has":       {[]string{"Secret: " + stranger.Reveal()}, all("unknown-key")},
		"a key that might be someone": {[]string{"Secret: " + doubtful.Reveal()}, all("keys-unavailable")},
	} {
		for i, connection := range connections {
			p := FromRequest(request(row.lines...), "UserName", "Secret")
			p.AddTLS(connection)
			caller, err := book.Identify(p, netip.Addr{}, noon)
			got := ""
			switch {
			case err != nil && caller.Integration != nil:
				t.Errorf("%s, connection %d: %+v in spite of %v", name, i, caller, err)
			case err != nil:
				got = err.Error()
			default:
				got = "=" + caller.Integration.Name
			}
			if got != row.want[i] {
				t.Errorf("%s, connection %d: %s, want %s", name, i, got, row.want[i])
			}
		}
	}
}

func TestBesideACertificateAnOldUserNameIsNotWorthALine(t *testing.T) {
	book := mustBook(t, Integration{Name: "a", Certs: []string{"a.example.com"}})
	p := FromRequest(request("UserName: api@example.com", "Secret: hunter2"), "UserName", "Secret")
	p.AddTLS(verifiedBy(certified(t, forHosts("a.example.com"))))
	if caller, err := book.Identify(p, netip.Addr{}, noon); err != nil || caller.UserDiffers {
		t.Errorf("%+v, %v", caller, err)
	}
}

func TestARefusedCertificateIsNamedForTheLog(t *testing.T) {
	book := mustBook(t, Integration{Name: "a", Certs: []string{"a.example.com"}})
	var p Presented
	p.AddTLS(verifiedBy(certified(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "b", Organization: []string{"Example"}} })))
	if caller, err := book.Identify(p, netip.Addr{}, noon); err != ErrUnknownCertificate || caller.Subject != "CN=b,O=Example" {
		t.Errorf("%+v, %v", caller, err)
	}
	p.AddTLS(verifiedBy(certified(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: strings.Repeat("ü", 1000)} })))
	if caller, _ := book.Identify(p, netip.Addr{}, noon); len(caller.Subject) > maxSubject+len("…") || !strings.HasSuffix(caller.Subject, "ü…") {
		t.Errorf("%d bytes: %s", len(caller.Subject), caller.Subject)
	}
}

func TestAWrongKeyBesideAGoodCertificateIsSaidToBe(t *testing.T) {
	book := mustBook(t, Integration{Name: "a", Certs: []string{"CN=a"}})
	good := certified(t, func(c *x509.Certificate) { c.Subject.CommonName = "a" })
	stranger := newKey(t)
	for word, value := range map[string]string{"unknown-key": stranger.Reveal(), "mistyped-key": stranger.Reveal() + "x"} {
		p := FromRequest(request("Secret: "+value), "UserName", "Secret")
		p.AddTLS(verifiedBy(good))
		if caller, err := book.Identify(p, netip.Addr{}, noon); err != Reason(word) || caller.Subject != "CN=a" {
			t.Errorf("%+v, %v", caller, err)
		}
	}
}

func TestCertificatesOfTheConfigAreChecked(t *testing.T) {
	_, err := NewBook([]Integration{
		{Name: "one", Certs: []string{"Billing.example.com", "CN=x"}},
		{Name: "two", Certs: []string{"billing.EXAMPLE.com"}},
		{Name: "three", Certs: []string{"192.0.2.7", "::ffff:192.0.2.7"}},
		{Name: "four", Certs: []string{"CN=x, O=y"}},
		{Name: "five", Certs: []string{"CN = x", ""}},
		{Name: "six", Certs: []string{"mail@example.com", "urn:six", `CN=a\, b`}},
	}, nil)
	want := []string{
		`integrations "one" and "two" both have client certificate "billing.EXAMPLE.com": a certificate can be proof of one alone`,
		`integration "three" names client certificate "::ffff:192.0.2.7" twice: remove one`,
		`integration "four": client certificate "CN=x, O=y" has a space after a comma`,
		`integration "five": client certificate "CN = x" is no name that a certificate has`,
		`integration "five": client certificate "" is no name that a certificate has`,
	}
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got:\n%v", err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("got %s, want %s", line, want[i])
		}
	}
}

// FuzzSANs: names that do not come from a parser of crypto/x509 make no certificate anybody's that it is not.
func FuzzSANs(f *testing.F) {
	for _, cert := range []*x509.Certificate{
		certified(f, forHosts("a.example.com", "*.b.example.com")),
		certified(f, withURI(f, "spiffe://example.com/a")),
		certified(f, func(c *x509.Certificate) {
			c.EmailAddresses, c.IPAddresses = []string{"a@example.com"}, []net.IP{net.IPv6loopback}
		}),
	} {
		for _, e := range cert.Extensions {
			f.Add(e.Value)
		}
	}
	f.Fuzz(func(t *testing.T, extension []byte) {
		for _, name := range appendSANs(nil, extension) {
			if name.kind != ipName && !strings.Contains(lower(string(extension)), lower(name.text)) {
				t.Errorf("%+v is not in it", name)
			}
			if again, err := parseCertName(name.text); err == nil && again.kind == name.kind && again != name {
				t.Errorf("%+v would be %+v in a config", name, again)
			}
		}
	})
}

// FuzzCertName: every text of a config is one name of one kind, and the name as it is kept means itself.
func FuzzCertName(f *testing.F) {
	for _, text := range []string{"a.example.com", "*.example.com", "CN=a,O=b", `CN=a\, b`, "urn:a", "A@B", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := parseCertName(text)
		if (err == nil) != (name != certName{}) {
			t.Fatalf("%+v, %v", name, err)
		}
		if again, againErr := parseCertName(name.text); err == nil && (againErr != nil || again != name) {
			t.Errorf("%+v is %+v, %v when it is read again", name, again, againErr)
		}
	})
}

func BenchmarkIdentifyByCertificate(b *testing.B) {
	all := []Integration{{Name: "mine", Certs: []string{"spiffe://example.com/mine"}}}
	for i := range 9_999 {
		all = append(all, Integration{Name: big.NewInt(int64(i)).String(), Certs: []string{"spiffe://example.com/" + big.NewInt(int64(i)).String()}})
	}
	book := mustBook(b, all...)
	p := Presented{err: ErrNoCredentials}
	p.AddTLS(verifiedBy(certified(b, withURI(b, "spiffe://example.com/mine"))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := book.Identify(p, netip.Addr{}, noon); err != nil {
			b.Fatal(err)
		}
	}
}
