package psagate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	fuzzed = "fuzz: elapsed: 0s, gathering baseline coverage: 2/2 completed, now fuzzing with 2 workers\nfuzz: elapsed: 3s, execs: 15902 (7660/sec), new interesting: 1 (total: 3)\n"
	failed = "FAIL\nexit status 1\nFAIL\texample.com/parser\t3.086s\n"
	ended  = "--- FAIL: FuzzParser (3.08s)\n    context deadline exceeded\n"
)

// fuzzing runs scripts/fuzz with a go that knows one fuzz target and prints an output.
func fuzzing(t *testing.T, output string, status string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	stand := "#!/bin/sh\nif [ \"$1\" = list ]; then echo " + dir + "; else cat " + dir + "/output; exit " + status + "; fi\n"
	for name, text := range map[string]string{"go": stand, "output": output, "parser_test.go": "package parser\n\nfunc FuzzParser(f *testing.F) {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "./scripts/fuzz", args...)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// Go takes the end of the fuzz time for a failure now and then (go.dev/issue/75804). That alone may pass.
func TestOnlyTheEndOfTheFuzzTimeIsForgiven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		output, status string
		passes         bool
	}{
		"it ends well":                             {fuzzed + "PASS\nok  \texample.com/parser\t3.1s\n", "0", true},
		"nothing but the end of the time":          {fuzzed + ended + failed, "1", true},
		"an input fails":                           {fuzzed + "--- FAIL: FuzzParser (0.02s)\n    --- FAIL: FuzzParser (0.00s)\n        parser_test.go:7: wrong\n    \n    Failing input written to testdata/fuzz/FuzzParser/0123\n    To re-run:\n    go test -run=FuzzParser/0123\n" + failed, "1", false},
		"an input fails when the time has ended":   {fuzzed + ended + "    Failing input written to testdata/fuzz/FuzzParser/0123\n    To re-run:\n    go test -run=FuzzParser/0123\n" + failed, "1", false},
		"an input is being minimized at the end":   {fuzzed + "fuzz: minimizing 40-byte failing input file\n" + ended + failed, "1", false},
		"a seed fails":                             {"--- FAIL: FuzzParser (0.00s)\n    --- FAIL: FuzzParser/a-seed (0.00s)\n        parser_test.go:7: wrong\n" + failed, "1", false},
		"the target itself says that a time ended": {fuzzed + "--- FAIL: FuzzParser (0.02s)\n    --- FAIL: FuzzParser (0.00s)\n        parser_test.go:7: context deadline exceeded\n    context deadline exceeded\n" + failed, "1", false},
		"it panics":                                {fuzzed + ended + "panic: runtime error: index out of range\n" + failed, "2", false},
		"a worker dies":                            {fuzzed + "--- FAIL: FuzzParser (3.08s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\n" + failed, "1", false},
		"another target's time ended":              {fuzzed + strings.Replace(ended, "FuzzParser", "FuzzOther", 1) + failed, "1", false},
		"it does not build":                        {"# example.com/parser\n./parser_test.go:3:1: undefined: f\nFAIL\texample.com/parser [build failed]\nFAIL\n", "1", false},
		"it does not fuzz":                         {"testing: warning: no fuzz tests to fuzz\nPASS\nok  \texample.com/parser\t0.1s\n", "0", false},
		"it says nothing":                          {"", "1", false},
	} {
		said, err := fuzzing(t, c.output, c.status, "3s", ".")
		if (err == nil) != c.passes || !strings.Contains(said, "FuzzParser") {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

func TestAFuzzTargetThatIsNotThereIsMissed(t *testing.T) {
	t.Parallel()
	good := fuzzed + "PASS\n"
	if said, err := fuzzing(t, good, "0", "3s", "Renamed"); err == nil || !strings.Contains(said, "no fuzz target matches Renamed") {
		t.Errorf("a pattern that fits none: %v\n%s", err, said)
	}
	if said, err := fuzzing(t, good, "0"); err == nil || !strings.Contains(said, "no fuzz target matches ParseOperation") {
		t.Errorf("without the targets that each run must have: %v\n%s", err, said)
	}
}
