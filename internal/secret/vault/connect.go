package vault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// dialPatience is how long connecting may take, and the TLS handshake. The caller's context bounds the whole.
const dialPatience = 5 * time.Second

// pems are the PEM files that connections are made with; empty: none.
type pems struct{ ca, certificate, key string }

// marks tell whether files have changed.
type marks []fs.FileInfo

// connect returns the client that requests are sent with; another one when a PEM file has changed.
func (w *wire) connect() (*http.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := w.pems.look()
	if err != nil {
		return nil, err
	}
	if w.client != nil && now.same(w.loaded) {
		return w.client, nil
	}
	config, err := w.pems.load()
	if err != nil {
		return nil, err
	}
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	w.client, w.loaded = w.newClient(config), now
	return w.client, nil
}

// renew has the PEM files read again for the next request, though they look as before.
func (w *wire) renew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client != nil && w.pems != (pems{}) {
		w.client.CloseIdleConnections()
		w.client = nil
	}
}

func (w *wire) newClient(config *tls.Config) *http.Client {
	transport := w.transport
	if transport == nil {
		transport = newTransport(config)
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport speaks HTTP/1.1 alone: a request that is given up then takes its connection with it, while HTTP/2 would
// put the next ones on the same connection, which may be dead. HTTPS_PROXY and NO_PROXY count, as for any program.
func newTransport(config *tls.Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialPatience}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    dialPatience,
		Protocols:              protocols,
		MaxIdleConnsPerHost:    16, // as many as a Store reads at once
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func (p pems) look() (now marks, err error) {
	for _, path := range []string{p.ca, p.certificate, p.key} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		now = append(now, info)
	}
	return now, nil
}

func (m marks) same(other marks) bool {
	if len(m) != len(other) {
		return false
	}
	for i, a := range m {
		b := other[i]
		if !os.SameFile(a, b) || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) {
			return false
		}
	}
	return true
}

func (p pems) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.ca != "" {
		text, err := readSmall(p.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%w: %s holds no certificate in PEM form", secret.ErrDown, p.ca)
		}
	}
	if p.certificate == "" {
		return config, nil
	}
	certificate, err := readSmall(p.certificate)
	if err != nil {
		return nil, err
	}
	key, err := readSmall(p.key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%w: the client certificate in %s and the key in %s are no pair of PEM files: %w", secret.ErrDown, p.certificate, p.key, err)
	}
	// Not in Certificates, which is left out where the server names no authority that it fits.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

// maxSmall is the largest file with a token or certificates that is read, in bytes.
const maxSmall = 1 << 20

// readSmall reads a file that holds a token or certificates.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fileError(path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is not a regular file", secret.ErrDown, path)
	case info.Size() > maxSmall:
		return nil, fmt.Errorf("%w: %s is larger than %d MiB", secret.ErrDown, path, maxSmall>>20)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	return text, nil
}

// fileError leaves the path out of the system's error, which the text names already.
func fileError(path string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return fmt.Errorf("%w: %s cannot be read: %w", secret.ErrDown, path, err)
}
