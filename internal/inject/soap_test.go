package inject

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/soap"
)

const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><getThresholdAndUsageInfo xmlns="http://autotask.net/ATWS/v1_6/"/></s:Body></s:Envelope>`

// soapRequest is a SOAP call as it is to be sent.
func soapRequest(t *testing.T, base autotask.Base) Request {
	t.Helper()
	h := http.Header{"Soapaction": {soap.GetThresholdAndUsageInfo.Action()}, "Content-Type": {"text/xml"}}
	op, err := autotask.ParseRequest("POST", "/ATServices/1.6/atws.asmx", h)
	if err != nil {
		t.Fatal(err)
	}
	read, err := soap.Read(strings.NewReader(envelope), op.Call.Action())
	if err != nil {
		t.Fatal(err)
	}
	return Request{Operation: op, Base: base, Credential: credential, Header: h, Body: text(envelope), Envelope: read}
}

func TestASOAPCallOverKeptConnectionsIsSentOnceAndIsWholeEachTime(t *testing.T) {
	var requests atomic.Int32
	bodies := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := requests.Add(1)
		if n > 2 {
			t.Errorf("request %d", n)
			return
		}
		bodies <- string(body)
		if int64(len(body)) != r.ContentLength || len(r.TransferEncoding) > 0 {
			t.Errorf("%d bytes, of which it says %d %v", len(body), r.ContentLength, r.TransferEncoding)
		}
		if n == 2 { // reads, and hangs up
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		}
	}))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	defer w.Close()
	r := soapRequest(t, base)
	first := w.Send(context.Background(), r)
	_ = first.Response.Body.Close()
	second := w.Send(context.Background(), r)
	if first.Verdict != guard.NoAnswer || second.Verdict != guard.NoAnswer || requests.Load() != 2 {
		t.Errorf("%s, %s, %d requests", first.Verdict, second.Verdict, requests.Load())
	}
	if one, other := <-bodies, <-bodies; one != other || !strings.Contains(one, "<IntegrationCode>"+credential.IntegrationCode.Reveal()+"</IntegrationCode>") {
		t.Errorf("the bodies are\n%s\n%s", one, other)
	}
}

func TestASOAPCallWithoutItsEnvelopeIsNotSent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it came") }))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	defer w.Close()
	r := soapRequest(t, base)
	r.Envelope = nil
	if res := w.Send(context.Background(), r); res.Verdict != guard.NotSent || !bytes.Contains([]byte(res.Err.Error()), []byte("envelope")) {
		t.Errorf("%s %v", res.Verdict, res.Err)
	}
}
