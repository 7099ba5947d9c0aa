package audit

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	keyNow    = Key{ID: "1a2b3c4d", Secret: bytes.Repeat([]byte("k"), 32)}
	keyBefore = Key{ID: "0badcafe", Secret: bytes.Repeat([]byte("b"), 32)}
)

// disk is an output in memory, whose Write and Sync fail as a test says.
type disk struct {
	mu     sync.Mutex
	data   []byte
	synced int
	// write says how many bytes of a Write are taken, and what is returned; nil: all.
	write func(p []byte) (int, error)
	sync  func() error
	syncs int
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.write == nil {
		d.data = append(d.data, p...)
		return len(p), nil
	}
	n, err := d.write(p)
	d.data = append(d.data, p[:n]...)
	return n, err
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.sync != nil {
		if err := d.sync(); err != nil {
			return err
		}
	}
	d.synced = len(d.data)
	return nil
}

func (d *disk) set(change func(d *disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *disk) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.data)
}

func (d *disk) lines() []string {
	return strings.FieldsFunc(d.text(), func(r rune) bool { return r == '\n' })
}

// open begins a chain that ends with the test.
func open(t testing.TB, c Config) *Writer {
	t.Helper()
	if c.Key.ID == "" {
		c.Key = keyNow
	}
	if c.Host == "" {
		c.Host, c.Process = "gate-1", "gate-1/77"
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shut(w) })
	return w
}

// shut closes a Writer, and waits for it no longer than needed.
func shut(w *Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return w.Close(ctx)
}

func read(n string) Entry {
	return Entry{
		Kind: Call, CallerKind: Integration, Caller: "itglue", Key: "9f8e7d6c", Address: "192.0.2.7", Login: "main",
		CredentialVersion: "3", Method: "GET", Action: "read", Entity: "Tickets", ID: n, Decision: Permit,
		Reasons: []string{"read-only default"}, DecidedBy: ByPSA, Status: 200, Duration: 120 * time.Millisecond,
	}
}

// verify checks logs, in the order in which they are given.
func verify(t testing.TB, c VerifyConfig, logs ...string) Report {
	t.Helper()
	if c.Keys == nil {
		c.Keys = []Key{keyNow}
	}
	var files []File
	for i, text := range logs {
		files = append(files, File{string(rune('a'+i)) + ".log", strings.NewReader(text)})
	}
	r, err := Verify(c, files...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func heads(t testing.TB, a Anchors) []Head {
	t.Helper()
	list, err := a.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// kinds are the kinds of findings, once each where they follow each other.
func kinds(r Report) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Kind))
	}
	return strings.Join(all, " ")
}
