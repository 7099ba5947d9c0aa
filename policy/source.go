package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is one file of policies.
type Source struct {
	// Name is what errors and reasons call it: its path.
	Name string
	// Text is Cedar.
	Text []byte
}

// Extension is what the names of policy files in a folder end with.
const Extension = ".cedar"

// ReadFiles reads files, and of folders all files with the Extension in the order of their names (not those of folders
// within, nor those whose names begin with a dot: editors and systems put them beside a file). A path that is not there, a folder without policies, and a file that is named twice are errors: who names
// policies does not mean to go without.
//
// So is an empty file: it is what a writer leaves who empties it first, or whose disk is full, and its forbids would be gone.
func ReadFiles(paths ...string) ([]Source, error) {
	sources, err := readAll(Extension, paths)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		if len(bytes.TrimSpace(s.Text)) == 0 {
			return nil, fmt.Errorf("policy file: %s is empty; where no policy is meant, remove it, or say so in a comment", s.Name)
		}
	}
	return sources, nil
}

func readAll(extension string, paths []string) ([]Source, error) {
	var files []string
	for _, p := range paths {
		found, err := filesOf(p, extension)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	var sources []Source
	for i, name := range files {
		if slices.Contains(files[:i], name) {
			return nil, fmt.Errorf("%s is named twice", name)
		}
		text, err := readBounded(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, Source{Name: name, Text: text})
	}
	return sources, nil
}

func filesOf(path, extension string) ([]string, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("policy folder: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), extension) && e.Name()[0] != '.' && !e.IsDir() {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("policy folder %s has no file that ends with %s", path, extension)
	}
	return files, nil
}

// readBounded reads a file that may be somebody's disk image.
func readBounded(name string) (text []byte, err error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // to open a pipe waits for whoever writes to it, maybe for ever
		return nil, fmt.Errorf("policy file: %s is no regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("policy file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return nil, fmt.Errorf("policy file %s: %w", name, err)
	}
	return text, nil
}
