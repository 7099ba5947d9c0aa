// Package browsertest asks a site for something as a browser does, for the tests of pages.
package browsertest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Do sends a request as a browser that opens a page, or with a form that was filled in, and returns the answer and its body, read to its
// end. Headers are written "Name: value", and take the place of the browser's own.
func Do(t testing.TB, client *http.Client, method, address string, form url.Values, headers ...string) (answer *http.Response, body string) {
	t.Helper()
	var sent io.Reader
	if form != nil {
		sent = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("User-Agent", "Browser/1.0 of the tests")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err = client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}
