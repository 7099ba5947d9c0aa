package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/secret"
)

// maxAnswer is the largest answer that is read, in bytes. A record of Vault's is 1 MiB at most: see maxRecord.
const maxAnswer = 4 << 20

var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)

// wire sends requests to one Vault.
type wire struct {
	base      string // without a slash at the end
	namespace string
	pems      pems

	mu     sync.Mutex
	client *http.Client // nil: to be made
	loaded marks        // the PEM files that it was made of
	// transport is for tests that stay in memory.
	transport http.RoundTripper
}

// request is what one question to Vault is made of.
type request struct {
	method string
	path   string // after /v1/, escaped
	token  secret.Value
	body   map[string]string // nil: none
	// write is for a request that writes a record; nil: any other.
	write *writing
}

func newWire(cfg Config) *wire {
	return &wire{
		base: strings.TrimRight(cfg.Address, "/"), namespace: cfg.Namespace,
		pems: pems{ca: cfg.CA, certificate: cfg.Auth.Certificate, key: cfg.Auth.Key},
	}
}

// do asks Vault. Its error is a [secret.ErrDown], but for an answer that is too large: what concerns one request alone
// comes back as an answer.
func (w *wire) do(ctx context.Context, r request) (answer, error) {
	client, err := w.connect()
	if err != nil {
		return answer{}, err
	}
	a, location, err := w.send(ctx, client, w.base+"/v1/"+r.path, r)
	if err == nil && a.isRedirect() {
		var target string
		if target, err = w.follow(r, location); err == nil {
			a, _, err = w.send(ctx, client, target, r)
		}
	}
	if errors.Is(err, errTooLarge) {
		return answer{}, fmt.Errorf("%w: %s: %w", secret.ErrUnavailable, w.name(), err)
	}
	if err != nil {
		return answer{}, w.unreachable(ctx, err)
	}
	return a, w.judge(a)
}

// send sends a request to a URL and reads its answer.
func (w *wire) send(ctx context.Context, client *http.Client, target string, r request) (a answer, location string, err error) {
	body, err := r.content()
	if err != nil {
		return answer{}, "", err
	}
	req, err := http.NewRequestWithContext(r.write.watch(ctx), r.method, target, body)
	if err != nil {
		return answer{}, "", errors.New("the request cannot be made") // it would show the URL
	}
	req.Header.Set(api.RequestHeaderName, "true") // Vault Agent may demand it
	if w.namespace != "" {
		req.Header.Set(api.NamespaceHeaderName, w.namespace)
	}
	if token := r.token.Reveal(); token != "" {
		req.Header.Set(api.AuthHeaderName, token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = errTooLarge
	}
	r.write.answered(resp.StatusCode)
	a = answer{status: resp.StatusCode, body: text, sent: r.secrets()}
	return a, resp.Header.Get("Location"), err
}

// content is the body as it is sent.
func (r request) content() (io.Reader, error) {
	switch {
	case r.write != nil:
		return bytes.NewReader(r.write.body), nil
	case r.body == nil:
		return nil, nil
	}
	text, err := json.Marshal(r.body)
	return bytes.NewReader(text), err
}

// follow returns where a redirect leads, which is how a standby names the active Vault. The token goes along, so any
// other redirect (a sign-in page, plain HTTP) is an error.
func (w *wire) follow(r request, location string) (string, error) {
	from, err := url.Parse(w.base + "/v1/" + r.path)
	if err != nil {
		return "", errRedirect
	}
	to, err := from.Parse(location)
	if err != nil || location == "" || to.Scheme != from.Scheme || to.EscapedPath() != from.EscapedPath() || to.User != nil {
		return "", errRedirect
	}
	return to.String(), nil
}

// secrets are the texts of a request that no error may show.
func (r request) secrets() []secret.Value {
	all := []secret.Value{r.token}
	for name, text := range r.body {
		if name != "role" && name != "name" {
			all = append(all, secret.NewValue(text))
		}
	}
	if r.write != nil {
		all = append(all, r.write.secrets...)
	}
	return all
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
}
