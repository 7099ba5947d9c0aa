package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/psagate/psagate/internal/report"
)

// quiet is an engine that knows each call and answers none, so that what is measured is this package's.
type quiet struct{ *fake }

func (quiet) Identify(_ http.ResponseWriter, r *http.Request, _ string) (*http.Request, report.Call, bool) {
	return r, report.Call{Integration: "itglue", Entity: "Tickets", Action: "read", ID: "7", Login: "main"}, false
}

func (quiet) Proxy(http.ResponseWriter, *http.Request, ProxyOptions) report.Call {
	return report.Call{
		Integration: "itglue", Entity: "Tickets", Action: "read", ID: "7", Login: "main",
		Zone: "https://webservices5.autotask.net", CredentialVersion: "3", Outcome: report.OutcomeOK,
	}
}

// BenchmarkServe is what the two handlers cost for a call, without the engine: the difference to what Caddy makes for them.
func BenchmarkServe(b *testing.B) {
	request := httptest.NewRequest("GET", "/ATServicesRest/V1.0/Tickets/7", nil)
	recorder := httptest.NewRecorder()
	proxy := &Proxy{engine: quiet{}}
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return proxy.ServeHTTP(w, r, nil) })
	for name, serve := range map[string]func(*http.Request){
		"Caddy's part": func(*http.Request) {},
		"all":          func(r *http.Request) { _ = (&Identify{engine: quiet{}}).ServeHTTP(recorder, r, next) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			vars := varsContext()
			for b.Loop() {
				serve(request.WithContext(context.WithValue(vars, caddy.ReplacerCtxKey, caddy.NewReplacer())))
			}
		})
	}
}

// BenchmarkAccessLog is what a line of the access log costs, beside Caddy's own format.
func BenchmarkAccessLog(b *testing.B) {
	request := (&http.Request{
		Method: "GET", Proto: "HTTP/1.1", Host: "psa.example.com", RemoteAddr: "192.0.2.7:1234", RequestURI: "/ATServicesRest/V1.0/Tickets/7",
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {"itglue/1.0"}, "Username": {"itglue"}, "Secret": {aKey}, "Apiintegrationcode": {"CODE"}},
	}).WithContext(varsContext())
	answer := http.Header{"Server": {"Caddy"}, "Content-Type": {"application/json"}, "Content-Length": {"1024"}, "Date": {"Wed, 04 Mar 2026 12:00:00 GMT"}}
	before := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: request})
	fields := []zap.Field{
		zap.Int("bytes_read", 0), zap.String("user_id", ""), zap.Duration("duration", 1000), zap.Int("size", 1024), zap.Int("status", 200),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: answer}),
	}
	stock := new(logging.JSONEncoder)
	if err := stock.Provision(caddy.Context{}); err != nil {
		b.Fatal(err)
	}
	ours := new(LogEncoder)
	if err := ours.Provision(caddy.Context{}); err != nil {
		b.Fatal(err)
	}
	entry := zapcore.Entry{LoggerName: "http.log.access.log0", Message: "handled request", Time: noon}
	for name, encoder := range map[string]zapcore.Encoder{"json": stock, "psa": ours} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clone := encoder.Clone()
				before.AddTo(clone)
				line, err := clone.EncodeEntry(entry, fields)
				if err != nil {
					b.Fatal(err)
				}
				line.Free()
			}
		})
	}
}

// BenchmarkMetrics is what it costs to count a call.
func BenchmarkMetrics(b *testing.B) {
	c := newTallies()
	served := quiet{}.Proxy(nil, nil, ProxyOptions{})
	b.ReportAllocs()
	for b.Loop() {
		c.Answered(served)
	}
}
