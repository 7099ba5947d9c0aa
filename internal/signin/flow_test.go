package signin

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAFlowIsSealedForItsNameAndItsTime(t *testing.T) {
	w := newWorld(t)
	f := flow{Issuer: "corp", State: "s", Nonce: "n", Verifier: "v", Return: "/x", Ends: time.Now().Add(flowLasts)}
	rec := httptest.NewRecorder()
	o := origin{"https", "gate.example.com"}
	if err := w.site.keepFlow(rec, httptest.NewRequest(http.MethodGet, "/", nil), o, f); err != nil {
		t.Fatal(err)
	}
	c := rec.Result().Cookies()[0]
	name := flowName("s")
	if got, ok := w.site.openFlow(name, c.Value); !ok || got.Verifier != "v" || got.Return != "/x" || c.MaxAge != 600 {
		t.Errorf("%+v, %t, %s", got, ok, c.Raw)
	}
	if bytes.Contains([]byte(c.Value), []byte("corp")) {
		t.Error("it can be read")
	}
	if _, ok := w.site.openFlow(flowName("other"), c.Value); ok {
		t.Error("it is good under another name")
	}
	renewed := newSealing([][]byte{bytes.Repeat([]byte{8}, 32), bytes.Repeat([]byte{7}, 32)})
	if _, err := renewed.open(name, c.Value); err != nil {
		t.Error("a key that was replaced does not open it any more")
	}
	if _, err := newSealing([][]byte{bytes.Repeat([]byte{8}, 32)}).open(name, c.Value); err == nil {
		t.Error("another key opens it")
	}
}

// FuzzFlowCookie: nothing is a flow but what was sealed as it.
func FuzzFlowCookie(f *testing.F) {
	s := newSealing([][]byte{bytes.Repeat([]byte{7}, 32)})
	site := &Site{cfg: withDefaults(Config{}), sealing: s}
	name := flowName("s")
	good := s.seal(name, []byte(`{"s":"s","t":"2999-01-01T00:00:00Z"}`))
	f.Add(name, good)
	f.Add(name, "")
	f.Add("x", good)
	f.Add(name, s.seal(name, []byte(`not JSON`)))
	f.Fuzz(func(t *testing.T, n, text string) {
		if got, ok := site.openFlow(n, text); ok && (n != name || got.State != "s" || got.Ends.Year() != 2999) {
			t.Errorf("%q under %q is %+v", text, n, got)
		}
	})
}

func TestAFlowFitsIntoACookieWhateverIsAskedFor(t *testing.T) {
	w := newWorld(t)
	for name, path := range map[string]string{
		"many parameters": "/x?" + strings.Repeat("&", maxReturn-3),
		"quotes":          `/x?` + strings.Repeat(`"`, maxReturn-3),
		"tags":            "/x?" + strings.Repeat("<", maxReturn-3),
		"an ordinary one": "/x?a=b&c=d",
	} {
		r := httptest.NewRequest(http.MethodGet, "https://people.example.com/psagate/signin", nil)
		r.URL.RawQuery = url.Values{"return": {path}}.Encode()
		got := httptest.NewRecorder()
		w.site.ServeHTTP(got, r)
		set := got.Result().Header["Set-Cookie"]
		if got.Code != http.StatusSeeOther || len(set) != 1 || len(set[0]) > 4096 { // RFC 6265, section 6.1: more is not kept by browsers
			t.Errorf("%s: status %d, %d cookies, the first with %d bytes", name, got.Code, len(set), len(strings.Join(set, "")))
		}
	}
}
