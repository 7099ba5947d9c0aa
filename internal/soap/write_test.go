package soap

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestAFaultIsOneOfSOAP11(t *testing.T) {
	t.Parallel()
	for _, code := range []FaultCode{Client, Server, MustUnderstand, VersionMismatch} {
		var e struct {
			Body struct {
				Fault struct {
					Code string `xml:"faultcode"`
					Text string `xml:"faultstring"`
				} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
			} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
		}
		if err := xml.Unmarshal(Fault(code, "a < b & \"c\"\x00"), &e); err != nil {
			t.Fatal(err)
		}
		if e.Body.Fault.Code != "soap:"+string(code) || e.Body.Fault.Text != "a < b & \"c\"\uFFFD" {
			t.Errorf("%+v", e.Body.Fault)
		}
	}
}

func TestZoneInfoIsInTheWSDLsOrder(t *testing.T) {
	t.Parallel()
	got := string(ZoneInfoResponse(ZoneInfo{URL: "https://x/a?b&c", DatabaseType: "Pro", CI: 123456, WebURL: "https://w/"}))
	want := `<getZoneInfoResponse xmlns="` + nsATWS + `"><getZoneInfoResult><URL>https://x/a?b&amp;c</URL><ErrorCode>0</ErrorCode><DataBaseType>Pro</DataBaseType>` +
		`<CI>123456</CI><WebUrl>https://w/</WebUrl></getZoneInfoResult></getZoneInfoResponse>`
	if !strings.Contains(got, want) {
		t.Error(got)
	}
	if a := ReadAnswer([]byte(got)); a.Kind != Resulted || a.Operation != GetZoneInfo {
		t.Errorf("%+v", a)
	}
	if got := string(ZoneInfoResponse(ZoneInfo{ErrorCode: -1})); !strings.Contains(got, "<ErrorCode>-1</ErrorCode><CI>0</CI>") {
		t.Error(got)
	}
}
