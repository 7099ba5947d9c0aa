package issuertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/realparts"
)

// Provider is the npm package oidc-provider, which is certified, as a process of a test's own. It knows ann, who is in ops and
// sales, and bob, who is in no group and whose address is not verified; any password will do.
type Provider struct {
	// URL is its own.
	URL string
}

// Client is what the provider knows of psagate: where it may send browsers, and where it says that somebody is signed out (empty:
// nowhere). Its id and its secret are ClientID and ClientSecret.
type Client struct {
	Callbacks, SignedOut []string
	BackChannel          string
}

// patience bounds what a test waits for; on an idle machine all of it takes a moment.
const patience = 60 * time.Second

// StartProvider runs a provider until the test ends. Where there is no node, or the package is not installed, the test is left out.
func StartProvider(t testing.TB, c Client) *Provider {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(here), "op")
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "oidc-provider"))
	}
	if err != nil {
		realparts.LeftOut(t, "sign-in with the npm package oidc-provider (%v); it needs node and `npm ci --prefix internal/issuertest/op`", err)
	}
	settings, err := json.Marshal(map[string]any{
		"client": ClientID, "secret": ClientSecret, "callbacks": c.Callbacks, "signedOut": c.SignedOut, "backChannel": c.BackChannel,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Provider{URL: run(t, dir, string(settings))}
}

// run starts the process and returns the first line that it prints.
func run(t testing.TB, dir, settings string) string {
	t.Helper()
	cmd := exec.Command("node", "op.mjs", settings)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_NO_WARNINGS=1"}
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe() // it ends when this is closed, so also when the test process is gone
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
	first := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		lines := bufio.NewScanner(out)
		lines.Scan()
		first <- lines.Text()
		_, _ = io.Copy(io.Discard, out)
	})
	t.Cleanup(func() {
		_ = stdin.Close()
		reading.Wait()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the provider printed: %s", said.String())
		}
	})
	select {
	case line := <-first:
		if !strings.HasPrefix(line, "http://") {
			t.Fatalf("the provider did not start: %q", line)
		}
		return line
	case <-time.After(patience):
		t.Fatal("the provider does not start")
		return ""
	}
}

// MachineToken is the access token of the machine rmm for an audience, by client credentials.
func (p *Provider) MachineToken(ctx context.Context, audience string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}, "resource": {audience}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth("rmm", "rmm-secret-of-the-tests")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.AccessToken, err
}
