package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// browser is one of the demo's own: it keeps cookies, follows links by what they are called, and fills forms.
type browser struct {
	client *http.Client
	at     sight
}

// sight is the page that a browser shows.
type sight struct {
	url    *url.URL
	status int
	page   *html.Node
}

// errNotThere says that a page has not got what is wanted of it.
var errNotThere = errors.New("it is not on the page")

func newBrowser() (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// It has connections of its own: the calls' are closed when the gateway stops, and these are none that are waited for.
	return &browser{client: &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}, nil
}

// open goes to an address, which may be relative to the page's.
func (b *browser) open(ctx context.Context, address string) error {
	to, err := b.resolve(address)
	if err != nil {
		return err
	}
	return b.send(ctx, http.MethodGet, to, "")
}

func (b *browser) resolve(address string) (*url.URL, error) {
	to, err := url.Parse(address)
	if err != nil || b.at.url == nil {
		return to, err
	}
	return b.at.url.ResolveReference(to), nil
}

func (b *browser) send(ctx context.Context, method string, to *url.URL, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", to.Scheme+"://"+to.Host) // forms are sent to their own site alone
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	page, err := html.Parse(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading %s: %w", res.Request.URL.Path, err)
	}
	b.at = sight{res.Request.URL, res.StatusCode, page}
	return nil
}

// follow goes where the first link leads that is called so.
func (b *browser) follow(ctx context.Context, called string) error {
	for n := range b.at.page.Descendants() {
		if is(n, "a") && textOf(n) == called {
			return b.open(ctx, attr(n, "href"))
		}
	}
	return b.lacks("a link", called)
}

// press presses the button of that name, with what is typed into the fields of its form.
func (b *browser) press(ctx context.Context, button string, typed url.Values) error {
	for f := range b.at.page.Descendants() {
		if !is(f, "form") {
			continue
		}
		filled, there := url.Values{}, false
		for n := range f.Descendants() {
			there = there || is(n, "button") && textOf(n) == button
			if is(n, "input") && attr(n, "type") != "checkbox" {
				filled.Set(attr(n, "name"), attr(n, "value"))
			}
		}
		if !there {
			continue
		}
		for name, values := range typed {
			filled[name] = values
		}
		to, err := b.resolve(attr(f, "action"))
		if err != nil {
			return err
		}
		return b.send(ctx, http.MethodPost, to, filled.Encode())
	}
	return b.lacks("a button", button)
}

// find is the text of the first element of a kind, whose attribute has a value; empty where there is none.
func (b *browser) find(kind, key, value string) string {
	for n := range b.at.page.Descendants() {
		if is(n, kind) && attr(n, key) == value {
			return textOf(n)
		}
	}
	return ""
}

// rows are the lines of the page's tables, each by the heads of its columns.
func (b *browser) rows() (rows []map[string]string) {
	for n := range b.at.page.Descendants() {
		if !is(n, "tr") {
			continue
		}
		row := map[string]string{}
		for cell := range n.ChildNodes() {
			if is(cell, "td") {
				row[attr(cell, "data-head")] = textOf(cell)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// title is the page's heading.
func (b *browser) title() string {
	for n := range b.at.page.Descendants() {
		if is(n, "h1") {
			return textOf(n)
		}
	}
	return ""
}

// shows reports whether the page has a text.
func (b *browser) shows(text string) bool { return strings.Contains(textOf(b.at.page), text) }

// lacks says what is missing on a page: by its path and its heading alone, as the rest may hold a code.
func (b *browser) lacks(what, called string) error {
	return fmt.Errorf("%s has no %s %q (%d, %q): %w", b.at.url.Path, strings.TrimPrefix(what, "a "), called, b.at.status, b.title(), errNotThere)
}

func is(n *html.Node, kind string) bool { return n.Type == html.ElementNode && n.Data == kind }

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is what a part of a page says, with one space where there is any.
func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && !is(d.Parent, "style") && !is(d.Parent, "script") {
			text.WriteString(d.Data)
			text.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
