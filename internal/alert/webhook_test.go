package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

// fixed gives a secret text.
func fixed(text string) secret.Func {
	return func(context.Context) (secret.Value, error) { return secret.NewValue(text), nil }
}

var anAlert = report.Alert{
	ID: "ABCDEF", Time: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Host: "gate", Subject: "psagate: login main is locked", Text: "login main is locked\n",
	Changes: []report.AlertChange{{Login: "main", State: locked, Next: "Unlock it."}},
}

const hookPath = "/services/T000/B000/the-secret-of-the-hook"

func TestAWebhookIsSentTheAlertAsJSON(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	hook := &Webhook{URL: fixed(server.URL + hookPath), Headers: map[string]secret.Func{"Authorization": fixed("Bearer of-alerts"), "X-Token": fixed("another")}}
	if err := hook.Send(t.Context(), anAlert); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(anAlert)
	if got.Method != "POST" || got.URL.Path != hookPath || got.ContentLength != int64(len(want)) || !bytes.Equal(body, want) {
		t.Errorf("%s %s: %s", got.Method, got.URL.Path, body)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer of-alerts", "X-Token": "another", "User-Agent": "psagate"} {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
}

// verdictOf says whether an error lets the alert be tried again.
func verdictOf(err error) string {
	switch permanent, partial := new(Permanent), new(Partial); {
	case err == nil:
		return "delivered"
	case errors.As(err, permanent):
		return "in vain"
	case errors.As(err, partial):
		return "partly"
	}
	return "again"
}

func TestAWebhooksAnswerCountsByItsStatus(t *testing.T) {
	for status, want := range map[int]string{
		200: "delivered", 202: "delivered", 204: "delivered", 301: "in vain", 307: "in vain", 400: "in vain", 401: "in vain", 404: "in vain", 408: "again",
		410: "in vain", 413: "in vain", 429: "again", 500: "again", 502: "again", 503: "again",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				if status != 204 {
					_, _ = io.WriteString(w, "you sent "+r.URL.Path)
				}
			}))
			defer server.Close()
			err := (&Webhook{URL: fixed(server.URL + hookPath)}).Send(t.Context(), anAlert)
			if got := verdictOf(err); got != want || requests != 1 {
				t.Errorf("%s after %d requests: %v", got, requests, err)
			}
			if err != nil && (!strings.Contains(err.Error(), fmt.Sprint(status)) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("the error: %v", err)
			}
		})
	}
}

// broken are servers that do not answer as they should.
var broken = map[string]func(conn net.Conn){
	"hangs up":        func(net.Conn) {},
	"speaks no HTTP":  func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example.com\r\n") },
	"endless headers": func(c net.Conn) { endless(c, "HTTP/1.1 200 OK\r\n", "X-More: "+strings.Repeat("x", 1000)+"\r\n") },
	"an early redirect": func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
	},
}

func endless(c net.Conn, first, more string) {
	_, err := io.WriteString(c, first)
	for err == nil {
		_, err = io.WriteString(c, more)
	}
}

// listen gives connections to a function, and closes them after it.
func listen(t *testing.T, serve func(conn net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestAServerThatAnswersNoHTTPIsAnError(t *testing.T) {
	for name, serve := range broken {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 64<<10))
				serve(c)
			})
			err := (&Webhook{URL: fixed("http://" + address + hookPath)}).Send(t.Context(), anAlert)
			if err == nil || !strings.HasPrefix(err.Error(), address) || strings.Contains(err.Error(), "services") {
				t.Errorf("the error: %v", err)
			}
		})
	}
}

// An answer of any size, at any pace, says all that counts with its status.
func TestABodyThatDoesNotEndIsNotReadToIt(t *testing.T) {
	address := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 64<<10))
		endless(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", strings.Repeat("more ", 1000))
	})
	if err := (&Webhook{URL: fixed("http://" + address)}).Send(t.Context(), anAlert); err != nil {
		t.Error(err)
	}
}

func TestAWebhookThatHangsIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	address := listen(t, func(c net.Conn) {
		close(asked)
		_, _ = io.Copy(io.Discard, c) // until the client leaves
	})
	go func() { <-asked; cancel() }()
	if err := (&Webhook{URL: fixed("http://" + address)}).Send(ctx, anAlert); verdictOf(err) != "again" || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("the error: %v", err)
	}
}

func TestAWebhooksURLMustNotBeAbleToLeak(t *testing.T) {
	for text, want := range map[string]string{
		"https://hooks.example.com/a?b=c": "", "http://127.0.0.1:8080/x": "", "http://[::1]/x": "", "http://localhost/": "",
		"http://hooks.example.com/hunter2": "must begin with https://",
		"ftp://hooks.example.com/hunter2":  "must begin with https://",
		"hunter2":                          "is none",
		"":                                 "is none",
		"https://":                         "is none",
		"https://user:hunter2@hooks.example.com/x": "no user name",
		"https://hooks.example.com/#hunter2":       "no #",
		"https://hooks.example.com/%zzhunter2":     "is none",
		"https://hooks.example.com/\x00hunter2":    "is none",
	} {
		err := (&Webhook{URL: fixed(text)}).Send(canceled(t), anAlert)
		if want == "" {
			if _, err := ParseURL(text); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestNoErrorOfAWebhookShowsASecret(t *testing.T) {
	unknown := func(context.Context) (secret.Value, error) { return secret.Value{}, errors.New("record not found") }
	for name, hook := range map[string]*Webhook{
		"nobody listens":      {URL: fixed("http://127.0.0.1:1" + hookPath)},
		"a host that is none": {URL: fixed("https://the-host-is.invalid" + hookPath)},
		"a header of 2 lines": {URL: fixed("http://127.0.0.1:1" + hookPath), Headers: map[string]secret.Func{"X-Token": fixed("secret\r\nsecret")}},
		"a header that is no text": {
			URL: fixed("http://127.0.0.1:1" + hookPath), Headers: map[string]secret.Func{"X-Token": fixed("secret\x01secret")},
		},
		"no URL":    {URL: unknown},
		"no header": {URL: fixed("http://127.0.0.1:1" + hookPath), Headers: map[string]secret.Func{"X-Token": unknown}},
	} {
		err := hook.Send(t.Context(), anAlert)
		if verdictOf(err) != "again" || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "services") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://hooks.example.com/a?b=c")
	f.Add("http://user:hunter2@[::1%25eth0]:80/%zz#")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			if len(text) > 30 && strings.Contains(err.Error(), text) {
				t.Errorf("the error shows it: %v", err)
			}
			return
		}
		if u.User != nil || u.Hostname() == "" || u.Scheme != "https" && !isLoopback(u.Hostname()) {
			t.Errorf("%q is taken", text)
		}
	})
}

func TestAWebhooksCertificateMustFit(t *testing.T) {
	cert, ca := certificate(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	if err := (&Webhook{URL: fixed(server.URL), CA: ca}).Send(t.Context(), anAlert); err != nil {
		t.Error(err)
	}
	if err := (&Webhook{URL: fixed(server.URL)}).Send(t.Context(), anAlert); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("whom nobody vouches for: %v", err)
	}
	if err := (&Webhook{URL: fixed(server.URL), CA: "/none/ca.pem"}).Send(t.Context(), anAlert); err == nil || !strings.Contains(err.Error(), "reading the ca file") {
		t.Errorf("a file that is none: %v", err)
	}
}
