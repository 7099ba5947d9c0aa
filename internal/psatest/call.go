package psatest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one request on its way through a zone.
type call struct {
	zone   *Zone
	sim    *Sim
	w      http.ResponseWriter
	method string
	path   string     // as sent
	parts  []string   // of the path, folded, the empty ones of repeated slashes left out
	query  url.Values // keys folded
	uri    string     // as sent, with the query

	user, secret, code, impersonate string

	remote  string
	gzips   bool // the client accepts gzip
	body    []byte
	bodyErr error
	gone    <-chan struct{} // closed when the client hung up
	soap    *soapCall       // nil for REST

	refuse    bool // a Fault wants the sign-in refused
	changes   []func(*Reply)
	limit     Limit         // that it ran into
	slow      time.Duration // what limits that come near add to it
	who       *User         // set when the sign-in was accepted
	elsewhere string        // base URL of the right zone, when the wrong one redirects

	entity  *entity
	id      int64
	child   *entity
	childID int64
}

// maxBody is IIS's default limit for a request, in bytes.
const maxBody = 30_000_000

var errTooLarge = errors.New("request body over 30,000,000 bytes")

func newCall(z *Zone, w http.ResponseWriter, r *http.Request) *call {
	c := &call{
		zone: z, sim: z.sim, w: w, method: r.Method, path: r.URL.Path, uri: r.URL.RequestURI(),
		parts:  strings.FieldsFunc(strings.ToLower(r.URL.Path), func(c rune) bool { return c == '/' }),
		query:  foldKeys(r.URL.Query()),
		user:   header(r, "UserName"),
		secret: header(r, "Secret"), code: header(r, "ApiIntegrationCode"),
		impersonate: header(r, "ImpersonationResourceId"),
		remote:      r.RemoteAddr, gone: r.Context().Done(),
		gzips: strings.Contains(header(r, "Accept-Encoding"), "gzip"),
	}
	if c.soap = newSOAPCall(c, r); c.soap != nil {
		c.present(r)
	}
	return c
}

// header reads a header in any spelling. Sent twice it is one value with a comma, as ASP.NET has it: two
// secrets in one request are never right.
func header(r *http.Request, name string) string { return strings.Join(r.Header.Values(name), ",") }

func foldKeys(q url.Values) url.Values {
	folded := url.Values{}
	for k, vs := range q {
		k = strings.ToLower(k)
		folded[k] = append(folded[k], vs...)
	}
	return folded
}

// readBody takes the body whole, so that a hang-up is seen. A broken body is no reason not to judge.
func (c *call) readBody(r *http.Request) {
	c.body, c.bodyErr = readLimited(r.Body)
	encoding := strings.TrimSpace(header(r, "Content-Encoding"))
	if c.bodyErr != nil || !strings.EqualFold(encoding, "gzip") || c.sim.behaviour().RefuseGzip {
		return
	}
	zr, err := gzip.NewReader(bytes.NewReader(c.body))
	if err != nil {
		c.bodyErr = fmt.Errorf("request body is not gzip: %w", err)
		return
	}
	c.body, c.bodyErr = readLimited(zr)
}

func readLimited(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the request body: %w", err)
	}
	if len(b) > maxBody {
		return nil, errTooLarge
	}
	return b, nil
}

// signsIn tells whether the path is one where credentials are judged: everything inside V1.0 but the zone lookup,
// and the same of SOAP's operations.
func (c *call) signsIn() bool {
	if c.soap != nil {
		return c.soap.signsIn()
	}
	return len(c.parts) >= 2 && c.parts[0] == "atservicesrest" && c.parts[1] == "v1.0" &&
		(len(c.parts) == 2 || c.parts[2] != "zoneinformation")
}

// lookedUp is the user whom a zone lookup asks for.
func (c *call) lookedUp() string {
	if c.operation() == "getZoneInfo" {
		return param(c.soap.params, "UserName")
	}
	return c.query.Get("user")
}
