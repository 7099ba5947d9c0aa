package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/realparts"
)

// soapClients are SOAP clients that were not written here, by name: how to find out whether one is here, and how to start it. What they
// are told is in the README beside their scripts.
var soapClients = map[string]struct{ probe, command []string }{
	"zeep":     {[]string{"/usr/bin/python3", "-c", "import zeep"}, []string{"/usr/bin/python3", "zeep_client.py"}},
	"suds":     {[]string{"/usr/bin/python3", "-c", "import suds"}, []string{"/usr/bin/python3", "suds_client.py"}},
	"php-soap": {[]string{"php", "-r", `exit(extension_loaded("soap") ? 0 : 1);`}, []string{"php", "php_client.php"}},
}

// soapClient is one that runs.
type soapClient struct {
	*testing.T
	name  string
	in    io.Writer
	lines *bufio.Scanner
	said  bytes.Buffer // on standard error
}

// soapClient starts a client with an integration's name, a key of psagate's, and any integration code: that is all it knows.
func (w *world) soapClient(name, integration string) *soapClient {
	w.Helper()
	of := soapClients[name]
	if err := exec.Command(of.probe[0], of.probe[1:]...).Run(); err != nil {
		realparts.LeftOut(w.T, "the SOAP client %s through psagate (%v); it needs Debian's python3-zeep, python3-suds, php-cli and php-soap", name, err)
	}
	c := &soapClient{T: w.T, name: name}
	cmd := exec.Command(of.command[0], of.command[1:]...)
	cmd.Dir, cmd.Stderr = "../internal/psatest/testdata/soapclients", &c.said
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.T.TempDir(), // where suds keeps WSDLs
		"PSA_USER=" + integration, "PSA_SECRET=" + w.keys[integration].Reveal(), "PSA_CODE=anything",
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		w.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
		if w.Failed() {
			w.Logf("%s printed: %s", name, c.said.String())
		}
	})
	c.in, c.lines = in, bufio.NewScanner(out)
	c.lines.Buffer(nil, 1<<20)
	return c
}

// toldBySOAP is one line of a client's.
type toldBySOAP struct {
	OK     map[string]any
	Error  string
	Kind   string
	Status int
	Code   string
}

// step tells the client to do something, and waits until it says what came of it.
func (c *soapClient) step(words ...any) (got toldBySOAP) {
	c.Helper()
	line, err := json.Marshal(words)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", line); err != nil {
		c.Fatal(err)
	}
	if !c.lines.Scan() {
		c.Fatalf("%s: %s ended: %v", c.name, line, c.lines.Err())
	}
	if err := json.Unmarshal(c.lines.Bytes(), &got); err != nil {
		c.Fatalf("%s: %s: %v: %s", c.name, line, err, c.lines.Text())
	}
	return got
}

// must is a step that goes well.
func (c *soapClient) must(words ...any) map[string]any {
	c.Helper()
	got := c.step(words...)
	if got.OK == nil {
		c.Fatalf("%s: %v: %+v", c.name, words, got)
	}
	return got.OK
}

// entities is how many records a step's answer has.
func (c *soapClient) entities(words ...any) int {
	c.Helper()
	answer := c.must(words...)
	if answer["returnCode"] != 1.0 {
		c.Fatalf("%s: %v: %v", c.name, words, answer)
	}
	all, _ := answer["entities"].([]any)
	return len(all)
}

// queryXML is a query of all records of an entity from an id on.
func queryXML(entity string, from int) string {
	return fmt.Sprintf(`<queryxml><entity>%s</entity><query><field>id<expression op="greaterthanorequals">%d</expression></field></query></queryxml>`, entity, from)
}

// shows demands that a step fails, and that the client's user sees why.
func (c *soapClient) shows(what, text string, words ...any) {
	c.Helper()
	got := c.step(words...)
	c.Logf("%s shows, %s: %s %s: %s", c.name, what, got.Kind, got.Code, got.Error)
	if got.OK != nil || !strings.Contains(got.Error, text) {
		c.Errorf("%s: %s: %+v, want %q", c.name, what, got, text)
	}
}

// showsNoKey demands that a client without a good key sees the PSA's own 401.
func (c *soapClient) showsNoKey() {
	c.Helper()
	got := c.step("query", queryXML("Ticket", 1))
	c.Logf("%s shows, without a good key: %s %s %d: %s", c.name, got.Kind, got.Code, got.Status, got.Error)
	if got.OK != nil || got.Status != 401 && got.Code != "HTTP" {
		c.Errorf("%s: without a good key: %+v", c.name, got)
	}
}
