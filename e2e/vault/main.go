// Command vault runs the real Vault core on one address, for psagate's tests: KV v2 at kv/, tokens and the auth methods that
// psagate speaks. It is a module of its own, because Vault brings old versions of hundreds of modules.
//
// When it serves it prints one line, `ready <url> unseal=<key>`. The key is empty where the storage was initialised before
// and no key was given: then Vault is sealed until someone unseals it by its API.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// settings are the flags.
type settings struct {
	listen, root    string
	data, unseal    string
	tlsCert, tlsKey string
	stdin           bool
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8200", "address; port 0 takes a free one")
	flag.StringVar(&s.root, "root", "root", "id of the root token, made when the storage is initialised")
	flag.StringVar(&s.data, "data", "", "folder of the storage; in memory without")
	flag.StringVar(&s.unseal, "unseal", "", "unseal key of a storage that is initialised; sealed without")
	flag.StringVar(&s.tlsCert, "tls-cert", "", "PEM file of the server's certificate, for HTTPS; client certificates are asked for")
	flag.StringVar(&s.tlsKey, "tls-key", "", "PEM file of the certificate's key")
	flag.BoolVar(&s.stdin, "stdin", false, "end when standard input ends, so that it never outlives a test")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "vault: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

// run serves until a signal, or the end of standard input where that was asked for.
func run(s settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if s.stdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	ln, url, err := listen(s)
	if err != nil {
		return err
	}
	defer ln.Close()
	core, key, err := open(s, url)
	if err != nil {
		return err
	}
	srv := server(core)
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	fmt.Printf("ready %s unseal=%s\n", url, key)
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return core.Shutdown()
}
