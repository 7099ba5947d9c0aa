package vaulttest

import (
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/realparts"
)

// root is the id of the root token.
const root = "vaulttest-root"

// patience is how long a test waits for what should take a moment.
const patience = time.Minute

// Vault is one Vault, unsealed, with KV version 2 mounted at kv. Its methods fail the test that it belongs to; [Vault.With]
// lends it to another. They may be called at once, except for those that end or start its process.
type Vault struct {
	// URL is the base URL; it stays the same over [Vault.Restart].
	URL string
	// Root is the id of the root token.
	Root string
	// UnsealKey is the one key that unseals it.
	UnsealKey string

	t       testing.TB
	process *process
	data    string // folder of the storage; empty: in memory
	ca      *CA    // of its own certificate; nil: plain HTTP
	client  *api.Client
}

// Option is a choice that [Start] takes.
type Option func(*Vault)

// OnDisk keeps the storage in a folder, for [Vault.Stop], [Vault.Restart], [Vault.Snapshot] and [Vault.Restore].
func OnDisk() Option { return func(v *Vault) { v.data = v.t.TempDir() } }

// HTTPS makes it speak HTTPS alone, with a certificate of ca for 127.0.0.1 and localhost. It asks its callers for a
// certificate and takes those that come without.
func HTTPS(ca *CA) Option { return func(v *Vault) { v.ca = ca } }

// Start starts a Vault on a free port of 127.0.0.1 and waits until it serves. It ends with the test.
func Start(t testing.TB, opts ...Option) *Vault {
	t.Helper()
	v := &Vault{Root: root, t: t, process: &process{binary: binary(t)}}
	for _, o := range opts {
		o(v)
	}
	t.Cleanup(v.end)
	v.launch("-listen", "127.0.0.1:0")
	v.client = v.Client()
	return v
}

// binary returns the path of the command, or ends a test that cannot be run without it.
func binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("PSAGATE_VAULT")
	if path != "" {
		return path
	}
	realparts.LeftOut(t, "psagate against a real Vault; PSAGATE_VAULT names no binary: ./scripts/test builds it, "+
		"as `go build -C e2e/vault -o PATH .` does")
	return ""
}

// launch starts the process with these flags and those that all starts have, and notes what it says of itself.
func (v *Vault) launch(flags ...string) {
	v.t.Helper()
	flags = append(flags, "-root", v.Root)
	if v.data != "" {
		flags = append(flags, "-data", v.data)
	}
	if v.ca != nil {
		cert, key := v.ca.Server("127.0.0.1", "localhost")
		flags = append(flags, "-tls-cert", cert, "-tls-key", key)
	}
	line, err := v.process.start(flags...)
	if err != nil {
		v.t.Fatalf("starting Vault: %v", err)
	}
	fields := strings.Fields(line) // ready <url> unseal=<key>
	if len(fields) != 3 || fields[0] != "ready" {
		v.t.Fatalf("Vault says %d words, not that it is ready", len(fields))
	}
	v.URL, v.UnsealKey = fields[1], strings.TrimPrefix(fields[2], "unseal=")
}

// end ends the process, however it stands, when the test is over.
func (v *Vault) end() {
	v.process.kill()
	if v.t.Failed() && v.process.said.Len() > 0 {
		v.t.Logf("Vault printed: %s", v.process.said.String())
	}
}

// With returns the same Vault for the use of another test, a subtest most often: t is the one that its methods fail.
func (v *Vault) With(t testing.TB) *Vault {
	lent := *v
	lent.t = t
	return &lent
}

// Stop ends the process as an operator does. What comes to its address is refused until [Vault.Restart].
func (v *Vault) Stop() {
	v.t.Helper()
	if err := v.process.stop(); err != nil {
		v.t.Fatalf("stopping Vault: %v", err)
	}
}

// Restart starts it anew, unsealed, at the address that it had, and stops it first where it runs. It needs [OnDisk]: what is
// in memory ends with the process.
func (v *Vault) Restart() {
	v.t.Helper()
	if v.data == "" {
		v.t.Fatal("only a Vault that keeps its storage OnDisk can be started again")
	}
	if v.process.running() {
		v.Stop()
	}
	v.launch("-listen", v.address(), "-unseal", v.UnsealKey)
}

// address is host and port.
func (v *Vault) address() string {
	v.t.Helper()
	u, err := url.Parse(v.URL)
	if err == nil {
		_, _, err = net.SplitHostPort(u.Host)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return u.Host
}
