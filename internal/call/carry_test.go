package call

import (
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"testing"
)

// What handlers before psagate have set belongs to the answer: an interim answer neither shows nor loses it.
func TestAnInterimAnswerBringsLinksAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		h := &hints{w: w}
		h.pass(http.StatusEarlyHints, http.Header{"Link": {"<a>"}, "Set-Cookie": {"a=b"}})
		h.end()
		h.pass(http.StatusEarlyHints, http.Header{"Link": {"<too late>"}})
	}))
	defer server.Close()
	var interim []textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { interim = append(interim, h); return nil },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if len(interim) != 1 || len(interim[0]) != 1 || !slices.Equal(interim[0]["Link"], []string{"<a>"}) {
		t.Errorf("interim answers: %v", interim)
	}
	if resp.Header.Get("X-Frame-Options") != "DENY" || len(resp.Header["Link"]) > 0 {
		t.Errorf("the answer: %v", resp.Header)
	}
}
