package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/psagate/psagate/internal/realparts"
	"github.com/psagate/psagate/internal/vaulttest"
)

// The addresses of itglue's network, of another one, and of the Caddy in front, as far as one machine has several.
const itglueAddress, otherAddress, frontAddress = "127.0.0.2", "127.0.0.3", "127.0.0.1"

// behindCaddy runs both Caddys.
func (e *example) behindCaddy() {
	if err := hasAddresses(); err != nil {
		realparts.LeftOut(e.T, "callers from several networks: %v", err)
	}
	servers, clients := e.authority("servers"), e.authority("clients")
	_, port, _ := net.SplitHostPort(e.address)
	inside := "https://localhost:" + port
	e.credentialFiles(servers, clients)
	e.makesKey("itglue")
	e.set("ITGLUE_FROM="+itglueAddress, "FRONT_ADDRESS="+frontAddress, "PSAGATE_SITE="+inside)
	backup := door{e.certified(servers, clients, "backup.example.internal"), inside}
	e.serve(backup)
	front := e.inFront(inside)
	itglue, elsewhere := door{e.from(itglueAddress), front.base}, door{e.from(otherAddress), front.base}
	e.until("the front serves", func() bool { return itglue.isOpen() })

	e.callsThroughBoth(itglue, elsewhere, backup)
	e.knocksWithoutCertificate(servers, inside)
	e.isWell([]string{"login main: serving", "version 1 serves", "5 of 5 free"})
	e.server.stop(e.world)
	if a := e.through(itglue, "itglue", "/Tickets/1"); a.status != http.StatusBadGateway {
		e.Errorf("%d %s", a.status, a.body)
	}
	front.gone(e)
	e.unharmed(0)
}

func (e *example) callsThroughBoth(itglue, elsewhere, backup door) {
	e.Helper()
	if a := e.through(itglue, "itglue", "/Tickets/1"); !a.ticket() {
		e.Errorf("itglue through the front: %d %s %s", a.status, a.reason(), a.body)
	}
	if a := e.through(backup, "", "/Tickets/1"); !a.ticket() {
		e.Errorf("backup by its certificate: %d %s %s", a.status, a.reason(), a.body)
	}
	e.turnsAway(itglue, "nobody")
	e.turnsAway(elsewhere, "itglue")
	e.turnsAway(backup, "itglue")
	for name, d := range map[string]door{"itglue": itglue, "": backup} {
		a := e.through(d, name, "/zoneInformation?user="+user)
		if a.status != 200 || !strings.Contains(a.body, `"https://psa.example.com/ATServicesRest/"`) || strings.Contains(a.body, e.zone.URL()+"/ATServicesRest") {
			e.Errorf("%d %s", a.status, a.body)
		}
		pages := e.through(d, name, `/Tickets/query?search={"MaxRecords":2,"filter":[{"op":"gte","field":"id","value":0}]}`)
		if !strings.Contains(pages.body, `"nextPageUrl":"https://psa.example.com/ATServicesRest/V1.0/Tickets/query/next?`) {
			e.Errorf("%d %s", pages.status, pages.body)
		}
	}
}

// knocksWithoutCertificate demands that nobody gets in without a certificate of the right authority, with a good key or not.
func (e *example) knocksWithoutCertificate(servers *vaulttest.CA, inside string) {
	e.Helper()
	for name, client := range map[string]*http.Client{
		"no certificate":                   e.certified(servers, nil, ""),
		"a certificate of another's":       e.certified(servers, servers, "backup.example.internal"),
		"one that the machine would trust": e.certified(servers, e.public, "backup.example.internal"),
	} {
		r, err := http.NewRequest("GET", inside+"/ATServicesRest/V1.0/Tickets/1", nil)
		if err != nil {
			e.Fatal(err)
		}
		r.Header.Set("Secret", e.keys["itglue"].Reveal())
		if resp, err := client.Do(r); err == nil {
			_ = resp.Body.Close()
			e.Errorf("%s: %s", name, resp.Status)
		}
	}
}

// credentialFiles puts the files into place that the two headers name.
func (e *example) credentialFiles(servers, clients *vaulttest.CA) {
	e.Helper()
	server, serverKey := servers.Server("localhost", "psagate.example.internal")
	front, frontKey := clients.Client("front.example.internal", dnsName("front.example.internal"))
	for name, from := range map[string]string{
		"server.pem": server, "server.key": serverKey, "clients-ca.pem": clients.File,
		"front.pem": front, "front.key": frontKey, "server-ca.pem": servers.File,
	} {
		e.write(name, exampleText(e.T, from))
	}
}

func dnsName(name string) func(c *x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = []string{name} }
}

// certified is a client that trusts servers' certificates and shows one of an authority's, or none.
func (e *example) certified(servers, authority *vaulttest.CA, name string) *http.Client {
	e.Helper()
	config := &tls.Config{RootCAs: servers.Pool()}
	if authority != nil {
		pair, err := tls.LoadX509KeyPair(authority.Client(name, dnsName(name)))
		if err != nil {
			e.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return e.client(&http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true})
}

// from is a client that calls from one of this machine's addresses.
func (e *example) from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return e.client(&http.Transport{DialContext: dialer.DialContext})
}

// hasAddresses tells whether this machine has the addresses of callers in several networks.
func hasAddresses() error {
	for _, address := range []string{itglueAddress, otherAddress} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			return err
		}
		_ = l.Close()
	}
	return nil
}

func (e *example) client(transport *http.Transport) *http.Client {
	e.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// frontCaddy is the Caddy in front.
type frontCaddy struct {
	*server
	base string
}

// inFront starts the Caddy in front. It is this binary, and its config has nothing that a stock one lacks.
func (e *example) inFront(inside string) frontCaddy {
	e.Helper()
	if err := os.Mkdir(e.path("front"), 0o700); err != nil {
		e.Fatal(err)
	}
	f := frontCaddy{base: "http://" + freeAddress(e.T)}
	f.server = e.launch(filepath.Join(e.folder, "front.caddyfile"), "front.log",
		"RUNTIME_DIRECTORY="+e.path("front"), "XDG_DATA_HOME="+e.path("front"), "XDG_CONFIG_HOME="+e.path("front"),
		"FRONT_SITE="+f.base, "PSAGATE="+inside)
	return f
}

// gone ends it, and demands that it has logged the call that failed; the search for keys is the world's.
func (f frontCaddy) gone(e *example) {
	e.Helper()
	_ = f.Process.Signal(os.Interrupt)
	f.server.gone(e.world)
	log := e.read("front.log")
	for _, want := range []string{`"logger":"http.log.error"`, `"headers":{`, `"User-Agent":["Go-http-client/1.1"]`, "connection refused"} {
		if !strings.Contains(log, want) {
			e.Errorf("%q is missing in the front's log:\n%s", want, log)
		}
	}
}
