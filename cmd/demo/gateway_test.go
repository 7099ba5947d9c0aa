package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/psagate/psagate/internal/psatest"
)

// runInto runs the demo with arguments that it refuses, or answers at once.
func runInto(t *testing.T, args ...string) (status int, errs string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var b bytes.Buffer
	status = run(args, out, &b)
	if info, err := out.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("%q told a story: %v", args, err)
	}
	return status, b.String()
}

func TestWrongUsageAndHelp(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-h"}, 0, "-once"},
		{[]string{"-twice"}, 2, "flag provided but not defined: -twice"},
		{[]string{"once"}, 2, `takes no arguments, and got ["once"]`},
		{[]string{"-listen", "8080"}, 1, "the gateway cannot listen on 8080"},
	} {
		if status, errs := runInto(t, c.args...); status != c.status || !strings.Contains(errs, c.says) {
			t.Errorf("%q: exit status %d, want %d: %s", c.args, status, c.status, errs)
		}
	}
}

func TestAPortThatIsTakenIsSaidSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	status, errs := runInto(t, "-listen", l.Addr().String())
	if want := l.Addr().String() + " is taken by another program: stop that, or choose another address"; status != 1 || !strings.Contains(errs, want) {
		t.Errorf("exit status %d: %s", status, errs)
	}
}

func openedDesk(t *testing.T) *desk {
	t.Helper()
	d, err := openDesk("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	return d
}

func TestTheCaddyfileIsAsCaddyWouldFormatIt(t *testing.T) {
	w := &world{sim: psatest.New(), dir: "/tmp/psagate demo", listen: "127.0.0.1:8080", desk: openedDesk(t)}
	defer w.sim.Close()
	if err := w.handOutKeys("itglue", "rmm"); err != nil {
		t.Fatal(err)
	}
	text, err := w.caddyfile()
	if err != nil {
		t.Fatal(err)
	}
	if want := string(caddyfile.Format([]byte(text))); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	for _, i := range w.integrations {
		if !strings.Contains(text, i.key.Hash().String()) || strings.Contains(text, i.key.Reveal()) {
			t.Errorf("%s: the hash of its key should be there, and the key should not:\n%s", i.name, text)
		}
	}
}

func TestTheStoreIsReplacedWholeAndPrivate(t *testing.T) {
	w := &world{sim: psatest.New(), dir: t.TempDir(), desk: openedDesk(t)}
	defer w.sim.Close()
	w.populate()
	for _, password := range []string{"one", "another"} {
		if err := w.putInStore(password); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(w.path("secrets.json"))
		if err != nil || !strings.Contains(string(text), `"secret": "`+password+`"`) || !strings.Contains(string(text), w.desk.secret) {
			t.Errorf("%v: %s", err, text)
		}
	}
	if info, err := os.Stat(w.path("secrets.json")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(w.dir); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}
