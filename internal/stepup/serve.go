package stepup

import (
	"net/http"

	"github.com/psagate/psagate/internal/signin"
)

// maxForm is how much of a form is read, in bytes.
const maxForm = 16 << 10

// serve answers for the pages.
func (g *Gate) serve(w http.ResponseWriter, r *http.Request, v *signin.Visit) {
	codes := v.URL().Path == signin.PageStepUp
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if codes {
			g.askCode(w, r, v)
			return
		}
		g.overview(w, r, v)
	case http.MethodPost:
		g.post(w, r, v, codes)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		g.show(w, v, http.StatusMethodNotAllowed, "Not like this", page{Text: []string{"This page is not used in that way."}, Links: []link{toFront}})
	}
}

var toFront = link{Text: "To the front page", To: "/"}

// post takes a form.
func (g *Gate) post(w http.ResponseWriter, r *http.Request, v *signin.Visit, codes bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !v.Genuine(r) {
		g.show(w, v, http.StatusForbidden, "Nothing was done", page{Text: []string{
			"Another site may have sent you here, or you have signed in anew since the page was opened. If it was you, do it once more.",
		}, Links: []link{{"Your second factor", signin.PageTOTP, true}, toFront}})
		return
	}
	switch do := r.PostFormValue("do"); {
	case codes && (do == doCode || do == doRecover):
		g.takeCode(w, r, v, do == doRecover)
	case !codes && do == doBegin:
		g.begin(w, r, v)
	case !codes && do == doConfirm:
		g.confirm(w, r, v)
	case !codes && do == doRecovery:
		g.newRecovery(w, r, v)
	default:
		g.show(w, v, http.StatusBadRequest, "Not like this", page{Text: []string{"This form is not one of this page."}, Links: []link{toFront}})
	}
}

// What forms do.
const (
	doCode     = "code"
	doRecover  = "recover"
	doBegin    = "begin"
	doConfirm  = "confirm"
	doRecovery = "recovery-codes"
)

// askedReturn is where a person goes on to after a page.
func askedReturn(r *http.Request, v *signin.Visit) string {
	if r.Method == http.MethodPost {
		return returnOf(v, r.PostFormValue("return"))
	}
	return returnOf(v, v.URL().Query().Get("return"))
}
