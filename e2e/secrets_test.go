package e2e

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// searchForSecrets looks for the PSA's secrets and the callers' keys in all that the process left behind: its output,
// the access log, Caddy's data and saved config, what commands printed.
func (w *world) searchForSecrets() {
	w.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == secretsFile {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		w.Error(err)
	}
	for _, secret := range w.hidden {
		for _, form := range forms(secret) {
			for where, text := range found {
				if at := strings.Index(text, form); at >= 0 {
					w.Errorf("a secret is in %s: %s", where, text[max(0, at-200):min(len(text), at+200)])
				}
			}
		}
	}
	if out := found[w.path("output.log")]; strings.Contains(out, "DATA RACE") || strings.Contains(out, "panic") {
		w.Errorf("a race or a panic is in the output:\n%s", out)
	}
}

// forms are how a secret may look: as it is, and within base64, whatever stands before and after it.
func forms(secret string) []string {
	all := []string{secret}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat(" ", before) + secret))
			begin := (before*8 + 5) / 6 // the first letter that depends on the secret alone
			end := (before + len(secret)) * 8 / 6
			all = append(all, text[begin:end])
		}
	}
	return all
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	for _, text := range []string{
		"a " + oldPassword + " b",
		base64.StdEncoding.EncodeToString([]byte(user + ":" + oldPassword)),
		base64.StdEncoding.EncodeToString([]byte("x" + user + ":" + oldPassword + "yz")),
		base64.URLEncoding.EncodeToString([]byte("xy" + user + ":" + oldPassword + "z")),
	} {
		found := false
		for _, form := range forms(oldPassword) {
			found = found || strings.Contains(text, form)
		}
		if !found {
			t.Errorf("not found in %s", text)
		}
	}
}
