package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// tape keeps what is read from each connection of its listeners.
type tape struct {
	mu    sync.Mutex
	conns []*bytes.Buffer
}

// listen returns a listener on an address of its own whose connections the tape keeps.
func (t *tape) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return tapedListener{l, t}, err
}

type tapedListener struct {
	net.Listener
	tape *tape
}

// Accept implements net.Listener.
func (l tapedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := l.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns = append(t.conns, new(bytes.Buffer))
	return &taped{c, t, t.conns[len(t.conns)-1]}, nil
}

type taped struct {
	net.Conn
	tape *tape
	kept *bytes.Buffer
}

// Read implements net.Conn.
func (c *taped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	c.kept.Write(p[:n])
	return n, err
}

// mark is how much was read of each connection until now. Nothing may be under way.
func (t *tape) mark() (lengths []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		lengths = append(lengths, c.Len())
	}
	return lengths
}

// since is what was read after a mark, of each connection.
func (t *tape) since(mark []int) (texts []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range t.conns {
		from := 0
		if i < len(mark) {
			from = mark[i]
		}
		texts = append(texts, string(c.Bytes()[from:]))
	}
	return texts
}

// sent are the requests that the PSA read after a mark, each as its method, its target, and its body where it has one;
// a SOAP call as its operation and its body.
// Whatever is not a row of well-formed requests with the login's credential, each with one length at most and no header
// that is the caller's affair, is an error. Look-ups of the zone, which carry no credential, are left out. A call in another's
// name is told by its " as " and a number.
func (x *wire) sent(mark []int) (all []string) {
	x.Helper()
	for _, text := range x.tape.since(mark) {
		for text != "" {
			one, rest, err := strictly(text, x.passwords)
			if err != nil {
				x.Errorf("the PSA read what is no request, for %s: %q", x.masked(err.Error()), x.masked(text))
				break
			}
			if text = rest; one != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

// masked is a text that a failure may show: HTTP Basic is masked, too.
func (x *wire) masked(text string) string { return mask(text, patternsOf(x.hidden)) }

var (
	requestLine = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/ATServicesRest/V1\.0/[^\x00-\x20\x7f#]*) HTTP/1\.1$`)
	headerLine  = regexp.MustCompile(`^([A-Za-z-]+): ([^\x00-\x1f\x7f]*)$`)
	aLength     = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	soapAction  = regexp.MustCompile(`^"http://autotask\.net/ATWS/v1_6/([A-Za-z]+)"$`)
)

const soapLine = "POST /ATServices/1.6/atws.asmx HTTP/1.1"

// mayLeave are the headers that the PSA may be sent with a REST call, and whether it must be; soapMayLeave those with a SOAP call.
var (
	mayLeave = map[string]bool{
		"Host": true, "Username": true, "Secret": true, "Apiintegrationcode": true, "Accept-Encoding": true,
		"Accept": false, "Accept-Language": false, "Content-Type": false, "Content-Encoding": false, "User-Agent": false, "Content-Length": false,
		"Impersonationresourceid": false,
	}
	soapMayLeave = map[string]bool{
		"Host": true, "Authorization": true, "Soapaction": true, "Content-Type": true, "Content-Length": true, "Accept-Encoding": true,
		"Accept": false, "Accept-Language": false, "User-Agent": false,
	}
)

// lookUp is how a zone is looked up, and how a WSDL is.
var lookUp = regexp.MustCompile(`^GET (/ATServicesRest/V1\.0/zoneInformation\?user=[^ ]*|/ATServices/1\.6/atws\.wsdl) HTTP/1\.1\r\nHost: [0-9.:]*\r\nUser-Agent: psagate\r\nAccept: [a-z/, ]*$`)

// strictly takes the first request off what was read; it is empty where that is a look-up. It knows one way to write a request,
// and no other. passwords are the login's.
func strictly(text string, passwords []string) (request, rest string, err error) {
	head, rest, whole := strings.Cut(text, "\r\n\r\n")
	if whole && lookUp.MatchString(head) {
		return "", rest, nil
	}
	first, lines, _ := strings.Cut(head, "\r\n")
	may, read := mayLeave, strictREST
	if first == soapLine {
		may, read = soapMayLeave, strictSOAP
	}
	h, err := strictHeaders(strings.Split(lines, "\r\n"), may)
	if err == nil && !whole {
		err = errors.New("a head without an end")
	}
	if err == nil {
		request, err = read(first, h, passwords)
	}
	if err != nil {
		return "", "", err
	}
	n := 0
	if length, has := h["Content-Length"]; has {
		if n, err = strconv.Atoi(length); err != nil || !aLength.MatchString(length) || n > len(rest) {
			return "", "", fmt.Errorf("the length %q before %d bytes", length, len(rest))
		}
	}
	if n > 0 {
		request += " " + rest[:n]
	}
	return request, rest[n:], nil
}

// strictREST is a REST call's method, its target, and in whose name it is.
func strictREST(line string, h map[string]string, passwords []string) (string, error) {
	first := requestLine.FindStringSubmatch(line)
	if first == nil {
		return "", fmt.Errorf("the request line %q", line)
	}
	if h["Username"] != user || !slices.Contains(passwords, h["Secret"]) || h["Apiintegrationcode"] != code {
		return "", errors.New("a credential that is not the login's")
	}
	request := first[1] + " " + first[2]
	if other, has := h["Impersonationresourceid"]; has {
		request += " as " + other
	}
	return request, nil
}

// strictSOAP is a SOAP call's operation. Its integration code is in its body.
func strictSOAP(_ string, h map[string]string, passwords []string) (string, error) {
	action := soapAction.FindStringSubmatch(h["Soapaction"])
	if action == nil || h["Content-Type"] != "text/xml; charset=utf-8" {
		return "", fmt.Errorf("the action %q, the type %q", h["Soapaction"], h["Content-Type"])
	}
	own := func(password string) bool { return h["Authorization"] == "Basic "+base64Of(user+":"+password) }
	if !slices.ContainsFunc(passwords, own) {
		return "", errors.New("a credential that is not the login's")
	}
	return "SOAP " + action[1], nil
}

func strictHeaders(lines []string, may map[string]bool) (map[string]string, error) {
	h := map[string]string{}
	for _, line := range lines {
		parts := headerLine.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("the header line %q", strings.SplitN(line, ":", 2)[0])
		}
		name := http.CanonicalHeaderKey(parts[1])
		if _, known := may[name]; !known {
			return nil, fmt.Errorf("the header %s", name)
		}
		if _, twice := h[name]; twice {
			return nil, fmt.Errorf("the header %s, twice", name)
		}
		h[name] = parts[2]
	}
	for name, must := range may {
		if _, has := h[name]; must && !has {
			return nil, fmt.Errorf("no header %s", name)
		}
	}
	return h, nil
}
