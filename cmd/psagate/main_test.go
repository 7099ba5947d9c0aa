package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// actsAsPsagate makes this test binary the command.
const actsAsPsagate = "PSAGATE_TEST_ACTS_AS_PSAGATE"

func TestMain(m *testing.M) {
	if os.Getenv(actsAsPsagate) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// psagate runs the command and returns what it printed and its exit status.
func psagate(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), actsAsPsagate+"=1", "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir, "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestCommandsThatWouldReplaceTheBinaryAreRefused(t *testing.T) {
	for _, command := range []string{"upgrade", "add-package", "remove-package"} {
		out, status := psagate(t, command, "github.com/example/module")
		if status != 1 || !strings.Contains(out, "psagate "+command+": refused: it would replace this binary") {
			t.Errorf("%s: exit status %d: %s", command, status, out)
		}
	}
}

func TestTheBinaryHasPsagateInIt(t *testing.T) {
	out, status := psagate(t, "list-modules")
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, out)
	}
	modules := strings.Fields(out)
	for _, want := range []string{
		"psa", "psa.secrets.file", "http.handlers.psa_identify", "http.handlers.psa_proxy",
		"caddy.logging.encoders.psa", "admin.api.psa", "http.handlers.reverse_proxy",
	} {
		found := false
		for _, module := range modules {
			found = found || module == want
		}
		if !found {
			t.Errorf("module %s is missing", want)
		}
	}
}

func TestHelpIsPsagates(t *testing.T) {
	out, status := psagate(t, "help")
	for _, want := range []string{"psagate stands between", "  status ", "  check ", "  release ", "  key ", "  zones ", "  psa ", "  run "} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("exit status %d, and %q is missing from: %s", status, want, out)
		}
	}
}

func TestCommandsAreAtTheTopAndBelowPSA(t *testing.T) {
	for _, line := range []string{"key new itglue --json", "psa key new itglue --json"} {
		out, status := psagate(t, strings.Fields(line)...)
		if status != 0 || !strings.Contains(out, `"caddyfile": "key sha256:`) {
			t.Errorf("%s: exit status %d: %s", line, status, out)
		}
	}
}
