package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/psagate/psagate/internal/secret"
)

// errRedirect is for a redirect that is none of a standby's.
var errRedirect = errors.New("it sends us elsewhere: is the address that of a Vault?")

// name is how errors name the Vault.
func (w *wire) name() string { return "the Vault at " + w.base }

// unreachable says why there is no answer. It shows no more of the URL than the address, and no port of our own: an error
// that is always another one would fill the log.
func (w *wire) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s gives no answer", secret.ErrDown, w.name())
	}
	if problem := certificateProblem(err); problem != "" {
		w.renew()
		return fmt.Errorf("%w: %s %s", secret.ErrDown, w.name(), problem)
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	if inner, ok := errors.AsType[*net.OpError](err); ok && inner.Op != "dial" {
		err = inner.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the connection ended without an answer")
	}
	return fmt.Errorf("%w: %s cannot be asked: %w", secret.ErrDown, w.name(), err)
}

// certificateProblem says what is wrong between the two sides of a TLS connection, or nothing.
func certificateProblem(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "shows a certificate of an authority that is not known here: set `ca` to the PEM file of its authority"
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("shows a certificate that does not hold for %s: the address must name what the certificate names", e.Host)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "shows a certificate that is not valid: " + e.Error()
	}
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	if noTLS || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return "does not speak TLS: the address must begin with http://"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" {
		return "refuses the TLS connection (" + e.Err.Error() + "): does it demand a client certificate?"
	}
	return ""
}
