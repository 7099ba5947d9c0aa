package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/look"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/signin"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed style.css
var styleText string

// layout are the pages. Whatever they show is escaped by html/template, as all of it may be anybody's text.
var layout = template.Must(template.New("").ParseFS(pageFiles, "pages/*.html"))

// content is what is on a page: the same for everybody who may see it.
type content struct {
	// Status is of the answer; 0: it is there.
	Status int
	Title  string
	// Headline is the page's answer in a sentence, which is read out when it changes; empty: it has none.
	Headline string
	// Danger is how it is drawn, beside its words.
	Danger report.Danger
	Body   template.HTML
}

// shown is a page that shows something.
func (c *Console) shown(of func(*http.Request) (content, error)) func(*visit) {
	return func(v *visit) {
		what, err := of(v.r)
		if err != nil {
			c.cfg.Log.Error("a page of the console cannot be shown", "page", v.r.URL.Path, "error", err)
			c.message(v, http.StatusServiceUnavailable, "Not known for now", "What is to be shown here cannot be read. Whoever runs psagate finds more in its log; load the page again in a moment.")
			return
		}
		c.draw(v, cmp.Or(what.Status, http.StatusOK), what)
	}
}

// made makes a page's content.
func made(template string, title string, data any) (content, error) {
	body, err := filled(template, data)
	return content{Title: title, Body: body}, err
}

func filled(name string, data any) (template.HTML, error) {
	var text bytes.Buffer
	if err := layout.ExecuteTemplate(&text, name, data); err != nil {
		return "", fmt.Errorf("the page %s cannot be made: %w", name, err)
	}
	return template.HTML(text.String()), nil //nolint:gosec // our own template has made it
}

// link leads to another page of the console.
type link struct {
	Text, To string
	Here     bool
}

// frame is what is around each page.
type frame struct {
	content
	Links         []link
	Person        string
	Logout, TOTP  string
	Style, Script string
	Live          string // the address of its stream; empty: it is not live
	At            string
}

// links are those that each page has, in the order of what an operator wants to know.
var links = []link{
	{Text: "Overview", To: "./"},
	{Text: "Failures", To: pageFailures},
	{Text: "Integrations", To: pageIntegrations},
	{Text: "Mail", To: pageMail},
	{Text: "Decisions", To: pageDecisions},
	{Text: "People", To: pagePeople},
	{Text: "Settings", To: pageSettings},
}

// draw answers with a page.
func (c *Console) draw(v *visit, status int, what content) {
	f := frame{
		content: what, Person: v.Session.Person.Label(), Logout: signin.PageLogout, TOTP: signin.PageTOTP, Style: style.address(),
		At: c.cfg.Now().UTC().Format(moment),
	}
	here := strings.TrimPrefix(v.r.URL.Path, "/")
	if _, ok := c.lives[here]; ok && v.r.Method != http.MethodPost {
		f.Script, f.Live = script.address(), liveAt(here, v.r.URL.Query(), what)
	}
	for _, l := range links {
		l.Here = l.To == here || here == pageOverview && l.To == "./"
		f.Links = append(f.Links, l)
	}
	page, err := filled("frame.html", f)
	if err != nil {
		c.cfg.Log.Error("a page cannot be made", "title", what.Title, "error", err)
		http.Error(v.w, "a page cannot be made", http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	guarded(h)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	v.w.WriteHeader(status)
	_, _ = v.w.Write([]byte(page))
}

// moment is how a moment is written whole.
const moment = "2 January 2006, 15:04:05 UTC"

// guarded has a browser load nothing but what is the console's own, run nothing that stands in a page, and show it in nobody's frame.
func guarded(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with none older browsers hide whose form it is, and it is taken for another site's
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// message answers with a page of a few words.
func (c *Console) message(v *visit, status int, title string, text ...string) {
	what, err := made("message.html", title, text)
	if err != nil {
		c.trouble(v, err)
		return
	}
	c.draw(v, status, what)
}

// trouble answers where a page cannot be made.
func (c *Console) trouble(v *visit, err error) {
	c.cfg.Log.Error("a page of the console cannot be shown", "page", v.r.URL.Path, "error", err)
	h := v.w.Header()
	guarded(h)
	h.Set("Cache-Control", "no-store")
	http.Error(v.w, "This page cannot be shown for now. Whoever runs psagate finds more in its log.", http.StatusServiceUnavailable)
}

// file is one that pages load. Its address has its hash, so that browsers may keep it.
type file struct{ name, kind, text, hash string }

func newFile(name, kind, text string) *file {
	sum := sha256.Sum256([]byte(text))
	return &file{name, kind, text, hex.EncodeToString(sum[:8])}
}

var style = newFile(fileStyle, "text/css; charset=utf-8", look.CSS+styleText)

func (f *file) address() string { return f.name + "?" + f.hash }

func (f *file) serve(v *visit) {
	h := v.w.Header()
	guarded(h)
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-store")
	if v.r.URL.RawQuery == f.hash { // else a replica of another version is asked for, and a browser would keep ours in place of that one's
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	http.ServeContent(v.w, v.r, f.name, time.Time{}, strings.NewReader(f.text))
}
