package caddymodule

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// actsAsCaddy makes this test binary a Caddy whose engines are fakes that tell on standard output what they are asked;
// with the value real they are none.
const actsAsCaddy = "PSAGATE_TEST_ACTS_AS_CADDY"

func TestMain(m *testing.M) {
	time.Local = time.UTC // times of day in golden files
	if os.Getenv(actsAsCaddy) == "" {
		os.Exit(m.Run())
	}
	RegisterCommands()
	if os.Getenv(actsAsCaddy) == "real" {
		caddycmd.Main()
		return
	}
	configs := 0
	newEngine = func(caddy.Context, *App) (engine, error) {
		configs++
		n := configs
		return &fake{heard: func(what string) { fmt.Printf("config %d: %s\n", n, what) }}, nil
	}
	caddycmd.Main()
}

// house is a directory with all that a Caddy process of a test needs.
type house struct {
	dir  string
	real bool // its engines are no fakes
}

func newHouse(t *testing.T) house {
	t.Helper()
	dir, err := os.MkdirTemp("", "psa") // t.TempDir's paths are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := house{dir: dir}
	h.write(t, "first")
	return h
}

func (h house) path(name string) string { return filepath.Join(h.dir, name) }

// write writes a Caddyfile with a site and an admin endpoint on sockets.
func (h house) write(t *testing.T, comment string) {
	t.Helper()
	text := fmt.Sprintf(`# %s
{
	admin unix/%s
	persist_config off
	log {
		format psa
	}
	psa {
		secrets file %s
		login main {
			secret file autotask/main
		}
		integration itglue {
			key %s
		}
	}
}

http://psa.example.com {
	bind unix/%s
	log {
		output file %s
		format psa
	}
	log_append who {psa.integration}
	psa_gateway
}
`, comment, h.path("admin"), h.path("none"), hash1, h.path("site"), h.path("access.log"))
	if comment != "first" {
		text = strings.Replace(text, "persist_config off", "persist_config off\n\tgrace_period 1s", 1)
	}
	if err := os.WriteFile(h.path("Caddyfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command returns a process of this binary that acts as Caddy.
func (h house) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	as := "fake"
	if h.real {
		as = "real"
	}
	cmd.Env = append(os.Environ(), actsAsCaddy+"="+as, "XDG_DATA_HOME="+h.dir, "XDG_CONFIG_HOME="+h.dir, "HOME="+h.dir)
	return cmd
}

// start starts a server; the function that it returns reads what its engines tell up to a line.
func (h house) start(t *testing.T) (*exec.Cmd, func(line string) []string) {
	t.Helper()
	// One that hangs is killed, so that the test ends and shows its logs.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	server := h.command(ctx, "run", "--config", h.path("Caddyfile"), "--adapter", "caddyfile")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(h.path("caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server.Stderr = log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	lines := bufio.NewScanner(out)
	return server, func(until string) (told []string) {
		t.Helper()
		for lines.Scan() {
			told = append(told, lines.Text())
			if lines.Text() == until {
				return told
			}
		}
		text, _ := os.ReadFile(h.path("caddy.log"))
		t.Fatalf("the server ended before it told %q; it told %q and logged:\n%s", until, told, text)
		return nil
	}
}

// call sends a request with a key wherever it may be, and returns the answer's status.
func (h house) call(t *testing.T) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", h.path("site"))
	}}}
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://psa.example.com/ATServicesRest/V1.0/Tickets/7?key="+aKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Secret": {aKey}, "secret": {aKey}, "UserName": {"hidden-user"}, "ApiIntegrationCode": {"hidden-code"}, "X-Api-Key": {aKey}, "Referer": {aKey}}
	request.SetBasicAuth("hidden-user", aKey)
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// One process is started, called, asked, reloaded and stopped.
func TestALifeInCaddy(t *testing.T) {
	h := newHouse(t)
	server, tell := h.start(t)
	tell("config 1: commit")

	t.Run("serves calls and logs no key", func(t *testing.T) {
		if status := h.call(t); status != 200 {
			t.Errorf("status %d", status)
		}
		tell("config 1: proxy itglue ")
		h.checkLogs(t)
	})
	t.Run("answers commands with their exit status", func(t *testing.T) {
		for line, want := range map[string]int{
			"status": 0, "psa status": 0, "psa zones --json": 0, "release main --yes": 0, "psa check third": 1,
			"psa statsu": 2, "psa": 2, "status --bogus": 2, "release": 2, "psa key new itglue": 0,
		} {
			args := strings.Fields(line)
			if want != 2 {
				args = append(args, "--address", "unix/"+h.path("admin"))
			}
			cmd := h.command(t.Context(), args...)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("%s: exit status %d, want %d: %s", line, got, want, out)
			}
		}
		tell("config 1: release main 17ns")
	})
	t.Run("warns of what is unwise in the config that runs", func(t *testing.T) {
		out, err := h.command(t.Context(), "check", "second", "--address", "unix/"+h.path("admin")).Output()
		const want = "  ! integration itglue: nobody is named who answers for it\n"
		first := strings.Contains(string(out), "psa: this process made the store:")
		if err != nil || !first || !strings.HasPrefix(string(out), "config: 3 warnings\n") || !strings.Contains(string(out), want) || !strings.Contains(string(out), "login second: works") {
			t.Errorf("%v: it printed\n%s\nwant in it\n%s", err, out, want)
		}
		tell("config 1: check second")
	})
	t.Run("a reload commits the new config, closes the old, and drains nothing", func(t *testing.T) {
		h.write(t, "second")
		if out, err := h.command(t.Context(), "reload", "--config", h.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want := []string{"config 2: commit", "config 1: close"}
		if told := tell("config 1: close"); !slices.Equal(told, want) {
			t.Errorf("the engines told %q, want %q", told, want)
		}
	})
	t.Run("a refused reload commits nothing", func(t *testing.T) {
		h.refusedReload(t)
		want := []string{"config 3: close"}
		if told := tell("config 3: close"); !slices.Equal(told, want) {
			t.Errorf("the engines told %q, want %q", told, want)
		}
	})
	t.Run("a stop drains, and finishes what is put, before it closes", func(t *testing.T) {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		want := []string{"config 2: drain", "config 2: finish", "config 2: close"}
		if told := tell("config 2: close"); !slices.Equal(told, want) {
			t.Errorf("the engines told %q, want %q", told, want)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
}

// checkLogs looks for the key in the access log and in Caddy's own.
func (h house) checkLogs(t *testing.T) {
	t.Helper()
	access, err := os.ReadFile(h.path("access.log"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(h.path("caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(access), "/Tickets/7?key="+maskedKey) || !strings.Contains(string(access), `"who":"itglue"`) {
		t.Errorf("the call is not in the access log: %s", access)
	}
	for _, secret := range []string{aKey, aKey[8:], "hidden", "aGlkZGVu"} {
		if strings.Contains(string(access)+string(own), secret) {
			t.Errorf("%q is in a log:\n%s\n%s", secret, access, own)
		}
	}
}

// refusedReload tries to load a config that fails when everything was provisioned: a site's socket cannot be made.
func (h house) refusedReload(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(h.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	broken := string(text) + "\nhttp://other.example.com {\n\tbind unix//none/none\n\trespond ok\n}\n"
	if err := os.WriteFile(h.path("Broken"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := h.command(t.Context(), "reload", "--config", h.path("Broken"), "--adapter", "caddyfile").CombinedOutput(); err == nil {
		t.Fatalf("a config whose socket cannot be made was loaded: %s", out)
	}
}
