package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/psagate/psagate/internal/realparts"
)

// axeSource is what finds faults that keep people with disabilities out of a page. Others wrote it.
const axeSource = "clients/node_modules/axe-core/axe.min.js"

// browser is a Chromium that runs. It knows one host, whoever vouches for that, and nothing of the network.
type browser struct{ context.Context }

// newBrowser starts a Chromium for which a name stands for this machine.
func newBrowser(t *testing.T, host string) browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		realparts.LeftOut(t, "the pages in a browser; it needs Chromium (Debian's chromium)")
	}
	if _, err := os.Stat(axeSource); err != nil {
		realparts.LeftOut(t, "the pages in a browser (%v); it needs `npm ci --prefix e2e/clients`", err)
	}
	dir, err := os.MkdirTemp("", "psa-browser") // not in the world's folder: its cookies are no leak
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP "+host+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it has none for root
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := chromedp.Cancel(limited); err != nil {
			t.Errorf("the browser does not end well: %v", err)
		}
		end()
		_ = os.RemoveAll(dir)
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return browser{ctx}
}

// tab is one tab of a person's. Tabs of one person share cookies, those of two share nothing.
type tab struct {
	*testing.T
	ctx    context.Context
	base   string // the site's scheme and host
	silent bool   // its pages run no scripts

	mu       sync.Mutex
	troubles []string // what the browser complained of
}

// person opens the first tab of somebody new.
func (b browser) person(t *testing.T, base string) *tab {
	return newTab(t, b, base, chromedp.WithNewBrowserContext())
}

// another opens one more tab of the same person's.
func (p *tab) another() *tab { return newTab(p.T, p.ctx, p.base) }

func newTab(t *testing.T, parent context.Context, base string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	p := &tab{T: t, base: base}
	var end context.CancelFunc
	p.ctx, end = chromedp.NewContext(parent, append(options, chromedp.WithListener(p.hear))...)
	t.Cleanup(end)
	if err := chromedp.Do(p.ctx); err != nil {
		t.Fatalf("the browser opens no tab: %v", err)
	}
	return p
}

// hear writes down what the browser complains of: scripts that fail, and what a page's policy forbids. That a page came with a
// status of 400 or more is no complaint of its own.
func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, "an exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			p.troubles = append(p.troubles, fmt.Sprintf("the console: %v", e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			p.troubles = append(p.troubles, e.Entry.Text)
		}
	}
}

// complaints are what the browser complained of since they were asked for last.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.troubles
	p.troubles = nil
	return all
}
