package main

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/psagate/psagate/internal/realparts"
)

var urls = regexp.MustCompile(`(?m)^  (page|discovery|zone First|zone Second) +(http://\S+)$`)

var wsdl = regexp.MustCompile(`(?m)^  SOAP +(http://\S+/atws\.wsdl),`)

func TestTheSimulatorStandsAlone(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "whole", "-simulator")
	told := d.until("It is up until Ctrl-C.")
	at := map[string]string{}
	for _, m := range urls.FindAllStringSubmatch(told, -1) {
		at[m[1]] = m[2]
	}
	if len(at) != 4 {
		t.Fatalf("it tells\n%s", told)
	}
	for _, want := range []string{"example-password-1", "EXAMPLE-TRACKING-CODE", "api@sample.example", "locks a user after 7"} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not tell %q:\n%s", want, told)
		}
	}
	if status := get(t, at["discovery"]+"/ATServicesRest/V1.0/zoneInformation?user=api@sample.example", at["zone Second"]); status != 200 {
		t.Errorf("the lookup got %d", status)
	}
	if status := get(t, at["zone First"]+"/ATServicesRest/V1.0/Version", "", "UserName", "api@example.com", "Secret", "example-password-1", "ApiIntegrationCode", "EXAMPLE-TRACKING-CODE"); status != 200 {
		t.Errorf("the sign-in got %d", status)
	}
	if soap := wsdl.FindStringSubmatch(told); soap == nil || get(t, soap[1], at["discovery"]+"/ATServices/1.6/atws.asmx") != 200 {
		t.Errorf("no WSDL in\n%s", told)
	}
	if status := get(t, at["page"], "/ATServicesRest/V1.0/Version"); status != 200 {
		t.Errorf("the page got %d", status)
	}
	if err := d.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest := d.until("")
	if err := d.Wait(); err != nil || !strings.Contains(rest, "Stopped.") || len(d.left(t)) > 0 || d.errs.String() != "" {
		t.Errorf("%v: %s %s, it leaves %q", err, rest, d.errs.String(), d.left(t))
	}
}

// get makes a call and wants a text in the answer.
func get(t *testing.T, url, want string, headers ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s: %v: it has no %q: %s", url, err, want, text)
	}
	return res.StatusCode
}

func TestTheSimulatorsExamplesWork(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		realparts.LeftOut(t, "the simulator's examples, as curl runs them")
	}
	d := startDemo(t, "whole", "-simulator")
	told := d.until("It is up until Ctrl-C.")
	found := commands.FindAllStringSubmatch(told, -1)
	if len(found) != 2 {
		t.Fatalf("%d examples in\n%s", len(found), told)
	}
	for i, want := range []string{`"zoneName":"First"`, `"ticketNumber"`} {
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", found[i][1]).Output(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s\n%v: %s", found[i][1], err, out)
		}
	}
	if err := d.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	d.until("")
	if err := d.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWhereTheSimulatorCannotListenIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for name, tc := range map[string]struct{ listen, says string }{
		"no address":                         {"9000", "it is no host and port"},
		"a port that is no number":           {"127.0.0.1:web", "is no number from which they can be counted"},
		"a port too near the last":           {"127.0.0.1:65533", "4 ports in a row"},
		"all addresses":                      {"0.0.0.0:9000", "name one that clients can reach"},
		"all addresses of IPv6":              {"[::]:9000", "name one that clients can reach"},
		"no host":                            {":9000", "name one that clients can reach"},
		"a port that is taken":               {taken.Addr().String(), taken.Addr().String() + " is taken by another program"},
		"a port of the row that is taken":    {"127.0.0.1:" + strconv.Itoa(port-1), " is taken by another program"},
		"an address that is not this host's": {"192.0.2.1:9000", "the simulator cannot listen on 192.0.2.1:9000"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, errs := runInto(t, "-simulator", "-listen", tc.listen); status != 1 || !strings.Contains(errs, tc.says) {
				t.Errorf("exit status %d: %s", status, errs)
			}
		})
	}
	if status, errs := runInto(t, "-simulator", "-once"); status != 2 || !strings.Contains(errs, "leave one out") {
		t.Errorf("-once: exit status %d: %s", status, errs)
	}
}
