package psatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// SelfSigned makes a certificate for hosts (names or IP addresses), for zones behind TLS:
//
//	cert, _ := psatest.SelfSigned("127.0.0.1")
//	z := sim.AddZoneOn("5", tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}))
//	z.SetURL("https://" + l.Addr().String())
//
// Its Leaf is set, to be put into a client's pool. An error means that the machine has no randomness.
func SelfSigned(hosts ...string) (tls.Certificate, error) {
	return SelfSignedUntil(time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC), hosts...)
}

// SelfSignedUntil makes a certificate as SelfSigned does, with an end of its own: one that is over, for instance.
func SelfSignedUntil(end time.Time, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("psatest: making a key for a self-signed certificate: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "psatest"},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // before synctest's year 2000
		NotAfter:              end,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("psatest: signing a certificate for %v: %w", hosts, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("psatest: reading back the certificate for %v: %w", hosts, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
