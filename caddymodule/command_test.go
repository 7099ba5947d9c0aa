package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
)

// result is what a command printed, and its exit status.
type result struct {
	out, err string
	status   int
}

// run runs a command line in this process.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith runs a command line that has an input.
func runWith(t *testing.T, input string, args ...string) result {
	t.Helper()
	root := &cobra.Command{Use: "psagate"}
	parent(root, commands)
	root.SetArgs(args)
	root.SetIn(strings.NewReader(input))
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	status := exitYes
	if err := root.Execute(); err != nil {
		status = exitNo
		_, _ = fmt.Sscanf(err.Error(), "exiting with status %d", &status)
	}
	return result{out.String(), errs.String(), status}
}

// running returns the address of an admin endpoint with that engine.
func running(t *testing.T, engine engine) string {
	t.Helper()
	server := httptest.NewServer(adminServer(t, engine))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestCommandsPrintTheirGoldenFiles(t *testing.T) {
	makeRunning(t, adviceParts{})
	for name, args := range map[string]string{
		"status":            "status",
		"status-json":       "status --json",
		"failures":          "failures",
		"failures-json":     "failures --json",
		"failures-none":     "failures --login second --since 7d",
		"failures-unknown":  "failures --login third",
		"failures-since":    "failures --since yesterday",
		"failures-argument": "failures main",
		"zones":             "zones",
		"zones-json":        "zones --json",
		"alerts-test":       "alerts test",
		"alerts-test-json":  "alerts test --json",
		"check":             "check",
		"check-json":        "check --json",
		"check-one":         "check second",
		"check-unknown":     "check third",
		"rotate":            "rotate crew",
		"rotate-json":       "rotate crew --json",
		"rotate-well":       "rotate well --timeout 90s",
		"rotate-busy":       "rotate busy",
		"rotate-unknown":    "rotate third",
		"rotate-no-name":    "rotate",
		"rotate-two-names":  "rotate crew well",
		"rotate-timeout":    "rotate crew --timeout 0s",
		"disable":           "disable itglue --reason loops",
		"disable-json":      "disable itglue --json",
		"disable-unknown":   "disable third",
		"disable-no-name":   "disable",
		"enable":            "enable itglue",
		"enable-config":     "enable backup",
		"enable-json":       "enable itglue --json",
		"enable-unknown":    "enable third",
		"release":           "release main --yes",
		"release-json":      "release second --yes --json",
		"release-unknown":   "release third --yes",
		"release-unasked":   "release main",
		"release-no-name":   "release",
		"release-two-names": "release main second --yes",
		"status-argument":   "status main",
		"status-flag":       "status --jsn",
		"unknown":           "statsu",
		"none":              "",
		"key-none":          "key",
		"key-unknown":       "key old",
		"key-new-no-name":   "key new",
		"key-new-bad-name":  "key new a/b",
	} {
		t.Run(name, func(t *testing.T) {
			line := strings.Fields(args)
			address := running(t, &fake{checkFails: "main"})
			if len(line) > 0 && line[0] != "key" && line[0] != "statsu" {
				line = append(line, "--address", address)
			}
			got := run(t, line...)
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", args, got.out, got.err, got.status)
			golden(t, filepath.Join("testdata/command", name+".golden"), strings.ReplaceAll(text, address, "<address>"))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run the test with -update.\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestANewKeyFitsItsCaddyfileLine(t *testing.T) {
	got := run(t, "key", "new", "itglue", "--json")
	var made map[string]string
	if err := json.Unmarshal([]byte(got.out), &made); err != nil || got.status != exitYes {
		t.Fatalf("%v: %+v", err, got)
	}
	key, err := identity.ParseKey(made["key"])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"integration": "itglue", "id": key.Hash().ID(), "key": made["key"], "caddyfile": "key " + key.Hash().String()}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", made, want)
	}
	if again := run(t, "key", "new", "itglue", "--json"); again.out == got.out {
		t.Error("the same key was made twice")
	}
}

func TestANewKeyIsPrintedOnce(t *testing.T) {
	got := run(t, "key", "new", "itglue")
	if strings.Count(got.out, "psagate_") != 1 || strings.Count(got.out, "key sha256:") != 1 || got.status != exitYes {
		t.Errorf("%+v", got)
	}
}

func TestReleaseTakesWhatItShows(t *testing.T) {
	engine := new(fake)
	run(t, "release", "main", "--yes", "--address", running(t, engine))
	if got := strings.Join(engine.told(), ","); got != "release main 17ns" {
		t.Errorf("the engine was told: %s", got)
	}
}

func TestNothingIsReleasedAndNobodyAskedWhileTheStoreCannotBeRead(t *testing.T) {
	engine := &fake{noStore: true}
	got := run(t, "release", "main", "--yes", "--address", running(t, engine))
	want := "psagate release: login main: the store of the guard cannot be read, so that it is neither known what to forgive nor can it be recorded: no such file\n"
	if told := engine.told(); got.status != exitNo || got.err != want || len(told) != 0 {
		t.Errorf("%+v, and the engine was told %q", got, told)
	}
}

func TestOnlyYesIsYes(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES \n": true, "yes": true, "\n": false, "": false, "n\n": false, "yess\n": false, "main\n": false} {
		var out bytes.Buffer
		if got := confirmed(strings.NewReader(answer), &out, "Unlocked?"); got != want || out.String() != "Unlocked? [y/N] " {
			t.Errorf("%q is %v after %q", answer, got, &out)
		}
	}
}

func TestReleaseAsksAboutTheLastRefusal(t *testing.T) {
	login := report.LoginStatus{Name: "main"}
	for _, c := range []struct {
		refusal *report.RefusalStatus
		want    string
	}{
		{nil, "login main: no refusal of ours is recorded. Unlocked?"},
		{&report.RefusalStatus{At: noon.Add(-2 * 3600e9)}, "login main: unlocked after 10:00:00, the last refusal?"},
		{&report.RefusalStatus{At: noon.Add(-24 * 3600e9)}, "login main: unlocked after 2026-03-03 12:00:00, the last refusal?"},
	} {
		login.LastRefusal = c.refusal
		if got := unlocked(login, noon); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCommandsSayThatNoServerRuns(t *testing.T) {
	for _, line := range []string{"status", "failures", "zones", "check", "check main", "release main --yes", "rotate crew"} {
		args := append(strings.Fields(line), "--address", "unix/"+filepath.Join(t.TempDir(), "none.sock"))
		if got := run(t, args...); got.status != exitNo || !strings.Contains(got.err, "asking the server at unix/") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestCommandsFindTheAddressInTheConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	for _, line := range []string{"status", "zones", "check", "release main --yes", "rotate well"} {
		if err := os.WriteFile(file, []byte("{\n\tadmin "+running(t, new(fake))+"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(t, append(strings.Fields(line), "--config", file, "--adapter", "caddyfile")...); got.status != exitYes {
			t.Errorf("%s: %+v", line, got)
		}
		if got := run(t, append(strings.Fields(line), "--config", file+".none")...); got.status != exitNo || !strings.Contains(got.err, "finding the admin endpoint") {
			t.Errorf("%s with a config that is not there: %+v", line, got)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsAnError(t *testing.T) {
	server := httptest.NewServer(nil) // answers 404 page not found
	defer server.Close()
	if got := run(t, "status", "--address", server.Listener.Addr().String()); got.status != exitNo || !strings.Contains(got.err, "HTTP 404: 404 page not found") {
		t.Errorf("%+v", got)
	}
}

func TestRotateTellsTheEngineHowLongToWait(t *testing.T) {
	for line, want := range map[string]string{"rotate crew": "rotate crew within 2m0s", "rotate well --timeout 90s": "rotate well within 1m30s"} {
		engine := new(fake)
		run(t, append(strings.Fields(line), "--address", running(t, engine))...)
		if got := strings.Join(engine.told(), ","); got != want {
			t.Errorf("%s: the engine was told: %s", line, got)
		}
	}
}

func TestARotationWhoseAnswerBreaksOffHasFailed(t *testing.T) {
	got := run(t, "rotate", "broken", "--address", running(t, new(fake)))
	if got.status != exitNo || !strings.Contains(got.out, "login second: version 4 serves") || !strings.Contains(got.err, "broke off, and how far it came is in its log") {
		t.Errorf("%+v", got)
	}
}
