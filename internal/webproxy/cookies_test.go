package webproxy

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCookiesAreForThisHostAlone(t *testing.T) {
	zone, _ := url.Parse("https://ww5.autotask.net/")
	for _, tc := range []struct {
		in     string
		secure bool
		want   string // empty: dropped
	}{
		{"a=1; Domain=ww5.autotask.net; Path=/Mvc; HttpOnly; Secure", true, "a=1; Path=/Mvc; HttpOnly; Secure"},
		{"a=1; domain=.autotask.net; SameSite=None; secure", true, "a=1; SameSite=None; Secure"},
		{"a=1", true, "a=1; Secure"},
		{"a=1; Secure; SameSite=None; Partitioned; Max-Age=5", false, "a=1; Max-Age=5"},
		{"a=b=c; Expires=Wed, 21 Oct 2026 07:28:00 GMT", false, "a=b=c; Expires=Wed, 21 Oct 2026 07:28:00 GMT"},
		{"a=1; Domain=evil.example", true, ""},
		{"a=1; Domain=net", true, ""},
		{"a=1; Domain=w5.autotask.net", true, ""},
		{"__Host-psagate=planted; Path=/; Secure", true, ""},
		{"psagate-browser=planted", true, ""},
		{" __Secure-PSAGATE-x=planted", true, ""},
	} {
		x := &exchange{zone: zone, Visit: Visit{Secure: tc.secure}}
		h := http.Header{"Set-Cookie": {tc.in}}
		x.setCookies(h)
		var want []string
		if tc.want != "" {
			want = []string{tc.want}
		}
		if got := h["Set-Cookie"]; !slices.Equal(got, want) {
			t.Errorf("%s\nbecomes %q", tc.in, got)
		}
	}
}

// stub answers in the zone's place.
type stub func(*http.Request) *http.Response

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) { return s(r), nil }

func TestWhatTheZoneSaysOfItsHostIsNotSaidOfOurs(t *testing.T) {
	p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: stub(func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Request: r, ContentLength: 3, Body: io.NopCloser(strings.NewReader("abc")), Header: http.Header{
			"Strict-Transport-Security": {"max-age=9"}, "Clear-Site-Data": {`"*"`}, "Psagate-Reason": {"login-locked"}, "Alt-Svc": {"h3"}, "Nel": {"{}"}, "Service-Worker-Allowed": {"/"},
			"Content-Security-Policy": {"connect-src https://ww5.autotask.net wss://ww5.autotask.net https://other.example"},
			"Link":                    {"<https://ww5.autotask.net/x.css>; rel=preload"}, "Etag": {`"a"`}, "Content-Type": {"text/html"},
		}}
	})})
	w := httptest.NewRecorder()
	p.Serve(w, httptest.NewRequest(http.MethodGet, "/Mvc/X", nil), Visit{Zone: "https://ww5.autotask.net/"})
	h := w.Result().Header
	for _, name := range kept {
		if h.Get(name) != "" {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "connect-src http://example.com ws://example.com https://other.example",
		"Link":                    "<http://example.com/x.css>; rel=preload", "Etag": `W/"a"`, "Content-Length": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestNoUpgradeButAWebsocketPasses(t *testing.T) {
	for upgrade, want := range map[string]string{"websocket": "websocket", "h2c": "", "TLS/1.3": ""} {
		got := "nothing came"
		p := New(Config{Book: NewBook(Limits{}, time.Now), Log: slog.New(slog.DiscardHandler), Transport: stub(func(r *http.Request) *http.Response {
			got = r.Header.Get("Upgrade")
			return &http.Response{StatusCode: 400, Request: r, Body: http.NoBody, Header: http.Header{}}
		})})
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header = http.Header{"Upgrade": {upgrade}, "Connection": {"Upgrade"}}
		p.Serve(httptest.NewRecorder(), r, Visit{Zone: "https://ww5.autotask.net/"})
		if got != want {
			t.Errorf("%s arrives as %q", upgrade, got)
		}
	}
}

func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{"a=1; Domain=ww5.autotask.net; Secure", "__Host-psagate=x", "a=1;Domain=.net;SameSite=None;;=", "=;domain", "a\x00=1; DOMAIN = ww5.autotask.net"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	zone, _ := url.Parse("https://ww5.autotask.net/")
	f.Fuzz(func(t *testing.T, line string, secure bool) {
		x := &exchange{zone: zone, Visit: Visit{Secure: secure}}
		kept, keep := x.setCookie(line)
		if !keep {
			return
		}
		c, err := http.ParseSetCookie(kept)
		if err != nil {
			return // and no browser takes it
		}
		if c.Domain != "" || ours(c.Name) || c.Secure != secure {
			t.Fatalf("%q becomes %q", line, kept)
		}
	})
}
