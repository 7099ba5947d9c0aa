package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/policy"
)

// What people do here has a page of its own, which says what it is about to do and has the form that does it. The page is shown to whom
// policy permits it, once a second factor was proven that is fresh enough, so that nothing that was typed is lost to either; the form
// is asked the same again. Then it is done once, and what came of it is on a page that can be loaded again.

// act is one thing that people may do.
type act struct {
	// button is what it is called.
	button string
	// form says what it is about to do.
	form func(context.Context, *asked) (*form, error)
	// do does it. What does not work is in the outcome; an error of the kind retry has the form shown again, with what is wrong.
	do func(context.Context, *asked) (*outcome, error)
	// shows: the form's answer is shown at once and kept nowhere, as it holds a secret.
	shows bool
}

// asked is what somebody wants done.
type asked struct {
	*visit
	what   policy.Action
	on     policy.Target
	which  string // a session's id, where one is meant
	mail   int64  // the number of a mail, where one is meant
	values url.Values
}

// form is what is filled in before something is done.
type form struct {
	Title, Button string
	Text          []string
	Said          string // what the command says, in its lines
	Facts         []report.Fact
	Hidden        []field
	Fields        []field
	Warnings      []string
	// Hopeless: it cannot be done now, for what the text says.
	Hopeless bool
}

type field struct {
	Name, Label, Hint, Value, Type string
	Complete                       string // what browsers may fill it with
	Most                           int    // how many characters it has at the most
	Required, Check                bool
}

// outcome is what came of a deed.
type outcome struct {
	Title  string
	Failed bool
	Text   []string
	Facts  []report.Fact
	Code   string // a one-time code, which is kept nowhere
	Plain  []plain
	Again  *form
	Back   string // where to go on to
	status int
}

// retry is what was wrong with what was typed.
type retry struct{ text string }

func (r retry) Error() string { return r.text }

// askedOf reads what a request wants done; ok is false where that is nothing.
func (c *Console) askedOf(v *visit, values url.Values) (a *asked, of act, ok bool) {
	a = &asked{visit: v, what: policy.Action(values.Get("do")), which: values.Get("session"), values: values}
	a.on = policy.Target{Kind: a.what.DoneOn(), Name: values.Get("on")}
	if a.on.Kind == policy.Person {
		a.on.Issuer = values.Get("issuer")
	}
	if a.on.Kind == policy.Mailbox {
		a.mail, _ = strconv.ParseInt(values.Get("mail"), 10, 64) // there is no mail 0
	}
	of, ok = c.acts[a.what]
	return a, of, ok && a.on.Name != "" && max(len(a.on.Name), len(a.on.Issuer), len(a.which)) <= maxNamed && c.cfg.Deeds != nil
}

// maxNamed is the most bytes of what names something: a config's names have 64, and subjects 256; a guest's login has both. What is refused is written down with it.
const maxNamed = 512

// actAt is the address of the page of a deed.
func actAt(what policy.Action, on policy.Target, more ...string) string {
	q := url.Values{"do": {string(what)}, "on": {on.Name}}
	if on.Issuer != "" {
		q.Set("issuer", on.Issuer)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return pageAct + "?" + q.Encode()
}

// here is the page's own address, of the page that asks.
func (a *asked) here() string {
	var more []string
	if a.which != "" {
		more = []string{"session", a.which}
	}
	if a.mail != 0 {
		more = []string{"mail", a.number()}
	}
	return actAt(a.what, a.on, more...)
}

// askAct shows the page on which something is done.
func (c *Console) askAct(v *visit) {
	a, of, ok := c.askedOf(v, v.r.URL.Query())
	if !ok {
		c.message(v, http.StatusNotFound, "No such page", "There is nothing of that kind to be done here.")
		return
	}
	if c.refused(a, c.cfg.Deeds.May(v.doer(), a.what, a.on)) {
		return
	}
	c.showForm(a, of, http.StatusOK, "")
}

// postAct does it.
func (c *Console) postAct(v *visit) {
	if !v.Genuine(v.r) {
		c.message(v, http.StatusForbidden, "Nothing was done", "Another site may have sent you here, or you have signed in anew since the page was opened. If it was you, open it again.")
		return
	}
	a, of, ok := c.askedOf(v, v.r.PostForm)
	if !ok {
		c.message(v, http.StatusBadRequest, "Not like this", "There is nothing of that kind to be done here.")
		return
	}
	if !of.shows { // who shows a code asks by itself
		decision, err := c.cfg.Deeds.Permits(v.r.Context(), v.doer(), a.what, a.on)
		if err != nil {
			c.cfg.Log.Error("a deed is not done", "deed", string(a.what), "on", a.on.Name, "error", err)
			c.message(v, http.StatusServiceUnavailable, "Nothing was done", "It cannot be written down who does this, so it is not done. Whoever runs psagate finds more in its log.")
			return
		}
		if c.refused(a, decision) {
			return
		}
	}
	done, err := of.do(v.r.Context(), a)
	c.forget()
	var wrong retry
	switch {
	case errors.As(err, &wrong):
		c.showForm(a, of, http.StatusUnprocessableEntity, sentence(wrong.text))
	case err != nil:
		c.notDone(a, err)
	case done == nil: // it was answered
	case of.shows:
		c.showOutcome(v, *done)
	default:
		v.Leave(v.w, pageDone+"?id="+c.outcomes.put(v.Session.ID, *done))
	}
}

// refused answers where policy does not let somebody do something, or not yet.
func (c *Console) refused(a *asked, d policy.Decision) bool {
	switch {
	case d.Allowed():
		return false
	case d.Outcome != policy.StepUp:
		a.w.Header().Set(autotask.HeaderReason, string(autotask.Policy))
		c.showDenied(a, d)
	case a.r.Method != http.MethodPost:
		a.Leave(a.w, stepUpAt(a.Return(a.URL().RequestURI())))
	default:
		a.w.Header().Set(autotask.HeaderReason, string(autotask.StepUp))
		what, err := made("stepup.html", "A code is needed", stepUpAt(a.Return(a.beside(a.here()))))
		if err != nil {
			c.trouble(a.visit, err)
			return true
		}
		c.draw(a.visit, http.StatusForbidden, what)
	}
	return true
}

// beside is the path of another page of the console.
func (v *visit) beside(page string) string {
	path := v.URL().EscapedPath()
	return path[:strings.LastIndex(path, "/")+1] + page
}

// stepUpAt is where a second factor is proven, before a person goes on to a path.
func stepUpAt(back string) string {
	return signin.PageStepUp + "?" + url.Values{"return": {back}}.Encode()
}

// showDenied says what policy says, and what would permit it.
func (c *Console) showDenied(a *asked, d policy.Decision) {
	what, err := made("denied.html", "Not permitted", struct {
		What, On, Why, Permit string
	}{string(a.what), a.on.Name, reasonOf(d), d.Permit})
	if err != nil {
		c.trouble(a.visit, err)
		return
	}
	c.draw(a.visit, http.StatusForbidden, what)
}

func reasonOf(d policy.Decision) string {
	if d.Permit != "" {
		return "No policy permits it."
	}
	return sentence(d.String())
}

// sentence makes a sentence of an error.
func sentence(text string) string {
	if text == "" {
		return text
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	if first := text[0]; 'a' <= first && first <= 'z' {
		return string(first-'a'+'A') + text[1:]
	}
	return text
}

// showForm shows the form of a deed, with what was wrong where something was.
func (c *Console) showForm(a *asked, of act, status int, wrong string) {
	f, err := of.form(a.r.Context(), a)
	if err != nil {
		c.notDone(a, err)
		return
	}
	title := f.Title
	if wrong != "" {
		title = "Error: " + title // so that it is the first thing that is read out
	}
	what, err := made("act.html", title, struct {
		*form
		Wrong, Proof, Do, On, Issuer, Which, Cancel string
		Mail                                        int64
	}{f, wrong, a.Proof(), string(a.what), a.on.Name, a.on.Issuer, a.which, backOf(a), a.mail})
	if err != nil {
		c.trouble(a.visit, err)
		return
	}
	c.draw(a.visit, status, what)
}

// backOf is the page from which people come to a deed.
func backOf(a *asked) string {
	switch a.on.Kind {
	case policy.Login:
		return loginAt(a.on.Name)
	case policy.Integration:
		return pageIntegrations
	case policy.Mailbox:
		return messageAt(a.on.Name, a.mail)
	}
	return pagePeople
}

// notDone answers where something could not be done, or not be found out.
func (c *Console) notDone(a *asked, err error) {
	var unfit report.Unfit
	status := http.StatusServiceUnavailable
	switch {
	case errors.As(err, &unfit):
		status = http.StatusUnprocessableEntity
	case errors.Is(err, report.ErrUnknownLogin), errors.Is(err, report.ErrUnknownIntegration), errors.Is(err, report.ErrUnknownMail), errors.Is(err, errNobody):
		status = http.StatusNotFound
	case errors.Is(err, report.ErrNotShown), errors.Is(err, report.ErrChangedSince), errors.Is(err, report.ErrPutting), errors.Is(err, report.ErrMailMoved):
		status = http.StatusConflict
	}
	c.cfg.Log.Warn("a deed is not done", "deed", string(a.what), "on", a.on.Name, "error", err)
	c.showOutcome(a.visit, outcome{Title: "Not done", Failed: true, Text: []string{sentence(err.Error())}, Back: backOf(a), status: status})
}
