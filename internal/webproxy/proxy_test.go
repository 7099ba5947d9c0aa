package webproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/websocket"

	"github.com/psagate/psagate/internal/psatest"
)

// A browser that is led out of the gateway fails the test: see visitor.
func TestAPersonSignsInThroughTheGatewayAndStaysThere(t *testing.T) {
	for name, gzips := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sim.Adjust(func(b *psatest.Behaviour) { b.GzipAnswers = gzips })
			v := w.visitor()
			body := v.signIn(public + "/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7")
			if v.at.Path != "/Mvc/ServiceDesk/TicketDetail.mvc" || !strings.Contains(body, "ticket 7") || !strings.Contains(body, `href="`+public+landing+`"`) {
				t.Fatalf("at %s: %s", v.at, body)
			}
			if strings.Contains(body, w.web.URL()) {
				t.Errorf("the page names the zone: %s", body)
			}
			if got := v.open(public + "/Content/site.js"); strings.Contains(got, "127.0.0.1") || !strings.Contains(got, `"wss://psa.example.com/`) || !strings.Contains(got, `"https:\/\/psa.example.com\/`) {
				t.Errorf("the script says %s", got)
			}
			if got := v.open(public + "/Content/site.css"); !strings.Contains(got, "url("+public) {
				t.Errorf("the stylesheet says %s", got)
			}
			if got := v.open(public + "/Mvc/Framework/Navigation.mvc/Info"); !strings.Contains(got, `"home":"`+public+landing) {
				t.Errorf("the data say %s", got)
			}
			if got := v.open(public + "/Mvc/File/Attachment.mvc/Download"); !strings.Contains(got, w.web.URL()) {
				t.Errorf("a file was changed: %s", got)
			}
			v.open(public + "/Mvc/Framework/Authentication.mvc/SignOut")
			if got := v.header.Get("Refresh"); got != "0; url="+public+authenticate {
				t.Errorf("it leads on to %q", got)
			}
			if v.open(public + landing); v.at.Path != authenticate {
				t.Errorf("signed out, at %s", v.at)
			}
			if f := w.failures(); len(f) != 0 {
				t.Errorf("failures %+v", f)
			}
		})
	}
}

func TestThePSASeesItsOwnAddressAndNothingOfTheGateway(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	v.signIn(public + "/")
	r := v.request(http.MethodGet, public+landing+"?back=https%3A%2F%2Fpsa.example.com%2Fx", nil)
	for name, value := range map[string]string{
		"Authorization": "Bearer psa_key", "UserName": "robot", "Secret": "psa_key", "ApiIntegrationCode": "CODE", "X-Forwarded-For": "192.0.2.1",
		"X-Forwarded-User": "anna", "Forwarded": "for=192.0.2.1", "X-Real-Ip": "192.0.2.1", "Via": "1.1 x", "Psagate-Person": "anna", "Remote-User": "anna",
		"Range": "bytes=0-3", "Referer": public + "/Mvc/X?a=1", "X-Requested-With": "XMLHttpRequest",
		"Cookie": "__Host-psagate=stolen; psagate-browser=mark; theirs=1; psagate-flow-x=y",
	} {
		r.Header.Set(name, value)
	}
	v.send(r)
	visits := w.sim.WebVisits()
	last := visits[len(visits)-1]
	u, _ := url.Parse(w.web.URL())
	if last.Host != u.Host || last.URI != landing+"?back="+url.QueryEscape(w.web.URL()+"/x") || last.User != userName {
		t.Errorf("it saw %+v", last)
	}
	if got := last.Header.Get("Referer"); got != w.web.URL()+"/Mvc/X?a=1" {
		t.Errorf("referred by %q", got)
	}
	if got := last.Header.Get("Cookie"); !strings.Contains(got, "theirs=1") || strings.Contains(got, "psagate") {
		t.Errorf("cookies %q", got)
	}
	if last.Header.Get("X-Requested-With") == "" {
		t.Error("a header of its own scripts was withheld")
	}
	for _, seen := range visits {
		for name, values := range seen.Header {
			for _, value := range values {
				if strings.Contains(value, "psa.example.com") || strings.Contains(value, "psa_key") || withheld(name) {
					t.Errorf("%s: %s", name, value)
				}
			}
		}
	}
}

func TestLinksToOtherHostsOfThePSALandRight(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	v.signIn(public + "/")
	const page = "/Mvc/ServiceDesk/TicketDetail.mvc?ticketId=7"
	for _, link := range []string{"/https://ww3.autotask.net" + page, "/https:/www.autotask.net" + page, "/?url=" + url.QueryEscape("https://ww18.autotask.com"+page)} {
		if body := v.open(public + link); v.at.RequestURI() != page || !strings.Contains(body, "ticket 7") {
			t.Errorf("%s ends at %s", link, v.at)
		}
	}
}

func TestTheInterfacesAreNotServed(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	for _, path := range []string{
		"/ATServicesRest/V1.0/Version", "/atservices/1.6/atws.asmx", "/x/..%2FATServicesRest/V1.0/Version", "/x/%2e%2e/ATServicesRest/V1.0/Version", "/%41TServicesRest/x",
		"/x%5c..%5cATServicesRest/x", "//ATServicesRest/x", "/ATServicesRest./x", "/ATServicesRest;a/x", "/x/%252e%252e/ATServicesRest/x", "/https://ww5.autotask.net/ATServicesRest/x",
	} {
		r := v.request(http.MethodGet, public, nil)
		r.URL.Opaque = "//psa.example.com" + path
		if v.send(r); v.status != 404 && v.status != 400 {
			t.Errorf("%s: %d", path, v.status)
		}
	}
	if n := len(w.sim.WebVisits()); n != 0 {
		t.Errorf("the PSA saw %d requests", n)
	}
}

func TestAHostThatIsNoneIsRefused(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	r := v.request(http.MethodGet, public+landing, nil)
	r.Host = `psa'onload='x`
	if v.send(r); v.status != 400 || strings.Contains(v.body, "onload") {
		t.Errorf("%d %s", v.status, v.body)
	}
}

func TestSocketsAndUploadsPass(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	v.signIn(public + "/")
	const size = 20 << 20
	text := strings.Repeat("see "+public+"/x ", size/(len(public)+7))
	sum := sha256.Sum256([]byte(text))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, public+"/Mvc/File/Attachment.mvc/Upload", io.MultiReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", public)
	r.Header.Set("Content-Type", "application/octet-stream")
	if got := v.send(r); !strings.Contains(got, hex.EncodeToString(sum[:])) {
		t.Errorf("uploaded: %s", got)
	}

	for origin, fits := range map[string]bool{public: true, "https://evil.example": false} {
		c, err := websocket.NewConfig("wss://psa.example.com/Mvc/Framework/Live.mvc/Socket", origin)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(public)
		for _, cookie := range v.client.Jar.Cookies(u) {
			c.Header.Add("Cookie", cookie.Name+"="+cookie.Value)
		}
		raw, err := v.client.Transport.(*http.Transport).DialContext(t.Context(), "tcp", "psa.example.com:443")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := overTLS(c, raw)
		if (err == nil) != fits {
			t.Fatalf("from %s: %v", origin, err)
		}
		if err != nil {
			_ = raw.Close()
			continue
		}
		heard := ""
		if err := websocket.Message.Send(conn, "see "+public); err != nil {
			t.Fatal(err)
		}
		if err := websocket.Message.Receive(conn, &heard); err != nil || heard != "see "+public {
			t.Fatalf("heard %q, %v", heard, err)
		}
		_ = conn.Close()
	}
}

func TestAnOutageIsSaid(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	w.sim.Close()
	if v.open(public + landing); v.status != 502 || v.header.Get("Psagate-Reason") != "upstream-unreachable" {
		t.Errorf("%d %v", v.status, v.header)
	}
}
