package inject

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
)

func TestTheCredentialsResourceGoesWithWritesAlone(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Values(autotask.HeaderImpersonation)
	}))
	defer srv.Close()
	w, base := wireTo(t, srv.Listener.Addr().String())
	defer w.Close()
	withResource := credential
	withResource.Impersonate = "7"
	for _, c := range []struct {
		op         autotask.Operation
		wantOfOwn  []string // where the caller names nobody
		ofCallers8 []string // where he names resource 8
	}{
		{operation(t, "POST", "/Tickets"), []string{"7"}, []string{"8"}},
		{operation(t, "PATCH", "/Tickets"), []string{"7"}, []string{"8"}},
		{operation(t, "PUT", "/Tickets"), []string{"7"}, []string{"8"}},
		{operation(t, "POST", "/Tickets/1/Notes"), []string{"7"}, []string{"8"}},
		{operation(t, "DELETE", "/ContactGroups/1"), []string{"7"}, []string{"8"}},
		{operation(t, "GET", "/Tickets/1"), nil, []string{"8"}},
		{operation(t, "GET", "/Tickets/1/Notes"), nil, []string{"8"}},
		{operation(t, "GET", "/Tickets/query"), nil, []string{"8"}},
		{operation(t, "POST", "/Tickets/query"), nil, []string{"8"}},
		{operation(t, "POST", "/Tickets/query/count"), nil, []string{"8"}},
		{operation(t, "POST", "/Tickets/query/next"), nil, []string{"8"}},
		{operation(t, "GET", "/Tickets/entityInformation/fields"), nil, []string{"8"}},
		{autotask.ThresholdCheck, nil, []string{"8"}},
	} {
		for caller, want := range map[string][]string{"": c.wantOfOwn, "8": c.ofCallers8} {
			header := http.Header{"Impersonationresourceid": {"9"}} // never of itself
			res := w.Send(context.Background(), Request{Operation: c.op, Base: base, Header: header, Credential: withResource, Impersonate: caller})
			if res.Response == nil {
				t.Fatal(res.Err)
			}
			_ = res.Response.Body.Close()
			if !slices.Equal(got, want) {
				t.Errorf("%s %s, the caller names %q: sent %q, want %q", c.op.Method, c.op, caller, got, want)
			}
		}
	}
}
