package autotask

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestZoneInformationIsReadAndWrittenAsThePSADoes(t *testing.T) {
	t.Parallel()
	const body = `{"zoneName":"AE02","url":"https://webservices14.autotask.net/ATServicesRest/","webUrl":"https://ww14.autotask.net/","ci":123456}`
	z, err := ParseZoneInformation(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if z != (ZoneInformation{"AE02", "https://webservices14.autotask.net/ATServicesRest/", "https://ww14.autotask.net/", 123456}) {
		t.Errorf("read as %+v", z)
	}
	if out, err := json.Marshal(z); err != nil || string(out) != body {
		t.Errorf("written as %s, %v", out, err)
	}
}

func TestOtherWaysToSayZoneInformationAreRead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a byte order mark": "\xef\xbb\xbf{\"url\":\"https://a/\"}",
		"other case":        `{"URL":"https://a/"}`,
		"more members":      `{"url":"https://a/","dataBaseType":"x","errors":null}`,
		"null members":      `{"url":"https://a/","ci":null,"webUrl":null}`,
	} {
		if z, err := ParseZoneInformation(strings.NewReader(body)); err != nil || z.URL != "https://a/" {
			t.Errorf("%s: %+v, %v", name, z, err)
		}
	}
}

func TestAnUnknownLoginIsToldFromOtherErrors(t *testing.T) {
	t.Parallel()
	_, err := ParseZoneInformation(strings.NewReader(`{"errors":["Zone information could not be determined"]}`))
	if !errors.Is(err, ErrUnknownLogin) {
		t.Errorf("the error is %v", err)
	}
	_, err = ParseZoneInformation(strings.NewReader(`{"errors":["The Autotask API thread threshold of 3 threads has been exceeded"]}`))
	if err == nil || errors.Is(err, ErrUnknownLogin) {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatIsNoZoneInformationIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":          "",
		"HTML":             "<html></html>",
		"an array":         `[{"url":"https://a/"}]`,
		"null":             "null",
		"no url":           `{"zoneName":"x"}`,
		"an empty url":     `{"url":""}`,
		"a url of numbers": `{"url":7}`,
		"a ci of letters":  `{"url":"https://a/","ci":"hunter2"}`,
		"a ci of 1e400":    `{"url":"https://a/","ci":1e400}`,
		"half an object":   `{"url":"https://a/"`,
		"two objects":      `{"url":"https://a/"}{"url":"https://b/"}`,
		"padded beyond it": `{"url":"https://a/"}` + strings.Repeat(" ", maxZoneInformation+1-len(`{"url":"https://a/"}`)),
		"without end":      `{"url":"https://a/` + strings.Repeat("a", maxZoneInformation) + `"}`,
	} {
		z, err := ParseZoneInformation(strings.NewReader(body))
		if err == nil || z != (ZoneInformation{}) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %+v, %v", name, z, err)
		}
	}
	if _, err := ParseZoneInformation(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken connection is %v", err)
	}
}

func TestVersionInformationListsTheVersionThatIsServed(t *testing.T) {
	t.Parallel()
	if got := string(VersionInformation()); got != `{"apiVersions":["V1.0"]}` {
		t.Error(got)
	}
}

func TestTheZoneLookupEscapesTheUser(t *testing.T) {
	t.Parallel()
	b, err := ParseBase("https://webservices.autotask.net", HostRule{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation?user=a%2Bb%20c%40example.com%26x%3D1"
	u := ZoneInformationRequest(b, "a+b c@example.com&x=1")
	if u.String() != want {
		t.Errorf("got %s", u)
	}
	if got := u.Query().Get("user"); got != "a+b c@example.com&x=1" {
		t.Errorf("decoded as %q", got)
	}
}
