package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEachCallIsAnsweredAsThePSADoes(t *testing.T) {
	p := newPSA("http://127.0.0.1:9", "right", 0)
	for _, c := range []struct {
		name, method, path, secret, body string
		status, size                     int // size 0: any
		shows                            string
	}{
		{"a record of 1 KiB", "GET", "/ATServicesRest/V1.0/Tickets/1", "right", "", 200, 1 << 10, `"ticketNumber"`},
		{"a page", "POST", "/ATServicesRest/V1.0/Tickets/query", "right", `{"filter":[]}`, 200, 0, `"nextPageUrl":"http://127.0.0.1:9/ATServicesRest/V1.0/Tickets/query/next?`},
		{"an attachment", "POST", "/ATServicesRest/V1.0/Tickets/1/Attachments", "right", strings.Repeat("x", 100_000), 200, 0, `{"itemId":1}`},
		{"psagate's own check", "GET", "/ATServicesRest/V1.0/ThresholdInformation", "right", "", 200, 0, `"externalRequestThreshold"`},
		{"a zone, without credential", "GET", "/ATServicesRest/V1.0/zoneInformation?user=x", "", "", 200, 0, `"url":"http://127.0.0.1:9/ATServicesRest/"`},
		{"a wrong credential", "GET", "/ATServicesRest/V1.0/Tickets/1", "wrong", "", 401, 0, ""},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.secret != "" {
			r.Header.Set("UserName", "x")
			r.Header.Set("Secret", c.secret)
			r.Header.Set("ApiIntegrationCode", "x")
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		text := w.Body.String()
		if w.Header().Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			text = string(whole)
		}
		if w.Code != c.status || c.size > 0 && len(text) != c.size || !strings.Contains(text, c.shows) {
			t.Errorf("%s: %d, %d bytes: %.100s", c.name, w.Code, len(text), text)
		}
		if w.Code == 200 && !json.Valid([]byte(text)) {
			t.Errorf("%s: not JSON: %.100s", c.name, text)
		}
	}
}

func TestAPageIsAMiBAndCompressesAsRecordsDo(t *testing.T) {
	text := page("http://127.0.0.1:9", 1<<20)
	if n := len(text); n < 1<<20 || n > 1<<20+4<<10 {
		t.Errorf("%d bytes", n)
	}
	if share := float64(len(compressed(text))) / float64(len(text)); share < 0.1 || share > 0.4 {
		t.Errorf("gzip leaves %.2f", share)
	}
}

func TestSOAPCallsAreAnsweredAsThePSADoes(t *testing.T) {
	p := newPSA("http://127.0.0.1:9", "right", 0)
	for _, c := range []struct {
		name, operation, secret string
		status                  int
		shows                   string
	}{
		{"a query", "query", "right", 200, "<ReturnCode>1</ReturnCode>"},
		{"an attachment", "CreateAttachment", "right", 200, "<CreateAttachmentResult>1<"},
		{"a wrong credential", "query", "wrong", 401, ""},
	} {
		r := httptest.NewRequest("POST", "/ATServices/1.6/atws.asmx", strings.NewReader("<x/>"))
		r.SetBasicAuth("x", c.secret)
		r.Header.Set("SOAPAction", `"http://autotask.net/ATWS/v1_6/`+c.operation+`"`)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.shows) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}
