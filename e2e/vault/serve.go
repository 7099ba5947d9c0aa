package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/vault"
)

// listen opens the address and says at what URL it is reached. The listener queues callers until Vault serves.
func listen(s settings) (net.Listener, string, error) {
	scheme, config := "http://", (*tls.Config)(nil)
	if s.tlsCert != "" {
		cert, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
		if err != nil {
			return nil, "", err
		}
		// Asked for and not verified: the cert auth method does that itself.
		scheme, config = "https://", &tls.Config{
			Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2", "http/1.1"},
		}
	}
	ln, err := net.Listen("tcp", s.listen)
	if err != nil {
		return nil, "", err
	}
	url := scheme + ln.Addr().String()
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	return ln, url, nil
}

// server speaks Vault's API for core.
func server(core *vault.Core) *http.Server {
	return &http.Server{
		Handler:           vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core}),
		ReadHeaderTimeout: 10 * time.Second,
	}
}
