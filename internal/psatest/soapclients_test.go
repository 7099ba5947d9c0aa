package psatest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
	"github.com/psagate/psagate/internal/realparts"
)

// soapClient is a client that was not written here, told what to do by testdata/soapclients/README.md's steps.
type soapClient struct {
	*testing.T
	in    io.Writer
	lines *bufio.Scanner
}

// soapClients are those that there are, by name: how to find out whether one is here, and how to start it.
var soapClients = map[string]struct{ probe, command []string }{
	"zeep":     {[]string{"/usr/bin/python3", "-c", "import zeep"}, []string{"/usr/bin/python3", "zeep_client.py"}},
	"suds":     {[]string{"/usr/bin/python3", "-c", "import suds"}, []string{"/usr/bin/python3", "suds_client.py"}},
	"php-soap": {[]string{"php", "-r", `exit(extension_loaded("soap") ? 0 : 1);`}, []string{"php", "php_client.php"}},
}

// startClient starts a client with a login, which is all that it knows.
func startClient(t *testing.T, name string) *soapClient {
	t.Helper()
	c := soapClients[name]
	if err := exec.Command(c.probe[0], c.probe[1:]...).Run(); err != nil {
		realparts.LeftOut(t, "the SOAP client %s (%v); it needs Debian's python3-zeep, python3-suds, php-cli and php-soap", name, err)
	}
	cmd := exec.CommandContext(t.Context(), c.command[0], c.command[1:]...)
	cmd.Dir, cmd.Stderr = "testdata/soapclients", os.Stderr
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PSA_USER=" + userName, "PSA_SECRET=" + secret, "PSA_CODE=" + code}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		// The test's end may have killed it before it came to the end of its input.
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &soapClient{T: t, in: in, lines: lines}
}

// told is one line of a client's.
type told struct {
	OK     map[string]any
	Error  string
	Kind   string
	Status int
	Code   string
}

// step tells the client to do something and waits until it says what came of it.
func (c *soapClient) step(words ...any) told {
	c.Helper()
	line, err := json.Marshal(words)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", line); err != nil {
		c.Fatal(err)
	}
	if !c.lines.Scan() {
		c.Fatalf("%s: it ended: %v", line, c.lines.Err())
	}
	var got told
	if err := json.Unmarshal(c.lines.Bytes(), &got); err != nil {
		c.Fatalf("%s: %v: %s", line, err, c.lines.Text())
	}
	return got
}

// must is a step that goes well.
func (c *soapClient) must(words ...any) map[string]any {
	c.Helper()
	got := c.step(words...)
	if got.OK == nil {
		c.Fatalf("%v: %+v", words, got)
	}
	return got.OK
}

func (c *soapClient) want(what string, got, want any) {
	c.Helper()
	if !reflect.DeepEqual(got, want) {
		c.Errorf("%s: %v, want %v", what, got, want)
	}
}

// realWorld is a PSA on sockets, as the clients need it.
type realWorld struct {
	sim    *psatest.Sim
	z5, z6 *psatest.Zone
	tenant *psatest.Tenant
	user   *psatest.User
}

func newRealWorld(t *testing.T) *realWorld {
	w := &realWorld{sim: psatest.New()}
	t.Cleanup(w.sim.Close)
	w.z5, w.z6 = w.sim.AddZone("5"), w.sim.AddZone("6")
	w.tenant = w.sim.AddTenant("Example", w.z5)
	w.tenant.Seed(3)
	w.user = w.tenant.AddUser(userName, secret, code)
	return w
}

const wsdlPath = "/atservices/1.6/atws.wsdl"

func eachClient(t *testing.T, test func(*soapClient, *realWorld)) {
	for name := range soapClients {
		t.Run(name, func(t *testing.T) { test(startClient(t, name), newRealWorld(t)) })
	}
}

// ofOne is the first of a list in what a client told.
func ofOne(list any) map[string]any {
	all, _ := list.([]any)
	if len(all) == 0 {
		return nil
	}
	one, _ := all[0].(map[string]any)
	return one
}

func TestClientsOfOthersFindTheirZoneAndDoTheirWork(t *testing.T) {
	eachClient(t, func(c *soapClient, w *realWorld) {
		zone := c.must("zone", w.sim.DiscoverURL()+wsdlPath)
		c.want("the zone", zone["url"], w.z5.URL()+asmx)
		c.want("its error code", zone["errorCode"], 0.0)
		c.want("operations", len(c.must("open", w.z5.URL()+wsdlPath)["operations"].([]any)), 14)
		c.want("the threshold", c.must("threshold")["returnCode"], 1.0)

		made := c.must("create", "Ticket", map[string]any{"AccountID": 1, "Title": "Grüße & <mehr>", "Status": 1, "Priority": 2, "QueueID": 8})
		c.want("a ticket", ofOne(made["infos"])["id"], 4.0)
		read := ofOne(c.must("query", queryXML("Ticket", field("Title", "contains", "mehr")))["entities"])
		c.want("its title", read["Title"], "Grüße & <mehr>")
		c.want("its account", read["AccountID"], 1.0)
		changed := c.must("update", "Ticket", map[string]any{"id": 4, "AccountID": 1, "Title": "Changed", "Status": 5, "Priority": 2, "QueueID": 8})
		c.want("what became of it", ofOne(changed["infos"])["action"], "Updated")
		c.want("the ticket of REST", w.tenant.Records("Tickets")[3]["title"], "Changed")

		c.want("a group", ofOne(c.must("create", "ContactGroup", map[string]any{"Name": "VIP"})["infos"])["id"], 1.0)
		c.want("it is gone", c.must("delete", "ContactGroup", map[string]any{"id": 1, "Name": "VIP"})["returnCode"], 1.0)
		c.want("groups", len(w.tenant.Records("ContactGroups")), 0)
		c.want("failed sign-ins", len(w.sim.Ledger().Failed()), 0)
	})
}

func queryXML(entity, conditions string) string {
	return `<queryxml><entity>` + entity + `</entity><query>` + conditions + `</query></queryxml>`
}

func TestClientsOfOthersAskWhatThereIsAndAttachFiles(t *testing.T) {
	eachClient(t, func(c *soapClient, w *realWorld) {
		c.must("open", w.z5.URL()+asmx+"?wsdl")
		c.want("entities", len(c.must("entities")["names"].([]any)), 10)
		c.want("the first field", c.must("fields", "Account")["names"].([]any)[0], "id")
		c.want("an attachment", c.must("attach", 1, "a.txt", "hello")["id"], 1.0)
		c.want("it is read", c.must("attachment", 1), map[string]any{"title": "a.txt", "text": "hello"})
		c.want("the file of REST", w.tenant.Records("TicketAttachments")[0]["data"], "aGVsbG8=")
		c.want("nothing is wrong", c.must("detach", 1)["said"], "")
		c.want("files", len(w.tenant.Records("TicketAttachments")), 0)
		c.want("the version", c.must("version")["version"], "1.6")
	})
}

// An error of each kind is one to these clients too, and it is told in words wherever there are any.
func TestClientsOfOthersSeeWhatIsWrong(t *testing.T) {
	eachClient(t, func(c *soapClient, w *realWorld) {
		c.must("open", w.z5.URL()+wsdlPath)
		bad := c.must("query", queryXML("Unicorn", field("id", "equals", "1")))
		c.want("a ReturnCode", bad["returnCode"], -1.0)
		c.want("its text", bad["errors"], []any{"The entity Unicorn does not exist."})
		c.want("a fault", c.step("fields", "Unicorn").Error, "The entity Unicorn does not exist.")

		w.user.SetSecret("new")
		if got := c.step("threshold"); got.OK != nil || got.Status != 401 && got.Code != "HTTP" {
			c.Errorf("a refused sign-in: %+v", got)
		}
		c.want("one call, one sign-in", len(w.sim.Ledger().Failed()), 1)

		w.sim.Adjust(func(b *psatest.Behaviour) { b.LockedFault = true })
		w.tenant.SetLockThreshold(1)
		c.step("threshold")
		c.want("a locked user", c.step("threshold").Error, "The user account has been locked.  Please see your Autotask Administrator for details.")
	})
}

// Where the WSDL leads is where the calls go, whichever host gave it out.
func TestClientsOfOthersGoWhereTheWSDLLeads(t *testing.T) {
	eachClient(t, func(c *soapClient, w *realWorld) {
		w.sim.Adjust(func(b *psatest.Behaviour) { b.SOAPAddress = psatest.AddressDiscovery })
		w.sim.Discovery()
		c.must("open", w.z5.URL()+wsdlPath)
		c.step("threshold")
		c.want("calls of the zone", w.z5.Requests().Judged, 0)
		c.want("calls of the host without a number", w.sim.Discovery().Requests().Judged, 1)
		c.want("why it is refused", w.sim.Ledger()[0].Cause, psatest.CauseWrongZone)
	})
}
