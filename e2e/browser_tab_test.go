package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// do has the tab do something, for as long as a test waits for anything.
func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fatalf("%s: %v\nat %s", what, err, p.describe())
	}
}

// scripts has pages from now on run scripts, or not.
func (p *tab) scripts(on bool) {
	p.Helper()
	p.silent = !on
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		p.Fatal(err)
	}
}

// open types an address into the tab, as far as the site's own go.
func (p *tab) open(path string) {
	p.Helper()
	to := path
	if strings.HasPrefix(path, "/") {
		to = p.base + path
	}
	p.do("opening "+path, chromedp.Navigate(to))
}

func (p *tab) click(selector string) {
	p.Helper()
	p.do("clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (p *tab) types(selector, text string) {
	p.Helper()
	p.do("typing into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

func (p *tab) press(keys string) {
	p.Helper()
	p.do("pressing a key", chromedp.KeyEvent(keys))
}

// refusesToLogIn has the tab say no where a site asks for a user name and a password, as its person would with the window that the
// browser shows for that. Until then, what asked waits.
func (p *tab) refusesToLogIn() {
	p.Helper()
	no := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
	var answering sync.WaitGroup
	p.Cleanup(answering.Wait)
	err := chromedp.Listen(p.ctx, func(event any) { // it must not wait for an answer
		switch e := event.(type) {
		case *fetch.EventAuthRequired:
			answering.Go(func() {
				_, _ = chromedp.Call(p.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: no})
			})
		case *fetch.EventRequestPaused:
			answering.Go(func() {
				_, _ = chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
			})
		}
	})
	if err == nil {
		handle := true
		_, err = chromedp.Call(p.ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &handle})
	}
	if err != nil {
		p.Fatal(err)
	}
}

// look asks the page something, whether it runs scripts of its own or not.
func look[T any](p *tab, script string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// must asks the page something that it can answer.
func must[T any](p *tab, script string) T {
	p.Helper()
	v, err := look[T](p, script)
	if err != nil {
		p.Fatalf("%.100s: %v\nat %s", script, err, p.describe())
	}
	return v
}

// shown is what a tab shows. It is asked for in one go: between two questions a page may go.
type shown struct{ URL, Text, State string }

const shownNow = `({URL: location.href, Text: document.body ? document.body.innerText : "", State: document.readyState})`

func (p *tab) describe() string {
	s, err := look[shown](p, shownNow)
	return fmt.Sprintf("%s (%s, %v): %q", s.URL, s.State, err, s.Text)
}

// at waits until the tab shows a page, which is there whole, at an address that begins like this and with these texts.
func (p *tab) at(address string, texts ...string) {
	p.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.base + address
	}
	p.until(fmt.Sprintf("%q at %s", texts, address), func() bool {
		s, err := look[shown](p, shownNow) // an error is a page that goes
		return err == nil && s.State == "complete" && strings.HasPrefix(s.URL, address) && containsAll(s.Text, texts)
	})
}

// until asks again and again until the answer is yes.
func (p *tab) until(what string, ask func() bool) {
	p.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	tooLate := time.After(patience)
	for !ask() {
		select {
		case <-again.C:
		case <-tooLate:
			p.Fatalf("waited in vain for %s; the tab is at %s", what, p.describe())
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
