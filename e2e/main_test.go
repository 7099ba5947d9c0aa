package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built is the folder of the binaries, gone after the tests.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "psagate-e2e"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built)
	return m.Run()
}

// builds make the binary with and without the race detector, each once and only if a test wants it.
var builds = map[bool]func() (string, error){
	true:  sync.OnceValues(func() (string, error) { return build("psagate-race", "-race") }),
	false: sync.OnceValues(func() (string, error) { return build("psagate") }),
}

func build(name string, flags ...string) (string, error) {
	if err := lookAtTheSource(); err != nil {
		return "", err
	}
	path := filepath.Join(built, name)
	args := append([]string{"build", "-o", path}, flags...)
	out, err := exec.Command("go", append(args, "github.com/psagate/psagate/cmd/psagate")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building psagate: %w\n%s", err, out)
	}
	return path, nil
}

// lookAtTheSource has the go command know that the tests' results go by all of the source: it remembers results, and takes
// into account which files a test looks at, but not what the test has built.
func lookAtTheSource() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != "..":
			return filepath.SkipDir
		case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"), strings.HasPrefix(entry.Name(), "go."):
			_, err = os.Stat(path)
		}
		return err
	})
}

// binary returns the path of psagate, built with or without the race detector.
func binary(t *testing.T, race bool) string {
	t.Helper()
	path, err := builds[race]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
