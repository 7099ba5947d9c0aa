package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

const (
	// webhookTime is how long one delivery may take.
	webhookTime = 15 * time.Second
	// maxWebhookHeader bounds the answer's headers, in bytes.
	maxWebhookHeader = 64 << 10
)

// Webhook sends alerts as JSON by POST. Its answer counts by its status alone.
type Webhook struct {
	// URL gives the address, which may be a secret: the errors name its host and no more of it.
	URL secret.Func
	// Headers give the values of further headers, by name.
	Headers map[string]secret.Func
	// CA is a PEM file of those who vouch for its certificate; empty: whom the system trusts. It is read anew each time.
	CA string
}

// Send implements [Sender].
func (w *Webhook) Send(ctx context.Context, a report.Alert) error {
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	request, secrets, err := w.request(ctx, a)
	if err != nil {
		return err
	}
	client, err := w.client()
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %s", request.URL.Host, secret.Redact(withoutURL(err).Error(), secrets...))
	}
	_ = answer.Body.Close() // nobody reads it
	return judge(request.URL.Host, answer.StatusCode)
}

// withoutURL takes off what names the URL in an error of net/http's.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// judge says what an answer's status means. Nobody is followed elsewhere: whoever redirects has not taken the alert.
func judge(host string, status int) error {
	err := fmt.Errorf("%s answered %d %s", host, status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return err
	case status >= 300 && status < 400:
		err = fmt.Errorf("%w: redirects are not followed, so name the address that it leads to", err)
	}
	return Permanent{err}
}

// client makes one for one request: alerts are rare.
func (w *Webhook) client() (*http.Client, error) {
	roots, err := rootsIn(w.CA)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxWebhookHeader,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}, nil
}

// rootsIn reads who vouches for certificates; nil, whom the system trusts, where no file is named.
func rootsIn(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the ca file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the ca file %s holds no certificate in PEM", file)
	}
	return roots, nil
}

// request makes the request, and returns the secrets in it.
func (w *Webhook) request(ctx context.Context, a report.Alert) (*http.Request, []secret.Value, error) {
	address, err := w.URL(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the webhook's URL: %w", err)
	}
	u, err := ParseURL(address.Reveal())
	if err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(a)
	if err != nil {
		return nil, nil, Permanent{fmt.Errorf("writing the alert: %w", err)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, errors.New("the webhook's URL cannot be used")
	}
	request.GetBody = nil // sent once
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "psagate")
	secrets := []secret.Value{address, secret.NewValue(u.RequestURI())}
	for name, of := range w.Headers {
		value, err := of(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("the webhook's header %s: %w", name, err)
		}
		if strings.ContainsAny(value.Reveal(), "\r\n\x00") {
			return nil, nil, fmt.Errorf("the webhook's header %s: its value has more than one line", name)
		}
		request.Header.Set(name, value.Reveal())
		secrets = append(secrets, value)
	}
	return request, secrets, nil
}

// ParseURL reads the address of a webhook. Its errors do not show it.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("the webhook's URL is none, such as https://hooks.example.com/psagate")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, errors.New("the webhook's URL must begin with https://; http:// is for loopback addresses")
	case u.User != nil:
		return nil, errors.New("the webhook's URL must hold no user name and no password: give them with a line header")
	case u.Fragment != "":
		return nil, errors.New("the webhook's URL must have no #")
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
