package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// simulator is a simulated PSA alone, for people who want to try a client of their own against it.
type simulator struct {
	sim   *psatest.Sim
	users []login
	host  string // that the page is asked by
	page  net.Listener
}

// login is a demo's credential, the same at every start. The Sim itself keeps no secrets.
type login struct{ user, secret, code string }

// doors are how many listeners the simulator has: the page, the discovery host and two zones.
const doors = 4

// newSimulator fills a simulated PSA and listens on the address and the three ports after it. Its error says which
// address is the trouble and what to do.
func newSimulator(listen string) (*simulator, error) {
	listeners, err := listenInARow(listen, doors)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("the simulator's address: %w", err)
	}
	s := &simulator{sim: psatest.New(), host: host, page: listeners[0]}
	s.sim.Adjust(psatest.AutotaskLimits)
	s.sim.KeepLedger(10_000)
	s.sim.DiscoveryOn(listeners[1])
	s.populate(s.sim.AddZoneOn("First", listeners[2]), s.sim.AddZoneOn("Second", listeners[3]))
	return s, nil
}

// populate seeds a tenant in each zone.
func (s *simulator) populate(first, second *psatest.Zone) {
	example, sample := s.sim.AddTenant("Example Ltd", first), s.sim.AddTenant("Sample & Sons", second)
	for _, t := range []*psatest.Tenant{example, sample} {
		t.SetLockThreshold(threshold)
		t.Seed(60)
	}
	s.add(example, login{"api@example.com", "example-password-1", "EXAMPLE-TRACKING-CODE"})
	s.add(example, login{"reports@example.com", "reports-password-1", "EXAMPLE-TRACKING-CODE"})
	s.add(sample, login{"api@sample.example", "sample-password-1", "SAMPLE-TRACKING-CODE"})
}

func (s *simulator) add(t *psatest.Tenant, l login) {
	t.AddUser(l.user, l.secret, l.code)
	s.users = append(s.users, l)
}

// listenInARow listens on an address and on the ports that follow it; port 0 is any free ones.
func listenInARow(listen string, n int) (row []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range row {
				_ = l.Close()
			}
		}
	}()
	host, first, err := firstPort(listen, n)
	if err != nil {
		return nil, err
	}
	for i := range n {
		port := first
		if first != 0 {
			port += i
		}
		addr := net.JoinHostPort(host, strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return row, fmt.Errorf("%s is taken by another program: stop that, or choose another address for the first of %d ports, such as -listen 127.0.0.1:9100", addr, n)
		case err != nil:
			return row, fmt.Errorf("the simulator cannot listen on %s: %w; choose an address such as -listen 127.0.0.1:9000", addr, err)
		}
		row = append(row, l)
	}
	return row, nil
}

// firstPort takes an address apart. Every zone's URL carries the host, so that it must be one that clients can dial.
func firstPort(listen string, n int) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("the simulator cannot listen on %s: it is no host and port; choose an address such as -listen 127.0.0.1:9000", listen)
	}
	port, err = strconv.Atoi(text)
	ip := net.ParseIP(host)
	switch {
	case err != nil || port < 0 || port+n-1 > 65535:
		return "", 0, fmt.Errorf("the simulator needs %d ports in a row, and %q is no number from which they can be counted; choose an address such as -listen 127.0.0.1:9000", n, text)
	case host == "" || ip != nil && ip.IsUnspecified():
		return "", 0, fmt.Errorf("the simulator cannot listen on %s: the PSA's answers carry the host, so name one that clients can reach, such as -listen 127.0.0.1:9000", listen)
	}
	return host, port, nil
}

// simulate runs the simulator until the context ends. Its error says what did not start.
func simulate(ctx context.Context, listen string, t *terminal) error {
	s, err := newSimulator(listen)
	if err != nil {
		return err
	}
	defer s.sim.Close()
	server := &http.Server{
		Handler: newPage(s.sim, s.host), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: log.New(t.out, "page: ", 0),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.page) }()
	t.simulator(s)
	select {
	case err := <-served:
		return fmt.Errorf("the page of the simulator: %w", err)
	case <-ctx.Done():
	}
	t.say("", "Stopped.")
	if err := server.Close(); err != nil {
		return fmt.Errorf("stopping the page of the simulator: %w", err)
	}
	return nil
}

// simulator tells where everything is and how to sign in.
func (t *terminal) simulator(s *simulator) {
	t.say(
		t.in(bold, "A simulated PSA"), "",
		"  page         http://"+s.page.Addr().String()+"/",
		"  discovery    "+s.sim.DiscoverURL(),
	)
	for _, z := range s.sim.Zones() {
		t.say(fmt.Sprintf("  zone %-6s  %s", z.Name(), z.URL()))
	}
	t.say("  SOAP         " + s.sim.DiscoverURL() + "/ATServices/1.6/atws.wsdl, and the same path at a zone")
	t.say("", fmt.Sprintf("It locks a user after %d failed sign-ins. These are for trying, and not secret:", threshold), "",
		t.in(dim, loginLine("UserName", "Secret", "ApiIntegrationCode", "zone")))
	for _, l := range s.users {
		t.say(loginLine(l.user, l.secret, l.code, s.sim.User(l.user).Tenant().Zone().Name()))
	}
	t.say("", "To copy:")
	for _, e := range s.examples() {
		t.say("", "  "+e.says+":", e.command)
	}
	t.say("", "It is up until Ctrl-C.")
}

func loginLine(user, secret, code, zone string) string {
	return fmt.Sprintf("  %-20s  %-19s  %-22s  %s", user, secret, code, zone)
}

func (s *simulator) examples() []example {
	l := s.users[0]
	url := s.sim.User(l.user).Tenant().Zone().URL() + "/ATServicesRest/V1.0/"
	return []example{
		{"the zone of a user, which anybody may ask", command("curl " + s.sim.DiscoverURL() + "/ATServicesRest/V1.0/zoneInformation?user=" + l.user)},
		{"a ticket", command("curl -H 'UserName: "+l.user+"'", "-H 'Secret: "+l.secret+"'", "-H 'ApiIntegrationCode: "+l.code+"'", url+"Tickets/1")},
	}
}
