package main

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// shop is a site on which a browser does all that the demo's browser can.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "basket", Value: "7"})
		fmt.Fprint(w, `<style>h1 {}</style><h1>The <b>shop</b></h1><p id="a">first<p id="b">second
			<a href="elsewhere">Other</a> <a href="form?n=1&amp;m=2"> To the
			form </a>
			<table><tr><th>Name<tr><td data-head="name">x<td data-head="n">1</table>`)
	})
	mux.HandleFunc("GET /form", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<p>%s<form action="/no"><button>No</button></form>
			<form method="post" action="buy"><input type="hidden" name="kept" value="&lt;k&gt;"><input name="typed" value="old">
			<input type="checkbox" name="check" value="1"><button>Buy  it</button></form>`, html.EscapeString(r.URL.RawQuery))
	})
	mux.HandleFunc("POST /buy", func(w http.ResponseWriter, r *http.Request) {
		basket, _ := r.Cookie("basket")
		if r.ParseForm() != nil || basket == nil || r.Header.Get("Origin") != "http://"+r.Host {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprintf(w, "<h1>Bought</h1><pre>%s</pre>", html.EscapeString(r.PostForm.Encode()))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestABrowserFollowsLinksAndFillsForms(t *testing.T) {
	b, err := newBrowser()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.open(t.Context(), shop(t).URL+"/"); err != nil {
		t.Fatal(err)
	}
	if b.title() != "The shop" || b.find("p", "id", "a") != "first" || b.find("p", "id", "c") != "" || b.shows("h1") {
		t.Errorf("the page is %q, %q", b.title(), b.find("p", "id", "a"))
	}
	if want := []map[string]string{{}, {"name": "x", "n": "1"}}; !reflect.DeepEqual(b.rows(), want) {
		t.Errorf("the rows are %v", b.rows())
	}
	if err := b.follow(t.Context(), "To the form"); err != nil || !b.shows("n=1&m=2") {
		t.Fatal(err, b.at.url)
	}
	if err := b.press(t.Context(), "Buy it", url.Values{"typed": {"new"}}); err != nil {
		t.Fatal(err)
	}
	if got := b.find("pre", "", ""); b.at.status != http.StatusOK || got != "kept=%3Ck%3E&typed=new" {
		t.Errorf("%d, it sent %s", b.at.status, got)
	}
}

func TestABrowserSaysWhatIsNotThere(t *testing.T) {
	b, err := newBrowser()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.open(t.Context(), shop(t).URL+"/?code=123456"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{b.follow(t.Context(), "The way out"), b.press(t.Context(), "The way out", nil)} {
		if !errors.Is(err, errNotThere) || !strings.Contains(err.Error(), `"The way out" (200, "The shop")`) || strings.Contains(err.Error(), "123456") {
			t.Errorf("%v", err)
		}
	}
}
