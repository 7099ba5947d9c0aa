package psatest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// soap makes a call over the network in memory.
func (b *bubbled) soap(ctx context.Context, operation, body string) (reply, error) {
	r := soapRequest(operation, codeHeader(code), body)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", "zone5.test"
	res, err := b.client.Do(r.WithContext(ctx))
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text)}, err
}

func TestAFaultMeetsOneOperationAlone(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{At: psatest.Judged, Operation: "QUERY", Then: psatest.Answer, Body: `<?xml version="1.0"?><oops/>`})
	if got := w.soap("query", "<sXML/>"); got.status != 500 || got.header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("%+v", got)
	}
	if got := w.soap("getThresholdAndUsageInfo", ""); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := w.sign(w.z5, userName, secret); got != 200 {
		t.Errorf("REST: %d", got)
	}
}

func TestAStormOf401MeetsSOAPToo(t *testing.T) {
	w := newWorld(t)
	w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.SignInCall, Then: psatest.Refuse})
	if got := w.soap("query", "<sXML/>"); got.status != 401 || got.body != "" {
		t.Errorf("%+v", got)
	}
	if e := w.sim.Ledger()[0]; e.Cause != psatest.CauseOrdered || e.Count != 1 {
		t.Errorf("%v", e)
	}
	r := soapRequest("getZoneInfo", "", "<UserName>"+userName+"</UserName>")
	if got := ask(w.z5, r); got.status != 200 {
		t.Errorf("the lookup: %+v", got)
	}
}

func TestALookupOfSOAPMeetsTheFaultsOfItsUser(t *testing.T) {
	w := newWorld(t)
	o := w.sim.Fault(psatest.Fault{At: psatest.Received, Only: psatest.OpenCall, User: userName, Change: psatest.OtherHost("http://10.0.0.1")})
	for user, want := range map[string]string{userName: "<URL>http://10.0.0.1/ATServices/1.6/atws.asmx</URL>", "nobody": "<ErrorCode>-1</ErrorCode>"} {
		r := soapRequest("getZoneInfo", "", "<UserName>"+user+"</UserName>")
		r.Header.Del("Authorization")
		if got := ask(w.z5, r); !strings.Contains(got.body, want) {
			t.Errorf("%s: %s", user, got.body)
		}
	}
	if o.Hits() != 1 {
		t.Errorf("%d hits", o.Hits())
	}
}

func TestATicketOfSOAPMayBeStoredAndNobodyTold(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Fault(psatest.Fault{At: psatest.Applied, Operation: "create", Then: psatest.Reset})
		if got, err := b.soap(t.Context(), "create", "<Entities>"+ticket()+"</Entities>"); err == nil {
			t.Fatalf("%+v", got)
		}
		if n := len(b.tenant.Records("Tickets")); n != 2 || !b.sim.Ledger()[0].OK() {
			t.Fatalf("%d tickets, %v", n, b.sim.Ledger())
		}
	})
}

func TestASignInOfSOAPMayBeJudgedAfterTheClientGaveUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Fault(psatest.Fault{At: psatest.Received, Gone: true, Delay: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.soap(ctx, "query", "<sXML/>"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if l := b.sim.Ledger(); len(l) != 1 || l[0].At.Sub(b.start) != 25*time.Second {
			t.Fatalf("%v", l)
		}
	})
}

func TestCallsAtOnceAreCountedOverAllOfSOAP(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubbled) {
		b.sim.Adjust(func(x *psatest.Behaviour) { x.Threads = 1 })
		o := b.sim.Fault(psatest.Fault{At: psatest.Judged, Operation: "query", Hold: true})
		go func() { _, _ = b.soap(context.Background(), "query", "<sXML/>") }()
		if err := o.WaitHeld(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		got, err := b.soap(t.Context(), "GetWsdlVersion", "")
		if err != nil || !strings.Contains(got.fault(t, http.StatusInternalServerError), "thread threshold of 1") {
			t.Errorf("%v %+v", err, got)
		}
		if got, err := b.send(t.Context(), "GET", "Version", "", secret); err != nil || got.status != 200 {
			t.Errorf("REST has endpoints of its own: %v %+v", err, got)
		}
		o.Release()
		synctest.Wait()
	})
}
