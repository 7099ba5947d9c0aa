package psatest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/websocket"
)

// page is what one path shows.
type page struct {
	method string // empty: any
	open   bool   // nobody need be signed in
	show   func(*visit)
}

// Paths whose names are made up, of pages of a kind that the real ones are known to have.
const (
	uploadPath = "/Mvc/File/Attachment.mvc/Upload"
	filePath   = "/Mvc/File/Attachment.mvc/Download"
	socketPath = "/Mvc/Framework/Live.mvc/Socket"
	infoPath   = "/Mvc/Framework/Navigation.mvc/Info"
)

// pages are by path, in lower case.
var pages map[string]page

func init() { // not a literal: the sign-in's pages lead to each other
	pages = map[string]page{}
	for path, p := range map[string]page{
		signInPath:  {open: true, show: signIn},
		codePath:    {method: http.MethodPost, open: true, show: codeStep},
		ssoPath:     {method: http.MethodGet, open: true, show: ssoBack},
		addInPath:   {method: http.MethodPost, open: true, show: addIn},
		signOutPath: {show: signOut},
		landingPath: {method: http.MethodGet, show: opened("Landing")},
		"/":         {method: http.MethodGet, open: true, show: func(v *visit) { v.redirect(v.URL() + signInPath) }},

		"/Mvc/ServiceDesk/TicketDetail.mvc":             {method: http.MethodGet, show: ticketDetail},
		"/Mvc/Projects/TaskDetail.mvc":                  {method: http.MethodGet, show: opened("TaskDetail")},
		"/Mvc/Knowledgebase/ArticleDetail.mvc":          {method: http.MethodGet, show: opened("ArticleDetail")},
		"/Autotask/AutotaskExtend/ExecuteCommand.aspx":  {method: http.MethodGet, show: executeCommand},
		"/Autotask/AutotaskExtend/AutotaskCommand.aspx": {method: http.MethodGet, show: executeCommand},
		"/Content/site.css":                             {method: http.MethodGet, open: true, show: stylesheet},
		"/Content/site.js":                              {method: http.MethodGet, open: true, show: script},
		infoPath:                                        {method: http.MethodGet, show: webInfo},
		uploadPath:                                      {method: http.MethodPost, show: upload},
		filePath:                                        {method: http.MethodGet, show: download},
		socketPath:                                      {method: http.MethodGet, show: socket},
	} {
		pages[strings.ToLower(path)] = p
	}
}

// signIn is the form or its answer.
func signIn(v *visit) {
	if v.r.Method == http.MethodPost {
		signInStep(v)
		return
	}
	signInForm(v)
}

// plain is a page that shows what was opened.
type plain struct{ Title, What, Zone, User string }

var plainPage = template.Must(template.New("plain").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>{{.Title}}</title><base href="{{.Zone}}/">
<link rel="stylesheet" href="{{.Zone}}/Content/site.css"><script src="{{.Zone}}/Content/site.js"></script></head><body>
<h1 id="title">{{.Title}}</h1><p id="what">{{.What}}</p><p id="user">{{.User}}</p>
<a id="landing" href="{{.Zone}}/Mvc/Framework/Navigation.mvc/Landing">Home</a>
<a id="out" href="{{.Zone}}/Mvc/Framework/Authentication.mvc/SignOut">Sign out</a>
<script>var home = {{.Zone}};</script>
</body></html>
`))

// opened shows what a link opened: its query, as the page understood it.
func opened(title string) func(*visit) {
	return func(v *visit) {
		v.html(plainPage, plain{Title: title, What: v.r.URL.RawQuery, Zone: v.URL(), User: v.session.User})
	}
}

// ticketDetail shows a ticket of the tenant's.
func ticketDetail(v *visit) {
	q := foldKeys(v.r.URL.Query())
	id := q.Get("ticketid")
	if id == "" {
		id = q.Get("ids[0]")
	}
	v.html(plainPage, plain{Title: "TicketDetail", What: "ticket " + id, Zone: v.URL(), User: v.session.User})
}

// executeCommand leads to the page that its code opens, where that is known; others show the command.
func executeCommand(v *visit) {
	q := foldKeys(v.r.URL.Query())
	if id := q.Get("ticketid"); id != "" && strings.EqualFold(q.Get("code"), "OpenTicketDetail") {
		v.redirect(v.URL() + "/Mvc/ServiceDesk/TicketDetail.mvc?workspace=False&ids%5B0%5D=" + id + "&ticketId=" + id)
		return
	}
	opened("ExecuteCommand")(v)
}

func stylesheet(v *visit) {
	v.text("text/css", "body { background: url("+v.URL()+"/Content/back.png); }\n")
}

// script has the zone's host in the ways in which scripts have it.
func script(v *visit) {
	escaped := strings.ReplaceAll(v.URL(), "/", `\/`)
	v.text("application/javascript", `var live = "`+strings.Replace(v.URL(), "http", "ws", 1)+socketPath+`", info = "`+escaped+strings.ReplaceAll(infoPath, "/", `\/`)+"\";\n")
}

func webInfo(v *visit) {
	v.json(http.StatusOK, map[string]any{"home": v.URL() + landingPath, "user": v.session.User})
}

// upload tells how much came, and its hash: it is read as a stream and kept nowhere.
func upload(v *visit) {
	if origin := v.r.Header.Get("Origin"); origin != "" && origin != v.URL() {
		http.Error(v.w, "This came from another page.", http.StatusForbidden)
		return
	}
	sum := sha256.New()
	n, err := io.Copy(sum, v.r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	v.json(http.StatusOK, map[string]any{"bytes": n, "sha256": hex.EncodeToString(sum.Sum(nil))})
}

// download is a file of somebody's, in which the zone's address stands: it is not a page.
func download(v *visit) {
	v.w.Header().Set("Content-Disposition", `attachment; filename="link.html"`)
	v.text("text/html", "<a href=\""+v.URL()+"/\">kept as it is</a>")
}

// socket sends back what it hears, for pages of this host alone.
func socket(v *visit) {
	websocket.Server{
		Handshake: func(_ *websocket.Config, r *http.Request) error {
			if r.Header.Get("Origin") != v.URL() {
				return errors.New("the origin is another page's")
			}
			return nil
		},
		Handler: func(c *websocket.Conn) {
			over := make(chan struct{})
			defer close(over)
			go func() { // no server closes what was taken from it
				select {
				case <-v.sim.done:
					_ = c.Close()
				case <-over:
				}
			}()
			_, _ = io.Copy(c, c) // ends when either closes
		},
	}.ServeHTTP(v.w, v.r)
}

// html answers with a page.
func (v *visit) html(t *template.Template, data any) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		panic("psatest: a page that cannot be made: " + err.Error())
	}
	v.text("text/html; charset=utf-8", b.String())
}

func (v *visit) json(status int, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		panic("psatest: an answer that is not JSON: " + err.Error())
	}
	v.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b) // fails where the client is gone
}

// text answers with a text, gzipped for those who take it where the Sim gzips.
func (v *visit) text(kind, body string) {
	v.w.Header().Set("Content-Type", kind)
	if !v.sim.behaviour().GzipAnswers || !strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		_, _ = io.WriteString(v.w, body)
		return
	}
	v.w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(v.w)
	_, _ = io.WriteString(z, body)
	_ = z.Close()
}
