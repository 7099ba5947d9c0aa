package autotask

import (
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/psagate/psagate/internal/guard"
)

func TestWordsThatWereSentDecideNothing(t *testing.T) {
	t.Parallel()
	basic := http.Header{"Www-Authenticate": {"Basic"}, "Content-Type": {"text/xml"}}
	sending := func(text string) string {
		return enveloped(`<create xmlns="urn:x"><UserDefinedField><Name>` + text + `</Name></UserDefinedField></create>`)
	}
	echo := returned("-1", "Field your account has been locked is none")
	for name, c := range map[string]struct {
		status int
		header http.Header
		answer string
		sent   string
		want   guard.Verdict
	}{
		"a name that is repeated":            {200, xmlHeader, echo, sending("Your account has been locked"), guard.NoAnswer},
		"spelled by references":              {200, xmlHeader, echo, sending("your &#97;ccount h&#x61;s been locked"), guard.NoAnswer},
		"in a query":                         {200, xmlHeader, echo, sending("&lt;field&gt;your acc&amp;#111;unt has been locked&lt;/field&gt;"), guard.NoAnswer},
		"in pieces":                          {200, xmlHeader, echo, sending("your acc<![CDATA[ount has]]> be<!-- x -->en locked"), guard.NoAnswer},
		"behind much else":                   {200, xmlHeader, echo, sending(strings.Repeat("x ", 100_000) + "your account has been locked"), guard.NoAnswer},
		"across pieces that are looked at":   {200, xmlHeader, echo, strings.Repeat("x", sentPiece-12) + " your account has been locked ", guard.NoAnswer},
		"of a fault":                         {500, xmlHeader, fault("a password that is wrong"), sending("wrong password"), guard.NoAnswer},
		"a lockout that nobody worded":       {200, xmlHeader, echo, sending("Printer"), guard.Locked},
		"half of it was sent":                {200, xmlHeader, echo, sending("My account"), guard.Locked},
		"a refusal that nobody worded":       {500, xmlHeader, fault("The user name or password is incorrect."), sending("password"), guard.Refused},
		"one of two texts that nobody sent":  {500, xmlHeader, fault("Your account has been locked. The user name or password is incorrect."), sending("x"), guard.Locked},
		"a challenge is no text":             {401, basic, "", sending("user name password incorrect"), guard.Refused},
		"a lockout's words with a challenge": {401, basic, fault(soapLockout), sending(soapLockout), guard.Refused},
		"in a 403":                           {403, xmlHeader, fault(soapLockout), sending(soapLockout), guard.NoAnswer},
		"a success":                          {200, xmlHeader, returned("1", ""), sending(soapLockout), guard.Accepted},
		"a business rule":                    {200, xmlHeader, returned("-1", "Missing Required Field: Status"), sending("Missing Required Field Status"), guard.Neutral},
	} {
		if got, _ := ClassifyAfter(soapCall, Answer{Status: c.status, Header: c.header, Body: []byte(c.answer)}, strings.NewReader(c.sent)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	broken := iotest.ErrReader(http.ErrBodyNotAllowed)
	if got, _ := ClassifyAfter(soapCall, Answer{Status: 200, Header: xmlHeader, Body: []byte(echo)}, broken); got != guard.Locked {
		t.Errorf("a request that cannot be read again: %s", got)
	}
}

// FuzzClassifyAfter: whatever was sent, a text that tells of a failed sign-in gives no unit back.
func FuzzClassifyAfter(f *testing.F) {
	f.Add(uint16(200), returned("-1", soapLockout), soapLockout)
	f.Add(uint16(500), fault("The user name or password is incorrect."), "<a>user name <![CDATA[password]]> &#105;ncorrect</a>")
	f.Add(uint16(403), fault(soapLockout), "<!--"+soapLockout)
	f.Add(uint16(200), returned("1", ""), "")
	f.Fuzz(func(t *testing.T, status uint16, answer, sent string) {
		a := Answer{Status: int(status), Header: xmlHeader, Body: []byte(answer)}
		before, _ := Classify(soapCall, a)
		after, _ := ClassifyAfter(soapCall, a, strings.NewReader(sent))
		if failed := before == guard.Refused || before == guard.Locked; failed && (after == guard.Accepted || after == guard.Neutral) || !failed && after != before {
			t.Fatalf("%s without what was sent, %s with it", before, after)
		}
	})
}
