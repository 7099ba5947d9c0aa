package call

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/psagate/psagate/policy"
)

// manyPolicies are 2,000 policies of 1,000 integrations; a's are among them.
func manyPolicies(b *testing.B) Judge {
	b.Helper()
	var text strings.Builder
	for i := range 1000 {
		name := fmt.Sprintf("i%d", i)
		if i == 500 {
			name = "a"
		}
		fmt.Fprintf(&text, "permit (principal == Integration::%q, action in [Action::\"read\", Action::\"query\"], resource);\n", name)
		fmt.Fprintf(&text, "permit (principal == Integration::%q, action == Action::\"update\", resource == Entity::\"Tickets\") when { context.fields.contains(\"title\") };\n", name)
	}
	p, err := policy.Load([]policy.Source{{Name: "bench.cedar", Text: []byte(text.String())}}, policy.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return testJudge{p, false}
}

// BenchmarkPoliced is what a call costs where nobody asks policy and nobody writes it down, where policy is asked, and where both is
// done.
func BenchmarkPoliced(b *testing.B) {
	for _, call := range []struct{ name, method, path, body string }{
		{"read", "GET", "/Tickets/1", ""},
		{"query", "POST", "/Tickets/query", `{"filter":[{"op":"eq","field":"id","value":1}],"includeFields":["id","title"]}`},
	} {
		for _, as := range []string{"plain", "policy", "policy+audit"} {
			b.Run(call.name+"/"+as, func(b *testing.B) {
				var a Auditor
				if as == "policy+audit" {
					a = newFiled(b, false)
				}
				g, key := newBenchGateway(b, a)
				g.policy = manyPolicies(b)
				b.ReportAllocs()
				for b.Loop() {
					r := httptest.NewRequest(call.method, gatewayURL+"/ATServicesRest/V1.0"+call.path, strings.NewReader(call.body))
					r.Header.Set("Secret", key.Reveal())
					rec := httptest.NewRecorder()
					r, _, _ = g.Identify(rec, r, "192.0.2.7")
					leave := func() {}
					if as != "plain" {
						_, leave, _ = g.Police(rec, r, 0)
					}
					if g.Proxy(rec, r, ProxyOptions{}); rec.Code != http.StatusOK {
						b.Fatal(rec.Code, rec.Body)
					}
					leave()
				}
			})
		}
	}
}

// BenchmarkPoliceAlone is what asking policy adds to a call, with what Proxy would do of it anyway: its body is received.
func BenchmarkPoliceAlone(b *testing.B) {
	for _, call := range []struct{ name, method, path, body string }{
		{"read", "GET", "/Tickets/1", ""},
		{"query", "POST", "/Tickets/query", `{"filter":[{"op":"eq","field":"id","value":1}],"includeFields":["id","title"]}`},
		{"update", "PATCH", "/Tickets", `{"id":1,"title":"x","userDefinedFields":[{"name":"Site","value":"y"}]}`},
	} {
		b.Run(call.name, func(b *testing.B) {
			g, key := newBenchGateway(b, nil)
			g.policy = manyPolicies(b)
			r := httptest.NewRequest(call.method, gatewayURL+"/ATServicesRest/V1.0"+call.path, nil)
			r.Header.Set("Secret", key.Reveal())
			rec := httptest.NewRecorder()
			r, _, _ = g.Identify(rec, r, "192.0.2.7")
			r.ContentLength = int64(len(call.body))
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(call.body))
				if _, leave, done := g.Police(rec, r, 0); done {
					b.Fatal(rec.Code, rec.Body)
				} else {
					leave()
				}
			}
		})
	}
}
