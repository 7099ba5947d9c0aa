package autotask

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/soap"
)

const asmxPath = "/ATServices/1.6/atws.asmx"

func TestTheActionOfASOAPCallIsInItsHeader(t *testing.T) {
	t.Parallel()
	want := map[soap.Operation]Action{
		soap.Query: Query, soap.Create: Create, soap.CreateAttachment: Create, soap.Update: Update, soap.Delete: Delete, soap.DeleteAttachment: Delete,
	}
	for _, call := range soap.Operations {
		action, known := want[call]
		if !known {
			action = Read
		}
		for _, spelled := range []string{call.Action(), strings.Trim(call.Action(), `"`)} {
			op, err := ParseRequest("POST", asmxPath, http.Header{"Soapaction": {spelled}})
			if err != nil || op.Call != call || op.Action != action || op.Free != (call == soap.GetZoneInfo) || op.API != SOAP || op.String() != "soap "+string(call) || op.Path() != asmxPath {
				t.Errorf("%s: %+v %v", spelled, op, err)
			}
		}
	}
}

func TestWithoutOneActionASOAPCallIsNone(t *testing.T) {
	t.Parallel()
	for what, values := range map[string][]string{
		"none": nil, "empty": {""}, "two": {soap.Query.Action(), soap.Query.Action()}, "unknown": {"x"}, "of 1.5": {"http://autotask.net/ATWS/v1_5/query"},
	} {
		op, err := ParseRequest("POST", asmxPath, http.Header{"Soapaction": values})
		var bad *RequestError
		if !errors.As(err, &bad) || bad.Reason != BadRequest || op != (Operation{API: SOAP}) {
			t.Errorf("%s: %+v %v", what, op, err)
		}
	}
}

func TestARequestThatIsNoSOAPCallIsWhatItsLineSays(t *testing.T) {
	t.Parallel()
	h := http.Header{"Soapaction": {soap.Create.Action()}}
	for _, line := range [][2]string{{"GET", asmxPath}, {"GET", "/ATServices/1.6/atws.wsdl"}, {"POST", "/ATServices/1.5/atws.asmx"}, {"POST", "/ATServicesRest/V1.0/Tickets/query"}, {"PUT", asmxPath}, {"GET", "/x"}} {
		want, wantErr := ParseOperation(line[0], line[1])
		got, err := ParseRequest(line[0], line[1], h)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%v: %+v %v, want %+v %v", line, got, err, want, wantErr)
		}
	}
	if op, err := ParseOperation("POST", "/ATServices/1.5/atws.asmx"); err != nil || !op.Free {
		t.Errorf("version 1.5 is answered without a sign-in: %+v %v", op, err)
	}
}

func TestWhatTheHeaderOfAnEnvelopeMaySay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		types, codings []string
		fine           bool
	}{
		{[]string{"text/xml"}, nil, true},
		{[]string{"text/xml; charset=utf-8"}, nil, true},
		{[]string{`Text/XML; Charset="UTF-8"`}, []string{"identity"}, true},
		{[]string{"text/xml; charset=utf-16"}, nil, false},
		{[]string{"text/xml; charset=iso-8859-1"}, nil, false},
		{[]string{"text/xml", "text/xml"}, nil, false},
		{[]string{"application/xml"}, nil, false},
		{[]string{"text/xml; charset=utf-8; charset=utf-7"}, nil, false},
		{nil, nil, false},
		{[]string{"text/xml"}, []string{"gzip"}, false},
		{[]string{"text/xml"}, []string{"identity", "gzip"}, false},
	} {
		err := CheckEnvelope(http.Header{"Content-Type": c.types, "Content-Encoding": c.codings})
		if (err == nil) != c.fine {
			t.Errorf("%q %q: %v", c.types, c.codings, err)
		}
	}
}

func TestWhatCannotBeSentByBasicIsSaidWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for what, c := range map[string][3]string{
		"a colon": {"us:er", "hidden", "code"}, "no user": {"", "hidden", "code"}, "no secret": {"user", "", "code"}, "no code": {"user", "hidden", ""},
		"a control character": {"user", "hid\x00den", "code"}, "a blank at the end": {"user", "hidden ", "code"},
	} {
		h := http.Header{}
		err := SetBasic(h, c[0], c[1], c[2])
		if err == nil || len(h) != 0 || strings.Contains(err.Error(), "hid") {
			t.Errorf("%s: %v %v", what, err, h)
		}
	}
	h := http.Header{}
	if err := SetBasic(h, "jürgen", "pass:wörd", "code"); err != nil {
		t.Fatal(err)
	}
	user, password, ok := (&http.Request{Header: h}).BasicAuth()
	if !ok || user != "jürgen" || password != "pass:wörd" {
		t.Errorf("%v", h)
	}
}

func TestASecretInXMLAndInBasicIsRedacted(t *testing.T) {
	t.Parallel()
	const secret = `p&a"ss<wo'rd>1`
	h := http.Header{}
	if err := SetBasic(h, "user", secret, "code"); err != nil {
		t.Fatal(err)
	}
	red := NewRedactor(secret)
	for _, text := range []string{`p&amp;a"ss&lt;wo'rd&gt;1`, `p&amp;a&quot;ss&lt;wo&apos;rd&gt;1`} {
		if got := red.Text("<x>" + text + "</x>"); got != "<x>"+Redacted+"</x>" {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := red.Text(h.Get("Authorization")); !strings.Contains(got, Redacted) {
		t.Errorf("%s", got)
	}
}

// What loads a WSDL may ask for its head first.
func TestTheHeadOfWhatIsFreeInSOAPIsFree(t *testing.T) {
	t.Parallel()
	for _, path := range []string{asmxPath, "/ATServices/1.6/atws.wsdl", "/atservices/1.5/ATWS.asmx"} {
		want, err := ParseOperation("GET", path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseRequest("HEAD", path, http.Header{}); err != nil || got != want || !got.Free {
			t.Errorf("%s: %+v %v", path, got, err)
		}
	}
	for _, path := range []string{"/ATServices/1.6/x", "/ATServicesRest/V1.0/Tickets/1", "/ATServicesRest/V1.0/zoneInformation"} {
		if got, err := ParseRequest("HEAD", path, http.Header{}); err == nil {
			t.Errorf("%s: %+v", path, got)
		}
	}
}
