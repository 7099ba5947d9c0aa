package issuer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// answerWithin is how long a provider may take for one answer.
	answerWithin = 10 * time.Second
	// maxAnswer is how much of an answer is read, in bytes; key sets of large providers have some 20,000.
	maxAnswer = 1 << 20
	// maxHeaders is how much an answer's headers may have, in bytes.
	maxHeaders = 64 << 10
)

// newClient makes the HTTP client for one provider. It follows no redirects: a provider answers where it says it does, and
// one that leads elsewhere would have the client's secret sent there.
func newClient(c Config) *http.Client {
	inner := c.Transport
	if inner == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12}
		t.MaxResponseHeaderBytes = maxHeaders
		t.MaxConnsPerHost = 8
		inner = t
	}
	return &http.Client{
		Timeout:       answerWithin,
		Transport:     bounded{inner},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded gives answers that end in an error where they are too long: libraries read them whole.
type bounded struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.inner.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

var errTooLong = errors.New("its answer is too long to be read")

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// with is a context in which the libraries use the issuer's client.
func (i *Issuer) with(ctx context.Context) context.Context { return oidc.ClientContext(ctx, i.client) }

// get reads one answer whole.
func (i *Issuer) get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := i.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s with status %d", url, resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}
