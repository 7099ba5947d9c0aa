package autotask

import (
	"net/url"
	"strings"
	"testing"
)

const webOf5 = "https://ww5.autotask.net/"

func TestALinkLeadsToTheLoginsZone(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		"":  "",
		"/": "",
		"/Mvc/Framework/Authentication.mvc/Authenticate":                                                 "Mvc/Framework/Authentication.mvc/Authenticate",
		"/Mvc/ServiceDesk/TicketDetail.mvc?workspace=False&ids[0]=7&ticketId=7":                          "Mvc/ServiceDesk/TicketDetail.mvc?workspace=False&ids[0]=7&ticketId=7",
		"/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketNumber=T20260101.0001": "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketNumber=T20260101.0001",
		"/https://ww14.autotask.net/Mvc/Framework/Navigation.mvc/Landing":                                "Mvc/Framework/Navigation.mvc/Landing",
		"/https:/WW14.Autotask.NET/Mvc/Framework/Navigation.mvc/Landing":                                 "Mvc/Framework/Navigation.mvc/Landing",
		"/https%3A%2F%2Fww14.autotask.net%2FMvc%2FX":                                                     "Mvc/X",
		"/ww18.autotask.com/Mvc/X":                                                                       "Mvc/X",
		"/www.autotask.net":                                                                              "",
		"/autotask.net/Mvc/X":                                                                            "Mvc/X",
		"/ww5.autotask.net:443/Mvc/X":                                                                    "Mvc/X",
		"/?url=https%3A%2F%2Fww3.autotask.net%2FMvc%2FX%3Fa%3D1":                                         "Mvc/X?a=1",
		"/?url=https://ww3.autotask.net/Mvc/X?ids[0]=7":                                                  "Mvc/X?ids[0]=7",
		"/Mvc/X?ReturnUrl=https%3A%2F%2Fww3.autotask.net%2FMvc%2FY&b=2":                                  "Mvc/X?ReturnUrl=https%3A%2F%2Fww5.autotask.net%2FMvc%2FY&b=2",
		"/Mvc/X?ReturnUrl=//ww3.autotask.net/Mvc/Y":                                                      "Mvc/X?ReturnUrl=https%3A%2F%2Fww5.autotask.net%2FMvc%2FY",
		"/Mvc/X?q=50%&r=https://example.com/&s=https%3A%2F%2Fwwx.autotask.net%2F":                        "Mvc/X?q=50%&r=https://example.com/&s=https%3A%2F%2Fwwx.autotask.net%2F",
		"/https://example.com/Mvc/X":                                                                     "https://example.com/Mvc/X",
		"//example.com/Mvc/X":                                                                            "/example.com/Mvc/X",
		"/?url=https%3A%2F%2Fexample.com%2F":                                                             "?url=https%3A%2F%2Fexample.com%2F",
		"/?url=javascript:alert(1)":                                                                      "?url=javascript:alert(1)",
		"/ww5.autotask.net.example.com/x":                                                                "ww5.autotask.net.example.com/x",
		"/notautotask.net/x":                                                                             "notautotask.net/x",
		"/x?a=\"<\\>\x00\u00e9":                                                                          "x?a=%22%3C%5C%3E%00%C3%A9",
	} {
		path, query, _ := strings.Cut(asked, "?")
		got, err := WebLink(webOf5, path, query)
		if err != nil || got != webOf5+want {
			t.Errorf("%q leads to %q, %v; want %q", asked, got, err, webOf5+want)
		}
	}
}

func TestALinkThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	if got, err := WebLink(webOf5, "/"+strings.Repeat("x", maxLink), ""); err == nil {
		t.Errorf("%d bytes are taken", len(got))
	}
	if _, err := WebLink("", "/", ""); err == nil {
		t.Error("a zone without a web address leads somewhere")
	}
}

// FuzzWebLink: whatever is asked for, the answer is a URL on the zone's host.
func FuzzWebLink(f *testing.F) {
	f.Add("/Mvc/X", "a=1")
	f.Add("/https://ww3.autotask.net/Mvc/X", "ReturnUrl=https%3A%2F%2Fww3.autotask.net%2F")
	f.Add("//example.com", "url=https%3A%2F%2Fww3.autotask.net%2F%5C%5Cexample.com")
	f.Add("/\\example.com", "url=//ww3.autotask.net//example.com")
	f.Fuzz(func(t *testing.T, path, query string) {
		got, err := WebLink(webOf5, path, query)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "ww5.autotask.net" || u.User != nil || strings.ContainsFunc(got, notOfURLs) || !strings.HasPrefix(got, webOf5) {
			t.Fatalf("%q ? %q leads to %q: %v", path, query, got, err)
		}
	})
}
