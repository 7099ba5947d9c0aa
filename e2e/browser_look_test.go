package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// screenshots is the environment variable that names the folder which pictures of the pages are written to.
const screenshots = "PSAGATE_SCREENSHOTS"

// screens are those that the pages are looked at on, in CSS pixels.
var screens = []struct {
	name          string
	width, height int64
	mobile        bool
}{{"desktop", 1280, 800, false}, {"phone", 360, 740, true}}

// screen gives the tab one of the screens, by its place in the list.
func (p *tab) screen(n int) {
	p.Helper()
	s := screens[n]
	if _, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.mobile}); err != nil {
		p.Fatal(err)
	}
}

// inspect looks at the page that the tab shows, on every screen, dark and light: nothing scrolls sideways, nothing keeps anybody out,
// each control is large enough, is reached by the keyboard alone and shows that, and the browser has nothing to complain of.
func (p *tab) inspect(name string) {
	p.Helper()
	for n, s := range screens {
		p.screen(n)
		for _, scheme := range []string{"light", "dark"} {
			features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
			if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
				p.Fatal(err)
			}
			where := fmt.Sprintf("%s, %s, %s", name, s.name, scheme)
			p.fits(where, s.width, scheme == "dark")
			if s.mobile == (scheme == "dark") { // it takes its time: each screen and each scheme once
				p.axe(where)
			}
			p.picture(strings.NewReplacer(" ", "-", ",", "").Replace(where))
		}
	}
	p.screen(0)
	p.tabs(name)
	if all := p.complaints(); len(all) > 0 {
		p.Errorf("%s: the browser complains: %q", name, all)
	}
}

// fits demands that a page is not wider than its screen, and that its paper is dark where that is wanted.
func (p *tab) fits(where string, width int64, dark bool) {
	p.Helper()
	got := must[struct {
		Wide int64
		Red  int // of the paper's color
	}](p, `({
		Wide: document.scrollingElement.scrollWidth, // a phone's browser makes innerWidth larger where a page is
		Red: Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]),
	})`)
	if got.Wide > width {
		p.Errorf("%s: it is %d pixels wide", where, got.Wide)
	}
	if dark != (got.Red < 128) {
		p.Errorf("%s: its paper has red at %d of 255", where, got.Red)
	}
}

// axeText is axe-core's own.
var axeText = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile(axeSource)
	return string(text), err
})

// axe demands that axe-core finds nothing, with all of its rules.
func (p *tab) axe(where string) {
	p.Helper()
	if p.silent { // it needs its own
		p.scripts(true)
		defer p.scripts(false)
	}
	source, err := axeText()
	if err != nil {
		p.Fatal(err)
	}
	if !must[bool](p, `typeof axe === "object"`) {
		if _, err := look[chromedp.Void](p, source); err != nil {
			p.Fatal(err)
		}
	}
	got := must[struct {
		Passed int
		Faults []string
	}](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => ({
		Passed: r.passes.length,
		Faults: r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" ")),
	}))`)
	if got.Passed < 10 || len(got.Faults) > 0 {
		p.Errorf("%s: axe passes %d rules, and finds %q", where, got.Passed, got.Faults)
	}
}

// control is one that people use, as the keyboard comes to it.
type control struct {
	Text    string
	Outline float64 // width of what shows where the keyboard is, in CSS pixels
	Height  float64
}

const pageControls = `[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")]`

// controlsOf are all that a page has, and focused the one that the keyboard is at, if there is one.
const (
	describeControl = `e => ({Text: e.innerText || [...e.labels || []].map(l => l.innerText).join(), Outline: getComputedStyle(e).outlineStyle === "none" ? 0 : parseFloat(getComputedStyle(e).outlineWidth), Height: e.getBoundingClientRect().height})`
	controlsOf      = pageControls + `.map(` + describeControl + `)`
	focused         = `[document.activeElement].filter(e => e && e !== document.body && e !== document.documentElement).map(` + describeControl + `)`
)

// tabs demands that the tab key comes to each control of a page, in its order, and to nothing else. The keyboard is at the last one
// when it returns.
func (p *tab) tabs(name string) (all []control) {
	p.Helper()
	all = must[[]control](p, controlsOf)
	// From the top, wherever the keyboard is.
	_ = must[bool](p, `(document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute("tabindex"), scrollTo(0, 0), true)`)
	for _, c := range all {
		p.press(kb.Tab)
		at := must[[]control](p, focused)
		if len(at) != 1 || at[0].Text != c.Text || at[0].Outline < 2 || at[0].Height < 24 { // WCAG 2.2, 2.5.8
			p.Errorf("%s: the tab key comes to %+v, want %q, with an outline and 24 pixels high", name, at, c.Text)
		}
	}
	return all
}

// use goes to the control with a text by the keyboard alone, and presses enter.
func (p *tab) use(text string) {
	p.Helper()
	all := must[[]control](p, controlsOf)
	n := slices.IndexFunc(all, func(c control) bool { return c.Text == text })
	if n < 0 {
		p.Fatalf("no control says %q, at %s", text, p.describe())
	}
	for range 2 * len(all) { // wherever the keyboard is
		if at := must[[]control](p, focused); len(at) == 1 && at[0].Text == text {
			p.press(kb.Enter)
			return
		}
		p.press(kb.Tab)
	}
	p.Fatalf("the tab key does not come to %q, at %s", text, p.describe())
}

// picture writes down what the page looks like, where somebody wants to see it.
func (p *tab) picture(name string) {
	p.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		p.Error(err)
	}
}
