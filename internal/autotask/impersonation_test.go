package autotask

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestAnImpersonationIsReadInOneWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []string
		want   string
		asks   bool
		bad    bool
	}{
		"no header":        {nil, "", false, false},
		"an empty one":     {[]string{""}, "", false, false},
		"two empty ones":   {[]string{"", ""}, "", false, false},
		"an id":            {[]string{"29682885"}, "29682885", true, false},
		"zero":             {[]string{"0"}, "0", true, false},
		"two":              {[]string{"1", "1"}, "", true, true},
		"an empty one too": {[]string{"", "1"}, "", true, true},
		"a list":           {[]string{"1,2"}, "", true, true},
		"below zero":       {[]string{"-1"}, "", true, true},
		"a leading zero":   {[]string{"01"}, "", true, true},
		"a text":           {[]string{"hunter2"}, "", true, true},
		"too long":         {[]string{strings.Repeat("9", 20)}, "", true, true},
	} {
		h := http.Header{"Impersonationresourceid": test.values}
		got, err := Impersonation(h)
		var bad *RequestError
		if got != test.want || Impersonates(h) != test.asks || test.bad != errors.As(err, &bad) {
			t.Errorf("%s: %q, %v, %v", name, got, Impersonates(h), err)
		}
		if bad != nil && (bad.Reason != BadRequest || strings.Contains(bad.Text, "hunter2")) {
			t.Errorf("%s: %s %s", name, bad.Reason, bad.Text)
		}
	}
}
