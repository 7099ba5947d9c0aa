package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder returns a new folder with files of some text each, by their names.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesAndFoldersAreRead(t *testing.T) {
	dir := folder(t, map[string]string{
		"p/b.cedar": "b", "p/a.cedar": "a", "p/a.cases.json": "no", "p/README.md": "no", "p/more.cedar/c.cedar": "no", "one.txt": "one",
		"p/._b.cedar": "\x00\x05no", "p/.b.cedar": "", "one/._b.cedar": "no",
	})
	if err := os.Symlink("jane@host.77:1", filepath.Join(dir, "p", ".#b.cedar")); err != nil { // as Emacs locks a file
		t.Fatal(err)
	}
	if _, err := ReadFiles(filepath.Join(dir, "one")); err == nil || !strings.Contains(err.Error(), "has no file") {
		t.Errorf("a folder with nothing else: %v", err)
	}
	sources, err := ReadFiles(filepath.Join(dir, "one.txt"), filepath.Join(dir, "p")+"/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sources {
		got = append(got, strings.TrimPrefix(s.Name, dir)+"="+string(s.Text))
	}
	if want := []string{"/one.txt=one", "/p/a.cedar=a", "/p/b.cedar=b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := folder(t, map[string]string{"a.cedar": "a", "empty/x.txt": "", "cut/off.cedar": " \n"})
	for _, test := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"a file that is not there", []string{"b.cedar"}, "b.cedar: no such file"},
		{"a folder without policies", []string{"empty"}, "has no file that ends with .cedar"},
		{"a file that is empty", []string{"a.cedar", "cut"}, "off.cedar is empty"},
		{"a file that is named twice", []string{"a.cedar", "empty/../a.cedar"}, "a.cedar is named twice"},
		{"a file that is in a folder, too", []string{"a.cedar", "."}, "a.cedar is named twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(dir)
			sources, err := ReadFiles(test.paths...)
			if err == nil || !strings.Contains(err.Error(), test.want) || sources != nil {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestAnEndlessFileIsNotReadToItsEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.cedar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	sources, err := ReadFiles(name)
	if err != nil || len(sources[0].Text) != maxSource+1 {
		t.Fatal(err)
	}
	if _, err := Load(sources, known); err == nil {
		t.Error("it is taken")
	}
}
