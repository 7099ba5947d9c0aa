package vaulttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// CA is a certificate authority that signs itself. All that it makes are PEM files in its folder.
type CA struct {
	// File is the PEM file of its certificate.
	File string

	t      testing.TB
	dir    string
	cert   *x509.Certificate
	key    crypto.Signer
	serial atomic.Int64
}

// NewCA makes a certificate authority in a folder, which may hold others.
func NewCA(t testing.TB, dir string) *CA {
	t.Helper()
	ca := &CA{t: t, dir: dir}
	ca.cert = ca.template("vaulttest CA")
	ca.cert.IsCA, ca.cert.KeyUsage = true, x509.KeyUsageCertSign
	ca.File, _ = ca.issue("ca", ca.cert)
	return ca
}

// PEM returns its certificate.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// Pool returns a pool that holds its certificate alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Server makes a server's certificate for hosts, names or IP addresses, and returns the PEM files of it and of its key.
func (ca *CA) Server(hosts ...string) (cert, key string) {
	ca.t.Helper()
	c := ca.template(hosts[0])
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return ca.issue("server", c)
}

// Client makes a client's certificate with name as its subject's common name, and returns the PEM files of it and of its key.
// Edits may change it before it is signed: names, usages, times.
func (ca *CA) Client(name string, edits ...func(*x509.Certificate)) (cert, key string) {
	ca.t.Helper()
	c := ca.template(name)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, edit := range edits {
		edit(c)
	}
	return ca.issue("client", c)
}

// template is a certificate that holds now, still to be signed.
func (ca *CA) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(ca.serial.Add(1)),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
}

// issue signs a certificate with a new key and writes both down. The first one is the authority's own.
func (ca *CA) issue(kind string, c *x509.Certificate) (certFile, keyFile string) {
	ca.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.t.Fatal(err)
	}
	if ca.key == nil {
		ca.key = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca.cert, key.Public(), ca.key)
	if err != nil {
		ca.t.Fatalf("signing a %s certificate: %v", kind, err)
	}
	if ca.cert.Raw == nil {
		if ca.cert, err = x509.ParseCertificate(der); err != nil {
			ca.t.Fatal(err)
		}
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return ca.write(kind, "CERTIFICATE", der), ca.write(kind+"-key", "PRIVATE KEY", pkcs8)
}

// write writes a PEM file under a name that is not taken.
func (ca *CA) write(kind, block string, der []byte) string {
	ca.t.Helper()
	f, err := os.CreateTemp(ca.dir, kind+"-*.pem")
	if err != nil {
		ca.t.Fatal(err)
	}
	defer f.Close()
	if err := pem.Encode(f, &pem.Block{Type: block, Bytes: der}); err != nil {
		ca.t.Fatal(fmt.Errorf("%s: %w", filepath.Base(f.Name()), err))
	}
	return f.Name()
}
