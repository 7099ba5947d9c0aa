package psatest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/psatest"
)

// trySOAP makes one call of SOAP at a zone with a login and an integration code; "-" is none.
func (w *world) trySOAP(z *psatest.Zone, user, secret, code string) reply {
	header := codeHeader(code)
	if code == "-" {
		header = ""
	}
	r := soapRequest("getThresholdAndUsageInfo", header, "")
	r.SetBasicAuth(user, secret)
	if user == "-" {
		r.Header.Del("Authorization")
	}
	return ask(z, r)
}

func TestASignInOfSOAPIsJudgedLikeOneOfREST(t *testing.T) {
	for name, tc := range map[string]struct {
		user, secret, code string
		elsewhere          bool
		cause              psatest.Cause
		count              int
	}{
		"right":                   {userName, secret, code, false, psatest.CauseOK, 0},
		"in another spelling":     {"API@Example.com", secret, code, false, psatest.CauseOK, 0},
		"without a login":         {"-", "", code, false, psatest.CauseMissing, 0},
		"an unknown user":         {"nobody", secret, code, false, psatest.CauseUnknownUser, 0},
		"a wrong secret":          {userName, "wrong", code, false, psatest.CauseWrongSecret, 1},
		"no secret":               {userName, "", code, false, psatest.CauseMissing, 1},
		"a wrong secret, no code": {userName, "wrong", "-", false, psatest.CauseMissing, 1},
		"the wrong zone":          {userName, secret, code, true, psatest.CauseWrongZone, 1},
	} {
		w := newWorld(t)
		z, host := w.z5, "zone5.test"
		if tc.elsewhere {
			z, host = w.z6, "zone6.test"
		}
		got := w.trySOAP(z, tc.user, tc.secret, tc.code)
		switch bare := got.status == 401 && got.body == "" && got.header.Get("WWW-Authenticate") == `Basic Realm="`+host+`"`; {
		case tc.cause == psatest.CauseOK && got.status != 200, tc.cause != psatest.CauseOK && !bare:
			t.Errorf("%s: %d %v %s", name, got.status, got.header, got.body)
		}
		l := w.sim.Ledger()
		if len(l) != 1 || l[0].Cause != tc.cause || l[0].Operation != "getThresholdAndUsageInfo" || w.user.FailedSinceSuccess() != tc.count {
			t.Errorf("%s: %v, count %d", name, l, w.user.FailedSinceSuccess())
		}
	}
}

func TestTheLedgerNamesTheOperation(t *testing.T) {
	w := newWorld(t)
	w.query("Ticket", field("id", "equals", "1"))
	w.must("GET", "Version", "")
	l := w.sim.Ledger()
	if got := fmt.Sprintf("%q %q", l[0].Operation, l[1].Operation); got != `"query" ""` {
		t.Error(got)
	}
	if line := l[0].String(); !strings.Contains(line, "POST /ATServices/1.6/atws.asmx query from") {
		t.Error(line)
	}
}

func TestAWrongCodeIsToldInAReturnCodeAndCounts(t *testing.T) {
	other := `<AutotaskIntegrations xmlns="urn:other"><IntegrationCode>CODE</IntegrationCode></AutotaskIntegrations>`
	array := `<a:AutotaskIntegrations><item><key>IntegrationCode</key><value>CODE</value></item></a:AutotaskIntegrations>`
	for name, tc := range map[string]struct {
		header string
		cause  psatest.Cause
	}{
		"a wrong one":                 {codeHeader("OTHER"), psatest.CauseWrongCode},
		"none":                        {"", psatest.CauseMissing},
		"one in another namespace":    {other, psatest.CauseMissing},
		"one as PHP sends its arrays": {array, psatest.CauseMissing},
	} {
		w := newWorld(t)
		got := ask(w.z5, soapRequest("query", tc.header, "<sXML/>")).atws(t)
		if got.ReturnCode != -1 || len(got.Errors) != 1 || got.Errors[0] != "IntegrationCode is invalid." {
			t.Errorf("%s: %+v", name, got)
		}
		if l := w.sim.Ledger(); len(l) != 1 || l[0].Cause != tc.cause || w.user.FailedSinceSuccess() != 1 {
			t.Errorf("%s: %v", name, l)
		}
		if got := ask(w.z5, soapRequest("GetWsdlVersion", tc.header, "")).fault(t, 500); got != "soap:Server IntegrationCode is invalid." {
			t.Errorf("%s: %s", name, got)
		}
		w.sim.Adjust(func(b *psatest.Behaviour) { b.SOAPCode = psatest.CodeRefuse })
		if got := ask(w.z5, soapRequest("query", tc.header, "<sXML/>")); got.status != 401 || got.body != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestAnEnvelopeThatCannotBeReadIsJudgedWithoutACode(t *testing.T) {
	for name, tc := range map[string]struct {
		secret string
		status int
	}{
		"a right secret is told of the envelope": {secret, 500},
		"a wrong secret is told nothing":         {"wrong", 401},
	} {
		w := newWorld(t)
		r := soapRequest("query", "", "")
		r.Body = http.NoBody
		r.SetBasicAuth(userName, tc.secret)
		if got := ask(w.z5, r); got.status != tc.status || strings.Contains(got.body, "unable to read request") != (tc.status == 500) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if w.user.FailedSinceSuccess() != 1 {
			t.Errorf("%s: it did not count", name)
		}
	}
}

func TestTheHeadersOfRESTAreNoLoginOfSOAP(t *testing.T) {
	w := newWorld(t)
	for _, basic := range []bool{false, true} {
		r := soapRequest("query", "", "")
		r.Body = http.NoBody
		for name, value := range map[string]string{"UserName": userName, "Secret": secret, "ApiIntegrationCode": code, "ImpersonationResourceId": "2"} {
			r.Header.Set(name, value)
		}
		if !basic {
			r.Header.Del("Authorization")
		}
		ask(w.z5, r)
		if l := w.sim.Ledger(); l[len(l)-1].Cause != psatest.CauseMissing || (l[len(l)-1].User == userName) != basic {
			t.Errorf("with Basic %v: %v", basic, l)
		}
	}
}

func TestBothAPIsLockAUserTogether(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		if i%2 == 0 {
			w.trySOAP(w.z5, userName, "wrong", code)
		} else {
			w.sign(w.z5, userName, "wrong")
		}
	}
	if !w.user.Locked() {
		t.Fatal("not locked by seven failures")
	}
	if got := w.trySOAP(w.z5, userName, secret, code); got.status != 401 || got.body != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.LockedFault = true })
	const want = "soap:Server The user account has been locked.  Please see your Autotask Administrator for details."
	if got := w.trySOAP(w.z5, userName, secret, code).fault(t, 500); got != want {
		t.Error(got)
	}
	if got := w.sign(w.z5, userName, secret); got != 401 {
		t.Errorf("REST: %d", got)
	}
	w.user.Unlock()
	w.sign(w.z5, userName, "wrong")
	if got := w.trySOAP(w.z5, userName, secret, code); got.status != 200 || w.user.FailedSinceSuccess() != 0 {
		t.Errorf("a success of SOAP leaves %d", w.user.FailedSinceSuccess())
	}
}

func TestAWrongZoneMayServeOrRedirectSOAP(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.WrongZone = psatest.WrongZoneRedirect })
	if got := w.trySOAP(w.z6, userName, secret, code); got.status != 307 || got.header.Get("Location") != "http://zone5.test"+asmx {
		t.Errorf("%d %v", got.status, got.header)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.WrongZone = psatest.WrongZoneForward })
	if got := w.trySOAP(w.z6, userName, secret, code); got.status != 200 {
		t.Errorf("%d", got.status)
	}
}

func TestTheHourIsOneForBothAPIs(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.Hourly = 2 })
	w.must("GET", "Version", "")
	w.soap("getThresholdAndUsageInfo", "").atws(t)
	if got := w.soap("query", "<sXML/>").fault(t, 500); !strings.Contains(got, "soap:Server The number of external requests has exceeded the threshold of 2") {
		t.Error(got)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) {
		b.HourAnswer = psatest.LimitAnswer{Status: 429, RetryAfter: time.Minute, Text: "slower"}
	})
	if got := w.soap("query", "<sXML/>"); got.fault(t, 429) != "soap:Server slower" || got.header.Get("Retry-After") != "60" {
		t.Errorf("%v", got)
	}
	w.sim.Adjust(func(b *psatest.Behaviour) { b.HourAnswer.Status = 200 })
	if got := w.soap("query", "<sXML/>").atws(t); got.ReturnCode != -1 || got.Errors[0] != "slower" {
		t.Errorf("%+v", got)
	}
	if e := w.sim.Ledger()[4]; e.Limit != psatest.LimitHour || !e.OK() {
		t.Errorf("%v", e)
	}
	if got := w.sign(w.z5, userName, secret); got != 200 {
		t.Errorf("REST has the same limit: %d", got)
	}
}
