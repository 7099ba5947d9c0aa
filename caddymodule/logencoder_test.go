package caddymodule

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// aKey has the form of a key.
var aKey = "psagate_" + strings.Repeat("Ab3", 16) + "x"

// logged returns what the encoder writes of an entry whose logger was given fields before.
func logged(t *testing.T, config string, before, fields []zap.Field, message string) string {
	t.Helper()
	encoder := newLogEncoder(t, config)
	clone := encoder.Clone()
	for _, field := range before {
		field.AddTo(clone)
	}
	line, err := clone.EncodeEntry(zapcore.Entry{Message: message}, fields)
	if err != nil {
		t.Fatal(err)
	}
	return line.String()
}

func newLogEncoder(t *testing.T, config string) *LogEncoder {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	module, err := ctx.LoadModuleByID("caddy.logging.encoders.psa", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return module.(*LogEncoder)
}

// request is one that carries a key wherever it can.
func request() zap.Field {
	basic := base64.StdEncoding.EncodeToString([]byte("jane:" + aKey))
	header := http.Header{
		"Secret": {aKey}, "Username": {"hidden-user"}, "Apiintegrationcode": {"HIDDENCODE"}, "X-Api-Key": {"hidden-api-key"},
		"Authorization": {"Basic " + basic, "Bearer " + aKey}, "Proxy-Authorization": {"hidden-proxy"}, "Cookie": {"hidden=cookie"},
		"secret": {"hidden-lower"}, "API_INTEGRATION-CODE": {"HIDDENCODE2"}, "X-Auth-Token": {"hidden-token"},
		"Referer": {"https://psa.example.com/?k=" + aKey}, "Accept": {"application/json"},
	}
	return zap.Object("request", caddyhttp.LoggableHTTPRequest{
		Request:              (&http.Request{Method: "GET", Host: "psa.example.com", RequestURI: "/ATServicesRest/V1.0/Tickets?a=" + aKey + "&b=psagate%5f" + aKey[8:], Header: header}).WithContext(varsContext()),
		ShouldLogCredentials: true,
	})
}

// escapingRequest is one that carries a key with its first letter escaped, in all that a client says.
func escapingRequest() zap.Field {
	key := "%70" + aKey[1:]
	header := http.Header{"Referer": {"https://x/?k=" + key}, "User-Agent": {key}, "X-Forwarded-For": {"192.0.2.1, " + key}, "X-" + key: {"x"}}
	return zap.Object("request", caddyhttp.LoggableHTTPRequest{
		Request: (&http.Request{Method: "GET", Host: key, RequestURI: "/?Secret=" + key, Header: header}).WithContext(varsContext()),
	})
}

func TestNoKeyIsWritten(t *testing.T) {
	fields := map[string][]zap.Field{
		"a request":             {request()},
		"an escaping request":   {escapingRequest()},
		"an escaped query":      {zap.String("query", "Secret=%2570"+aKey[1:]), zap.Binary("b", []byte("ps%61"+aKey[3:]))},
		"headers of the answer": {zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: http.Header{"Set-Cookie": {"hidden"}, "X": {aKey}}, ShouldLogCredentials: true})},
		"a string":              {zap.String("s", "key="+aKey)},
		"an error":              {zap.Error(errors.New("cannot take " + aKey))},
		"bytes":                 {zap.ByteString("b", []byte(aKey)), zap.Binary("c", []byte(aKey))},
		"a list":                {zap.Strings("l", []string{aKey, "x"})},
		"any value":             {zap.Any("v", map[string][]string{"k": {aKey}})},
		"an object in an array": {zap.Objects("o", []caddyhttp.LoggableHTTPHeader{{Header: http.Header{"X": {aKey}}}})},
		"headers as any value":  {zap.Inline(caddyhttp.LoggableHTTPHeader{Header: http.Header{"X": {aKey}}})},
	}
	hidden := []string{aKey, aKey[8:], base64.StdEncoding.EncodeToString([]byte(aKey))[:20], "hidden", "HIDDEN", base64.StdEncoding.EncodeToString([]byte("ps%61" + aKey[3:]))[:20], base64.StdEncoding.EncodeToString([]byte("jane:"))[:6]}
	for name, fields := range fields {
		for _, format := range []string{`{}`, `{"wrap":{"format":"console"}}`, `{"wrap":{"format":"filter","fields":{"x":{"filter":"delete"}}}}`} {
			t.Run(name+" "+format, func(t *testing.T) {
				for _, line := range []string{logged(t, format, fields, nil, "m"), logged(t, format, nil, fields, "m")} {
					for _, secret := range hidden {
						if strings.Contains(line, secret) {
							t.Errorf("%q is in the line: %s", secret, line)
						}
					}
				}
			})
		}
	}
}

func TestAKeyInTheMessageIsMasked(t *testing.T) {
	if line := logged(t, `{}`, nil, nil, "got "+aKey+" twice"); !strings.Contains(line, `"got psagate_*** twice"`) {
		t.Errorf("line: %s", line)
	}
}

func TestWhatIsNoKeyIsWritten(t *testing.T) {
	line := logged(t, `{}`, []zap.Field{request()}, []zap.Field{
		zap.String("metric", "psagate_login_budget_remaining"), zap.String("secret", "a field that is no header"),
		zap.Binary("b", []byte("x")), zap.Reflect("r", 1), zap.Strings("s", []string{"one"}),
	}, "handled request")
	for _, part := range []string{
		`"handled request"`, `"method":"GET"`, `"host":"psa.example.com"`, `"Accept":["application/json"]`,
		`"Referer":["https://psa.example.com/?k=psagate_***"]`, `/Tickets?a=psagate_***&b=psagate_***`,
		`psagate_login_budget_remaining`, `a field that is no header`, `"b":"eA=="`, `"r":1`, `"s":["one"]`,
	} {
		if !strings.Contains(strings.ReplaceAll(line, `\u0026`, "&"), part) {
			t.Errorf("%s is not in the line: %s", part, line)
		}
	}
}

func TestFieldsOfOneEntryAreNotInTheNext(t *testing.T) {
	encoder := newLogEncoder(t, `{}`)
	for _, name := range []string{"first", "second"} {
		line, err := encoder.EncodeEntry(zapcore.Entry{}, []zap.Field{zap.Int(name, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if name == "second" && strings.Contains(line.String(), "first") {
			t.Errorf("line: %s", line)
		}
	}
}

func TestFieldsOfAClonedLoggerAreNotInTheFirst(t *testing.T) {
	encoder := newLogEncoder(t, `{}`)
	zap.Int("cloned", 1).AddTo(encoder.Clone())
	line, err := encoder.EncodeEntry(zapcore.Entry{}, nil)
	if err != nil || strings.Contains(line.String(), "cloned") {
		t.Errorf("line %s, error %v", line, err)
	}
}

func TestHeadersWithCredentialsAreKnownHoweverTheyAreSpelt(t *testing.T) {
	long := strings.Repeat("X-", 80)
	for name, want := range map[string]bool{
		"UserName": true, "user_name": true, "User Name": true, "USERNAME": true, "X-UserName": false, "ApiIntegrationCode": true,
		"Cookie": true, "Set-Cookie": true, "Cookies": false, "X-Client-Secret-2": true, "Proxy-Authorization": true, "X-API-Key": true,
		"x_api__key": true, "CSRF-Token": true, "Pass-word": true, long + "Secret": true, long: false, "To\u212aen": true, "T\u00f6ken": false,
		"Accept": false, "User-Agent": false, "": false, "-": false,
	} {
		if got := carriesCredential(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestLookingAtAHeadersNameAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { carriesCredential("X-Forwarded-For"); carriesCredential("ApiIntegrationCode") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFieldsStandInTheNamespaceThatIsOpen(t *testing.T) {
	line := logged(t, `{}`, []zap.Field{zap.Int("a", 1), zap.Namespace("n")}, []zap.Field{zap.Int("b", 2), zap.Namespace("m"), zap.Int("c", 3)}, "m")
	if !strings.HasSuffix(line, `"a":1,"n":{"b":2,"m":{"c":3}}}`+"\n") {
		t.Errorf("line: %s", line)
	}
}

func TestTheDefaultFormatIsJSONOffATerminal(t *testing.T) {
	encoder := newLogEncoder(t, `{}`)
	for _, output := range []caddy.WriterOpener{caddy.StdoutWriter{}, caddy.DiscardWriter{}} {
		if err := encoder.ConfigureDefaultFormat(output); err != nil {
			t.Fatal(err)
		}
	}
	line, err := encoder.EncodeEntry(zapcore.Entry{Message: "m"}, nil)
	if err != nil || !strings.HasPrefix(line.String(), "{") {
		t.Errorf("line %s, error %v", line, err)
	}
}

func TestAWrappedFormatHearsOfTheOutput(t *testing.T) {
	encoder := newLogEncoder(t, `{"wrap":{"format":"filter"}}`)
	if err := encoder.ConfigureDefaultFormat(caddy.StderrWriter{}); err != nil {
		t.Error(err)
	}
}

func FuzzNoKeyIsWritten(f *testing.F) {
	f.Add("", "")
	f.Add("psagate_", "Secret")
	f.Add(`","x":"`, "\xff")
	f.Fuzz(func(t *testing.T, around, name string) {
		line := logged(t, `{}`, nil, []zap.Field{zap.String(name, around+aKey+around)}, around+aKey)
		if strings.Contains(line, aKey) {
			t.Errorf("the key is in the line: %s", line)
		}
	})
}
