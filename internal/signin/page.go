package signin

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"

	"github.com/psagate/psagate/internal/look"
)

// page is one of our pages. All of its texts may be anybody's.
type page struct {
	Title string
	Text  []string
	// Quote is what a provider said.
	Quote string
	Links []link
	Form  *form
	// Body is what a page of its own kind has, made by a template.
	Body template.HTML

	pictures bool   // it has pictures, which stand in it
	formTo   string // where the form's answer may lead to beside this site
}

type link struct {
	Text, To string
	Button   bool
}

// form is the one that signs out.
type form struct {
	To, Proof string
	// Everywhere is the provider at which one can sign out too; empty: there is no such place.
	Everywhere string
}

var toFront = link{Text: "To the front page", To: "/"}

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleOwn  string
	styleText = look.CSS + styleOwn

	layout = template.Must(template.New("page").Parse(pageText))
	// The style stands in the page, and the policy names it by its hash: what anybody smuggles in has another one.
	styleHash = func() string {
		sum := sha256.Sum256([]byte(styleText))
		return base64.StdEncoding.EncodeToString(sum[:])
	}()
)

// show answers with a page. It loads nothing, runs nothing, and is in nobody's frame.
func (s *Site) show(w http.ResponseWriter, status int, p page) {
	var body bytes.Buffer
	err := layout.Execute(&body, struct {
		page
		Style template.CSS
	}{p, template.CSS(styleText)}) //nolint:gosec // it is our own file
	if err != nil {
		s.cfg.Log.Error("a page cannot be made", "title", p.Title, "error", err)
		http.Error(w, "a page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	policy := "default-src 'none'; style-src 'sha256-" + styleHash + "'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	if to := originOf(p.formTo); to != "" {
		policy += " " + to
	}
	if p.pictures {
		policy += "; img-src data:"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // its address may have a code
	if p.Form != nil || p.Body != "" {
		h.Set("Referrer-Policy", "same-origin") // with the other one older browsers hide whose form it is, and it is taken for another site's
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
