package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// heard are texts that came from a process, but into no file.
type heard struct {
	mu     sync.Mutex
	places []place
}

func (h *heard) add(p place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.places = append(h.places, p)
}

// hide makes sure that a text is found nowhere when the test has ended.
func (w *world) hide(name, text string) {
	w.Helper()
	if len(text) < partBytes {
		w.Fatalf("%s is too short to be told from other texts", name)
	}
	w.hidden = append(w.hidden, hidden{name, text})
}

// searchForSecrets looks for the PSA's secrets and the callers' keys in all that the process left behind: its output,
// logs, Caddy's data and saved config, what commands and the admin endpoint showed, and what callers were answered.
func (w *world) searchForSecrets() {
	w.Helper()
	for _, f := range search(w.places(), w.hidden) {
		w.Error(f)
	}
	if out := w.read("output.log"); strings.Contains(out, "DATA RACE") || strings.Contains(out, "panic") {
		w.Errorf("a race or a panic is in the output:\n%s", out)
	}
}

// places are the world's files, with their names, and what was heard.
func (w *world) places() []place {
	w.Helper()
	w.heard.mu.Lock()
	defer w.heard.mu.Unlock()
	all, names := slices.Clone(w.heard.places), []string(nil)
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, w.dir+"/")
		names = append(names, name)
		if err != nil || !entry.Type().IsRegular() || slices.Contains(w.mayHold, name) {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, place{name: name, text: text})
		return err
	})
	if err != nil {
		w.Error(err)
	}
	return append(all, place{name: "the names of files", text: []byte(strings.Join(names, "\n"))})
}

// place is all of an answer, for the search; own is the key of the caller who got it.
func (a answer) place(name, own string) place {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%d\n", a.status)
	_ = a.header.Write(&text) // a buffer takes every write
	return place{name, append(text.Bytes(), a.body...), own}
}

// adminPages are what Caddy's admin endpoint shows.
var adminPages = []string{
	"/config/", "/metrics", "/psa/status", "/psa/failures", "/psa/zones", "/psa/warnings", "/psa/audit", "/psa/totp", "/psa/none", "/reverse_proxy/upstreams",
	"/debug/vars", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2",
}

// adminClient reaches the admin endpoint's socket; done gives back what it holds.
func (w *world) adminClient() (client *http.Client, done func()) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.admin)
	}}
	return &http.Client{Transport: transport}, transport.CloseIdleConnections
}

// askPage asks for a page of the admin endpoint.
func (w *world) askPage(page string) answer {
	w.Helper()
	client, done := w.adminClient()
	defer done()
	r, err := http.NewRequest("GET", "http://admin"+page, nil)
	if err != nil {
		w.Fatal(err)
	}
	return send(w.T, client, r)
}

// askAdmin asks for all that the admin endpoint shows now, and keeps it for the search.
func (w *world) askAdmin() {
	w.Helper()
	for _, page := range adminPages {
		w.heard.add(w.askPage(page).place("the admin endpoint's "+page, ""))
	}
}
