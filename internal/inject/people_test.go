package inject

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
)

func TestPeopleReachPrivateAddressesThatAreNamedAlone(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		hosts []string
		meets bool
	}{"nobody named it": {nil, false}, "another port is named": {[]string{"127.0.0.1:1"}, false}, "it is named": {[]string{u.Host}, true}} {
		rule, err := autotask.NewHostRule(tc.hosts, true)
		if err != nil {
			t.Fatal(err)
		}
		transport := NewPeoplesTransport(rule, nil)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if (err == nil) != tc.meets {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
		transport.CloseIdleConnections()
	}
}
