package webproxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	_ "embed" // the page and its style

	"github.com/psagate/psagate/internal/look"
)

var (
	//go:embed full.html
	fullText string
	//go:embed full.css
	styleOwn string

	styleText = look.CSS + styleOwn

	fullPage  = template.Must(template.New("full").Parse(fullText))
	styleHash = func() string {
		sum := sha256.Sum256([]byte(styleText))
		return base64.StdEncoding.EncodeToString(sum[:])
	}()
)

// The names of our page's own fields.
const (
	goOnField = "psagate-go-on" // what the book knows the person's consent by
	backField = "psagate-back"  // the form could not be kept: the sign-in has to be begun again
)

// field is one of a form that was sent.
type field struct{ Name, Value string }

// warns shows which sessions are open where one more ends one of them, before the PSA hears of the sign-in. Only to people: a script
// that waits for an answer of the PSA's would not understand the page.
func (x *exchange) warns(w http.ResponseWriter, r *http.Request, form url.Values) bool {
	if offer := form.Get(goOnField); offer != "" {
		x.cfg.Book.agree(x.browser, offer)
		if form.Has(backField) {
			w.Header().Set("Location", x.public.String()+r.URL.RequestURI())
			w.WriteHeader(http.StatusSeeOther)
			return true
		}
		form.Del(goOnField)
		text := form.Encode()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
	if form == nil || !navigates(r) {
		return false
	}
	open, offer := x.cfg.Book.full(x.browser, x.try.mobile)
	if len(open) == 0 {
		return false
	}
	x.show(w, fullData{User: x.try.user, Mobile: x.try.mobile, Known: x.Person != "", Open: open, Most: x.cfg.Book.most(x.try.mobile), Offer: offer, Action: x.public.String() + r.URL.RequestURI(), Fields: x.again(form)})
	return true
}

// again are the fields of a form that may stand in a page, to be sent once more; none where a secret is among them.
func (x *exchange) again(form url.Values) (fields []field) {
	for name, values := range form {
		lowered := strings.ToLower(name)
		if slices.Contains(x.cfg.Signs.PasswordFields, lowered) || strings.Contains(lowered, "pass") || strings.Contains(lowered, "code") || strings.Contains(lowered, "otp") {
			return nil
		}
		for _, value := range values {
			fields = append(fields, field{name, value})
		}
	}
	return fields
}

// navigates says whether a person opens a page, rather than a script that asks for something.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

type fullData struct {
	User, Offer, Action string
	Mobile              bool
	Known               bool // who asks is signed in to the gateway: to others it tells nobody's name or hours
	Most                int
	Open                []Session
	Fields              []field
}

// show answers with our page. It loads nothing, runs nothing, and is in nobody's frame.
func (x *exchange) show(w http.ResponseWriter, data fullData) {
	var b bytes.Buffer
	err := fullPage.Execute(&b, struct {
		fullData
		Style     template.CSS
		BackField string
		OfferName string
	}{data, template.CSS(styleText), backField, goOnField}) //nolint:gosec // it is our own file
	if err != nil {
		x.cfg.Log.Error("a page cannot be made", "error", err)
		http.Error(w, "a page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+x.formTo())
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the form's sender must be known to the PSA
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusConflict)
	_, _ = w.Write(b.Bytes())
}

// formTo is where the form's answer may lead to beside this site: a provider that signs people in, of whom nothing is known here.
func (x *exchange) formTo() string {
	if x.Secure {
		return "https:"
	}
	return "http: https:"
}
