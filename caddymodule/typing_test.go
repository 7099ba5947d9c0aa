package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestALineIsReadToItsEndAndNoFurther(t *testing.T) {
	in := strings.NewReader("one\n\ntwo")
	for _, want := range []string{"one", "", "two"} {
		if got, err := readLine(in); err != nil || got != want {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	if got, err := readLine(in); !errors.Is(err, io.EOF) {
		t.Errorf("%q %v", got, err)
	}
}

func TestAPutWhoseAnswerIsLostSaysThatNobodyKnows(t *testing.T) {
	whole := adminServer(t, new(fake))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
		whole.ServeHTTP(w, r)
	}))
	defer server.Close()
	got := runWith(t, "hunter2\n", "secret", "put", "main", "--address", server.Listener.Addr().String())
	if got.status != exitNo || !strings.Contains(got.err, "It is not known whether the PSA was asked") || strings.Contains(got.err, "hunter2") {
		t.Errorf("%d %s", got.status, got.err)
	}
}
