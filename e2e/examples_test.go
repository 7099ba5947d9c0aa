package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// examples are what is done with each example, by the name of its folder.
var examples = map[string]func(e *example){
	"smallest":         (*example).smallest,
	"vault-approle":    (*example).vaultAppRole,
	"vault-kubernetes": (*example).vaultKubernetes,
	"behind-caddy":     (*example).behindCaddy,
	"tenants":          (*example).tenants,
	"pool":             (*example).pool,
	"policies":         (*example).policies,
	"signin":           (*example).signin,
	"console":          (*example).console,
	"web":              (*example).web,
	"mail":             (*example).mail,
}

func TestExamplesRunAsTheyStand(t *testing.T) {
	t.Parallel()
	folders := exampleFolders(t)
	for _, folder := range folders {
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try := examples[name]
			if try == nil {
				t.Fatal("no test starts this example")
			}
			e := newExample(t, folder)
			try(e)
			e.finish()
		})
	}
	if len(folders) != len(examples) {
		t.Errorf("%d examples have a test, and %d are there", len(examples), len(folders))
	}
}

// exampleFiles are the files, or folders, of examples/ that a pattern fits.
func exampleFiles(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(checkout(t), "examples", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("examples/%s: %d files, %v", pattern, len(found), err)
	}
	return found
}

// exampleFolders are those that can be run; examples/policies cannot.
func exampleFolders(t *testing.T) (folders []string) {
	t.Helper()
	for _, file := range exampleFiles(t, "*/Caddyfile") {
		folders = append(folders, filepath.Dir(file))
	}
	return folders
}

func exampleText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exampleHeader is the comment at the top of a file, without its signs.
func exampleHeader(text string) string {
	var header strings.Builder
	for line := range strings.Lines(text) {
		comment, found := strings.CutPrefix(line, "#")
		if !found {
			break
		}
		header.WriteString(strings.TrimPrefix(comment, " "))
	}
	return header.String()
}

func TestExamplesAreInGoodForm(t *testing.T) {
	t.Parallel()
	readme := exampleText(t, filepath.Join(checkout(t), "README.md"))
	for _, folder := range exampleFolders(t) {
		if link := "](examples/" + filepath.Base(folder) + "/Caddyfile)"; !strings.Contains(readme, link) {
			t.Errorf("the README has no link %s", link)
		}
	}
	w := newWorld(t)
	for _, file := range slices.Concat(exampleFiles(t, "*/Caddyfile"), exampleFiles(t, "*/*.caddyfile")) {
		text, name := exampleText(t, file), strings.TrimPrefix(file, checkout(t)+"/")
		if n := strings.Count(exampleHeader(text), "\n"); n < 2 {
			t.Errorf("%s: a header of %d lines", name, n)
		}
		if out, status := w.run("fmt", file); status != 0 || out != text {
			t.Errorf("%s is not as `psagate fmt` writes it: exit status %d:\n%s", name, status, out)
		}
		w.adaptsQuietly(file)
	}
}

// aWarning is the level of an entry in Caddy's log that is more than information.
var aWarning = regexp.MustCompile(`(?i)"level":"(warn|error)`)

// ourWord is of modules of psagate's: a handler, or the app.
var ourWord = regexp.MustCompile(`"psa(_\w+"|":)`)

// adaptsQuietly adapts a Caddyfile, and demands that nothing is said about it.
func (w *world) adaptsQuietly(file string) {
	w.Helper()
	out, status := w.run("adapt", "--config", file, "--adapter", "caddyfile")
	if status != 0 || aWarning.MatchString(out) {
		w.Errorf("%s: exit status %d: %s", file, status, out)
	}
	if isStock := strings.HasSuffix(file, "front.caddyfile"); isStock == ourWord.MatchString(out) {
		w.Errorf("%s: modules of psagate's where a stock Caddy is promised, or none where they are needed: %s", file, out)
	}
}
