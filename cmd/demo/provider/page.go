package provider

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"

	"github.com/psagate/psagate/internal/look"
)

//go:embed page.html
var pageFiles embed.FS

var pages = template.Must(template.New("").ParseFS(pageFiles, "page.html"))

// said is a page of a few words.
type said struct{ Title, Text string }

// front says what this is, to whoever comes without a program.
func (p *Provider) front(w http.ResponseWriter, _ *http.Request) {
	render(w, http.StatusOK, "front", p.client.ID)
}

// render answers with a page.
func render(w http.ResponseWriter, status int, name string, data any) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, data); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

const styleOwn = "main { max-width: 30rem; margin: 0 auto; }\n.code { font: 2.5rem/1.25 ui-monospace, monospace; margin: 0; }\nli { margin: 0 0 1rem; }\n"

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(look.CSS + styleOwn))
}
