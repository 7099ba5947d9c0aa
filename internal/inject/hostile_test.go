package inject

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/psatest"
)

const hostileAddr = "127.0.0.1:5005"

// hostileWire runs a test in a bubble: a server on one end of a network in memory, a wire on the other. It waits for what
// the server does with each connection.
func hostileWire(t *testing.T, scheme string, serve func(net.Conn), test func(w *Wire, base autotask.Base)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := psatest.NewNetwork()
		l := network.Listen(hostileAddr)
		var served sync.WaitGroup
		served.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				served.Go(func() {
					defer c.Close()
					serve(c)
				})
			}
		})
		rule, err := autotask.NewHostRule([]string{hostileAddr}, true)
		if err != nil {
			t.Fatal(err)
		}
		base, err := autotask.ParseBase(scheme+"://"+hostileAddr, rule)
		if err != nil {
			t.Fatal(err)
		}
		w := NewWire(new(guard.Memory).Lease(), rule, network.DialContext)
		test(w, base)
		w.Close()
		_ = l.Close()
		served.Wait()
	})
}

// answering reads one request and puts an answer on the wire, then waits for the other side to hang up.
func answering(answer string) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 1<<16)
		if _, err := c.Read(buf); err == nil {
			_, _ = io.WriteString(c, answer)
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

func (w *Wire) get(t *testing.T, base autotask.Base) Result {
	t.Helper()
	return w.Send(context.Background(), Request{Operation: operation(t, "GET", "/Tickets/1"), Base: base, Credential: credential})
}

// issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{cert, key}
}

// sign issues a certificate for addresses and names; the years are those of its validity.
func (i issuer) sign(t *testing.T, from, to int, hosts ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}
}

// overheard is a connection that keeps what was read off it.
type overheard struct {
	net.Conn
	read bytes.Buffer
}

func (o *overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	o.read.Write(p[:n])
	return n, err
}

// A certificate that does not fit, or a handshake that comes to no end, proves that nothing was sent: the credential is
// written after the handshake.
func TestACredentialGoesOutOnlyBehindACertificateThatFits(t *testing.T) {
	ours, other := newIssuer(t), newIssuer(t)
	secure := func(c *tls.Config) func(net.Conn) (string, error) {
		return func(conn net.Conn) (string, error) {
			s := tls.Server(conn, c)
			if err := s.Handshake(); err != nil {
				return "", err
			}
			buf := make([]byte, 1<<16)
			n, err := s.Read(buf)
			if err == nil {
				_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
				_, _ = io.Copy(io.Discard, s)
			}
			return string(buf[:n]), err
		}
	}
	with := func(cert tls.Certificate) func(net.Conn) (string, error) {
		return secure(&tls.Config{Certificates: []tls.Certificate{cert}})
	}
	selfSigned, err := psatest.SelfSigned("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	good := ours.sign(t, 1995, 2195, "127.0.0.1")
	for _, c := range []struct {
		name    string
		serve   func(net.Conn) (string, error)
		verdict guard.Verdict
		takes   time.Duration
	}{
		{"one that fits", with(good), guard.Accepted, 0},
		{"of another host", with(ours.sign(t, 1995, 2195, "127.0.0.2", "webservices5.autotask.net")), guard.NotSent, 0},
		{"of no host", with(ours.sign(t, 1995, 2195)), guard.NotSent, 0},
		{"of a name that is the address", with(ours.sign(t, 1995, 2195, "127-0-0-1.example.com")), guard.NotSent, 0},
		{"expired", with(ours.sign(t, 1995, 1999, "127.0.0.1")), guard.NotSent, 0},
		{"not valid yet", with(ours.sign(t, 2010, 2195, "127.0.0.1")), guard.NotSent, 0},
		{"signed by a stranger", with(other.sign(t, 1995, 2195, "127.0.0.1")), guard.NotSent, 0},
		{"signed by itself", with(selfSigned), guard.NotSent, 0},
		{"behind TLS 1.1", secure(&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11}), guard.NotSent, 0},
		{"behind HTTP/2 alone", secure(&tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"h2"}}), guard.Accepted, 0},
		{"none: HTTP in the clear", func(c net.Conn) (string, error) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
			return "", err
		}, guard.NotSent, 0},
		{"none: the end at once", func(net.Conn) (string, error) { return "", nil }, guard.NotSent, 0},
		{"none: a handshake that stalls", func(c net.Conn) (string, error) {
			_, err := io.Copy(io.Discard, c)
			return "", err
		}, guard.NotSent, 2 * dialPatience},
		{"none: a handshake that stalls half-way", func(c net.Conn) (string, error) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, _ = c.Write([]byte{0x16, 0x03, 0x03, 0x7f})
			_, err := io.Copy(io.Discard, c)
			return "", err
		}, guard.NotSent, 2 * dialPatience},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard []*overheard
			var decrypted strings.Builder
			var mu sync.Mutex
			hostileWire(t, "https", func(conn net.Conn) {
				o := &overheard{Conn: conn}
				got, _ := c.serve(o)
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, o)
				decrypted.WriteString(got)
			}, func(w *Wire, base autotask.Base) {
				roots := x509.NewCertPool()
				roots.AddCert(ours.cert)
				w.kept.TLSClientConfig.RootCAs, w.fresh.TLSClientConfig.RootCAs = roots, roots
				start := time.Now()
				res := w.get(t, base)
				if res.Verdict != c.verdict || (res.Err == nil) != (c.verdict == guard.Accepted) || res.TimedOut || time.Since(start) != c.takes {
					t.Errorf("verdict %v, error %v, after %v", res.Verdict, res.Err, time.Since(start))
				}
				if res.Response != nil {
					_ = res.Response.Body.Close()
				}
			})
			if got := decrypted.String(); (got != "") != (c.verdict == guard.Accepted) {
				t.Errorf("the server read %q", got)
			}
			for _, o := range heard {
				for _, s := range []string{"pass-word", "CODE", "api@example.com"} {
					if strings.Contains(o.read.String(), s) {
						t.Error("a credential went out in the clear")
					}
				}
			}
		})
	}
}

// resolves makes every name resolve to addresses.
func resolves(w *Wire, addrs ...string) {
	w.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerNames(server, addrs)
		return client, nil
	}}
}

// answerNames is a DNS server over a stream (RFC 1035 §4.2.2). It answers every question for an A record.
func answerNames(c net.Conn, addrs []string) {
	defer c.Close()
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		q := make([]byte, size)
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		end := 12
		for q[end] != 0 {
			end += int(q[end]) + 1
		}
		end += 5
		a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
		if binary.BigEndian.Uint16(q[end-4:]) == 1 { // A
			a[7] = byte(len(addrs))
			for _, addr := range addrs {
				a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
				a = append(a, net.ParseIP(addr).To4()...)
			}
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}

// What a name meant before does not matter: it may have been made to mean another address since (DNS rebinding).
func TestANameOfThePSAsThatMeansAPrivateAddressIsNotDialled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:443")
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0") // the port does not matter: nobody gets so far
	}
	if err != nil {
		t.Fatal(err)
	}
	var caught sync.WaitGroup
	caught.Go(func() {
		if c, err := l.Accept(); err == nil {
			t.Error("a connection to a private address")
			_ = c.Close()
		}
	})
	for _, addrs := range [][]string{{"127.0.0.1"}, {"10.0.0.1"}, {"192.168.1.1"}, {"169.254.169.254"}, {"172.16.0.1"}, {"100.64.0.1"}, {"0.0.0.0"}, {"224.0.0.1"}, {"10.0.0.1", "127.0.0.1"}} {
		w := NewWire(new(guard.Memory).Lease(), autotask.HostRule{}, nil)
		resolves(w, addrs...)
		base, err := autotask.ParseBase("https://webservices5.autotask.net", autotask.HostRule{})
		if err != nil {
			t.Fatal(err)
		}
		res := w.get(t, base)
		if res.Verdict != guard.NotSent || res.Err == nil || !strings.Contains(res.Err.Error(), "private address") {
			t.Errorf("%v: verdict %v, error %v", addrs, res.Verdict, res.Err)
		}
		if _, _, err := w.Free(context.Background(), autotask.ZoneInformationRequest(base, "x")); err == nil || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%v: a free call: %v", addrs, err)
		}
		w.Close()
	}
	_ = l.Close()
	caught.Wait()
}

func TestTheRestOfAnAnswerIsWaitedForAsLongAsThePSAHas(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	hostileWire(t, "http", answering(head+"0123456789"), func(w *Wire, base autotask.Base) {
		res := w.get(t, base)
		for range 2 {
			time.Sleep(24 * time.Hour) // a reader who takes his time
			if got, err := io.ReadFull(res.Response.Body, make([]byte, 5)); got != 5 || err != nil {
				t.Errorf("%d bytes, error %v", got, err)
			}
		}
		start := time.Now()
		if n, err := res.Response.Body.Read(make([]byte, 10)); n != 0 || err == nil || time.Since(start) != patience {
			t.Errorf("%d more bytes, error %v after %v", n, err, time.Since(start))
		}
		_ = res.Response.Body.Close()
	})
	hostileWire(t, "http", func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		_, _ = io.WriteString(c, head)
		for range 100 {
			time.Sleep(patience - time.Second)
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		}
	}, func(w *Wire, base autotask.Base) {
		res := w.get(t, base)
		if got, err := io.ReadAll(res.Response.Body); len(got) != 100 || err != nil {
			t.Errorf("%d bytes of a body that trickles, error %v", len(got), err)
		}
		_ = res.Response.Body.Close()
	})
}

func TestAnAnswerThatIsNoneIsNoAnswerAndEndsTheConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"a switch of protocols":         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"no status":                     "HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
		"a status below 100":            "HTTP/1.1 042 x\r\nContent-Length: 0\r\n\r\n",
		"interim answers without end":   strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000),
		"interim answers of 256 KiB":    "HTTP/1.1 103 Early Hints\r\nLink: " + strings.Repeat("x", maxAnswerHeaders) + "\r\n\r\n",
		"headers of more than 256 KiB":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxAnswerHeaders/6+1) + "\r\n",
		"a status line of 256 KiB":      "HTTP/1.1 200 " + strings.Repeat("x", 2*maxAnswerHeaders) + "\r\n\r\n",
		"an answer before the protocol": "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		hostileWire(t, "http", answering(answer), func(w *Wire, base autotask.Base) {
			res := w.get(t, base)
			if res.Verdict != guard.NoAnswer || res.Response != nil || res.Err == nil || res.TimedOut {
				t.Errorf("%s: %+v", name, res)
			}
		})
	}
	some := strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxInterim) + "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	hostileWire(t, "http", answering(some), func(w *Wire, base autotask.Base) {
		res := w.get(t, base)
		if res.Verdict != guard.Accepted {
			t.Fatalf("%+v", res)
		}
		_ = res.Response.Body.Close()
	})
}

// Bytes that come by the minute keep neither a head nor an error's body open for longer than an answer is waited for.
func TestAnAnswerThatTricklesHasFiveMinutes(t *testing.T) {
	for name, head := range map[string]string{"a head": "HTTP/1.1 200 OK\r\nX-Long: ", "an error's body": "HTTP/1.1 500 x\r\nContent-Type: application/json\r\n\r\n"} {
		hostileWire(t, "http", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, err := io.WriteString(c, head)
			for err == nil {
				time.Sleep(time.Minute)
				_, err = c.Write([]byte("x"))
			}
		}, func(w *Wire, base autotask.Base) {
			start := time.Now()
			res := w.get(t, base)
			if res.Verdict != guard.NoAnswer || time.Since(start) != patience {
				t.Errorf("%s: verdict %v after %v", name, res.Verdict, time.Since(start))
			}
			if res.Response != nil {
				_ = res.Response.Body.Close()
			}
		})
	}
}

// The first bytes of an error's body, not its header, say whether it is gzip.
func TestAnErrorsHeaderMayBeWrongAboutGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"errors":["IntegrationCode is invalid"]}`)
	_ = z.Close()
	for name, c := range map[string]struct{ header, body string }{
		"says gzip and is":          {"gzip", b.String()},
		"says gzip and is not":      {"gzip", `{"errors":["IntegrationCode is invalid"]}`},
		"is gzip and does not say":  {"", b.String()},
		"says nothing, and is not":  {"", `{"errors":["IntegrationCode is invalid"]}`},
		"is gzip by its older name": {"x-gzip", b.String()},
	} {
		srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			if c.header != "" {
				rw.Header().Set("Content-Encoding", c.header)
			}
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(rw, c.body)
		})}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go srv.Serve(l)
		w, base := wireTo(t, l.Addr().String())
		res := w.get(t, base)
		got, err := io.ReadAll(res.Response.Body)
		if res.Verdict != guard.Refused || err != nil || string(got) != c.body {
			t.Errorf("%s: verdict %v, body %q, error %v", name, res.Verdict, got, err)
		}
		_ = res.Response.Body.Close()
		w.Close()
		_ = srv.Close()
	}
}

func TestOfAnErrorThatInflatesWithoutEndOnlyTheHeadIsRead(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"errors":["`)
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range 256 {
		_, _ = z.Write(blanks)
	}
	_ = z.Close()
	hostileWire(t, "http", answering("HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n"+b.String()), func(w *Wire, base autotask.Base) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res := w.get(t, base)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%d bytes were allocated for a body of %d that inflates to 256 MiB", got, b.Len())
		}
		if res.Verdict != guard.NoAnswer {
			t.Errorf("verdict %v", res.Verdict)
		}
		_ = res.Response.Body.Close()
	})
}

func TestAFreeCallIsBoundedInTimeAndMemory(t *testing.T) {
	forever := func(head string, more func() string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<16))
			_, err := io.WriteString(c, head)
			for err == nil {
				_, err = io.WriteString(c, more())
			}
		}
	}
	slowly := func() string { time.Sleep(time.Second); return "x" }
	quickly := func() string { return strings.Repeat("x", 1000) }
	lines := func() string { return "X: y\r\n" }
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		takes time.Duration
		fails bool
	}{
		{"nothing, ever", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, freePatience, true},
		{"a head that trickles", forever("HTTP/1.1 200 OK\r\nX: ", slowly), freePatience, true},
		{"a body that trickles", forever("HTTP/1.1 200 OK\r\n\r\n", slowly), freePatience, true},
		{"headers without an end", forever("HTTP/1.1 200 OK\r\n", lines), 0, true},
		{"interim answers without an end", forever("", func() string { return "HTTP/1.1 102 Processing\r\n\r\n" }), 0, true},
		{"a body without an end", forever("HTTP/1.1 200 OK\r\n\r\n", quickly), 0, false},
	} {
		hostileWire(t, "http", c.serve, func(w *Wire, base autotask.Base) {
			start := time.Now()
			_, body, err := w.Free(context.Background(), autotask.ZoneInformationRequest(base, "x"))
			if (err != nil) != c.fails || time.Since(start) != c.takes || len(body) > autotask.MaxBodyHead {
				t.Errorf("%s: %d bytes, error %v after %v", c.name, len(body), err, time.Since(start))
			}
		})
	}
}

// quietPair returns a quiet connection and its other end.
func quietPair(t *testing.T) (q *quiet, other net.Conn) {
	t.Helper()
	mine, other := net.Pipe()
	c, err := quietly(new(guard.Memory).Lease(), func(context.Context, string, string) (net.Conn, error) { return mine, nil })(t.Context(), "tcp", hostileAddr)
	if err != nil {
		t.Fatal(err)
	}
	return quietOf(c), other
}

func TestARequestBeginsOnlyOnceAllThatCameBeforeItHasBeenTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, other := quietPair(t)
		defer other.Close()
		defer q.Close()
		var got atomic.Int32
		go func() {
			for {
				n, err := other.Read(make([]byte, 100))
				if err != nil {
					return
				}
				got.Add(int32(n))
			}
		}()
		no := q.begin(t.Context())
		go func() { _, _ = io.WriteString(q, "request") }()
		if synctest.Wait(); got.Load() != 0 || !q.armed {
			t.Error("it began before anybody read")
		}
		go func() { _, _ = q.Read(make([]byte, 100)) }()
		if synctest.Wait(); got.Load() != 7 || q.unsent(no) {
			t.Errorf("%d bytes went out although a read waits", got.Load())
		}
		if _, err := io.WriteString(q, " and its body"); err != nil {
			t.Error(err)
		}
		q.begin(t.Context()) // the next has the connection before the end of the first is looked at
		if q.unsent(no) {
			t.Error("the first is said to be unsent")
		}
		if _, err := io.WriteString(q, "next"); err != nil {
			t.Error(err)
		}
	})
}

func TestARequestThatWasAnsweredBeforeItBeganNeverBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, other := quietPair(t)
		defer other.Close()
		defer q.Close()
		no := q.begin(t.Context())
		failed := make(chan error, 1)
		go func() { _, err := io.WriteString(q, "request"); failed <- err }()
		synctest.Wait()
		if !q.unsent(no) {
			t.Error("something was sent")
		}
		go func() { _, _ = q.Read(make([]byte, 100)) }()
		if err := <-failed; !errors.Is(err, errNotQuiet) {
			t.Errorf("error %v", err)
		}
		if _, err := io.WriteString(q, "later"); !errors.Is(err, errNotQuiet) {
			t.Errorf("later: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		q, other := quietPair(t)
		defer other.Close()
		q.begin(t.Context())
		time.AfterFunc(time.Second, func() { _ = q.Close() })
		if _, err := io.WriteString(q, "request"); err == nil {
			t.Error("a closed connection took a request")
		}
	})
}
