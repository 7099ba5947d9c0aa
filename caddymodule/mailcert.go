package caddymodule

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificate is one of two files, which are read again when they have changed: whoever renews it tells nobody.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	read    *tls.Certificate
	changed time.Time // of the file that changed last, when it was read
}

// newCertificate reads a certificate. The error says which file is wrong.
func newCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return c, nil
}

// get is for tls.Config.GetCertificate. One that cannot be read while another is known leaves that in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed time.Time
	for _, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if c.read != nil && changed.Equal(c.changed) {
		return c.read, nil
	}
	read, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		if c.read != nil {
			return c.read, nil
		}
		return nil, fmt.Errorf("the certificate %s with the key %s cannot be read: %w", c.cert, c.key, err)
	}
	c.read, c.changed = &read, changed
	return c.read, nil
}
