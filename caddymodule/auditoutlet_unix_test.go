//go:build unix

package caddymodule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/logging"
)

func TestAnAuditLogIsWrittenToAFileAlone(t *testing.T) {
	for name, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"not to a pipe that nobody reads": {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "it is a pipe and no file"},
		"not to a link to one": {func(path string) error {
			return errors.Join(syscall.Mkfifo(path+"x", 0o600), os.Symlink(path+"x", path))
		}, "it is a pipe and no file"},
		"not to a directory":               {func(path string) error { return os.Mkdir(path, 0o700) }, "it is a directory and no file"},
		"not to a device":                  {func(path string) error { return os.Symlink(os.DevNull, path) }, "it is a device and no file"},
		"but to one that is not there yet": {func(string) error { return nil }, ""},
		"or that a link leads to": {func(path string) error {
			return errors.Join(os.WriteFile(path+"x", nil, 0o600), os.Symlink(path+"x", path))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			o, err := openOutlet(output{&logging.FileWriter{Filename: path}, "", true})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "output stdout") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("nor once its file is a pipe", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.log")
		o, err := openOutlet(output{&logging.FileWriter{Filename: path}, "", true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write([]byte("line")); err == nil || !strings.Contains(err.Error(), "it is a pipe") {
			t.Errorf("%v", err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}
