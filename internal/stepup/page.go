package stepup

import (
	"bytes"
	_ "embed" // the pages
	"html/template"
	"net/http"

	"github.com/psagate/psagate/internal/signin"
)

// page is what is below the title of one of our pages. Its texts may be anybody's.
type page struct {
	// Wrong is what was wrong with what the person typed.
	Wrong string
	Text  []string
	// Facts are words with what they are.
	Facts []fact
	// QR is the picture of what an app reads, Secret the same for who types it.
	QR     template.URL
	Secret string
	// App is the address that opens the app on this device, with the same in it.
	App template.URL
	// Codes are recovery codes.
	Codes []string
	Forms []form
	Links []link
}

type fact struct{ Name, Value string }

type link struct {
	Text, To string
	Button   bool
}

// form is one that changes something.
type form struct {
	To, Proof, Return, Button string
	// Do says what it does.
	Do string
	// Enrolment is which one it confirms.
	Enrolment string
	// Field is what is to be typed; nil: nothing.
	Field *field
}

// field is one that a code is typed into.
type field struct {
	Label, Hint string
	// Recovery: it is one for recovery codes.
	Recovery bool
	// Wrong: the page says what was wrong with it.
	Wrong bool
}

var (
	//go:embed page.html
	pageText string
	layout   = template.Must(template.New("page").Parse(pageText))
)

// show answers with a page.
func (g *Gate) show(w http.ResponseWriter, v *signin.Visit, status int, title string, p page) {
	for i := range p.Forms {
		p.Forms[i].Proof = v.Proof()
		if f := p.Forms[i].Field; f != nil {
			f.Wrong = p.Wrong != ""
		}
	}
	if p.Wrong != "" {
		title = "Error: " + title // so that it is the first thing that is read out
	}
	var body bytes.Buffer
	if err := layout.Execute(&body, p); err != nil {
		g.cfg.Log.Error("a page cannot be made", "title", title, "error", err)
		http.Error(w, "a page cannot be made", http.StatusInternalServerError)
		return
	}
	v.Show(w, status, title, template.HTML(body.String()), p.QR != "") //nolint:gosec // our own template has made it
}
