package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
)

func init() {
	caddy.RegisterModule(new(AdminAPI))
}

// maxAdminBody is the largest body of an admin request, in bytes.
const maxAdminBody = 4096

// AdminAPI serves psagate's part of Caddy's admin endpoint, for the operator:
//
//	GET  /psa/status
//	GET  /psa/failures                ?login=<name>&since=<duration>
//	GET  /psa/zones
//	GET  /psa/warnings
//	GET  /psa/audit                   how the audit log stands, and its anchors
//	GET  /psa/store/backup            the store's file
//	GET  /psa/mail                    the books of all mailboxes
//	GET  /psa/mail/<mailbox>          ?state=<state>&cause=<word>&text=<text>&since=<duration>&until=<duration>&oldest=1&after=<mail>&most=<n>
//	GET  /psa/mail/<mailbox>/dryrun   ?since=<duration>&most=<n>: nothing is written anywhere
//	GET  /psa/mail/<mailbox>/<mail>
//	POST /psa/mail/<mailbox>/test     {"send": true, "again": true}, or nothing
//	POST /psa/mail/<mailbox>/<mail>/retry   {"reason": "…"}, or nothing
//	POST /psa/mail/<mailbox>/<mail>/drop    {"reason": "…"}, or nothing
//	GET  /psa/sessions                ?issuer=<name>&person=<subject>
//	POST /psa/sessions/end            {"id": "…"}, or {"issuer": "…", "person": "…"}
//	POST /psa/alerts/test
//	POST /psa/policy/explain          a request, as in the cases of policies
//	POST /psa/integrations/<name>/disable   {"reason": "…"}, or nothing
//	POST /psa/integrations/<name>/enable
//	POST /psa/logins/<name>/release   {"seq": n}, the one that status showed
//	POST /psa/logins/<name>/check
//	GET  /psa/logins/<name>/secret
//	POST /psa/logins/<name>/secret    {"version": n, "secret": "…"}, the version that GET showed
//	GET  /psa/totp                    which people have a second factor
//	POST /psa/totp/reset              {"issuer": "…", "subject": "…"}
//	POST /psa/totp/invite             {"issuer": "…", "subject": "…", "code": "…"}: who has that code may add an app
//	POST /psa/totp/shown              {"login": "…"}: its code is shown, elsewhere
//	POST /psa/pools/<name>/rotate     {"timeout": "2m"}, or nothing
//
// Nothing under /psa/ shows a secret, a code, or what a mail says.
//
// It speaks to the engine in force. Caddy provisions it with a config that may yet fail, and leaves it in place then.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.psa", New: func() caddy.Module { return new(AdminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/psa/", Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// serve finds the route. Its errors, as those of all routes, are caddy.APIErrors, which Caddy writes as JSON.
func (a *AdminAPI) serve(w http.ResponseWriter, r *http.Request) error {
	in := inForce.Load()
	if in == nil {
		return apiError(http.StatusNotFound, "the running config has no psa block, or has not started yet")
	}
	e := in.engine
	path := segments(strings.TrimPrefix(r.URL.EscapedPath(), "/psa/"))
	switch {
	case len(path) == 1 && path[0] == "status":
		return a.get(w, r, func() any { return in.status() })
	case len(path) == 1 && path[0] == "failures":
		return failures(w, r, e)
	case len(path) == 1 && path[0] == "zones":
		return a.get(w, r, func() any { return e.Zones() })
	case len(path) == 1 && path[0] == "warnings":
		return a.get(w, r, func() any { return runningWarnings(in) })
	case len(path) == 1 && path[0] == "audit":
		return auditStanding(w, r, in)
	case len(path) == 3 && path[0] == "mail" && path[2] == "test":
		return testMailbox(w, r, in, path[1])
	case path[0] == "mail":
		return serveMail(w, r, in, path[1:])
	case len(path) == 2 && path[0] == "store" && path[1] == "backup":
		return backup(w, r)
	case len(path) == 1 && path[0] == "sessions":
		return listSessions(w, r)
	case len(path) == 2 && path[0] == "sessions" && path[1] == "end":
		return endSessions(w, r)
	case len(path) == 2 && path[0] == "totp" && path[1] == "shown":
		return codeIsShown(w, r, in)
	case len(path) == 2 && path[0] == "alerts" && path[1] == "test":
		return testAlerts(w, r)
	case len(path) == 2 && path[0] == "policy" && path[1] == "explain":
		return explain(w, r, in)
	case len(path) == 3 && path[0] == "integrations" && path[2] == "disable":
		return disable(w, r, e, path[1])
	case len(path) == 3 && path[0] == "integrations" && path[2] == "enable":
		return enable(w, r, e, path[1])
	case len(path) == 3 && path[0] == "logins" && path[2] == "release":
		return a.post(w, r, e, path[1], release)
	case len(path) == 3 && path[0] == "logins" && path[2] == "check":
		return a.post(w, r, e, path[1], check)
	case len(path) == 3 && path[0] == "logins" && path[2] == "secret" && r.Method == http.MethodGet:
		return writing(w, r, e, path[1])
	case len(path) == 3 && path[0] == "logins" && path[2] == "secret":
		return a.post(w, r, e, path[1], put)
	case len(path) == 4 && path[0] == "logins" && path[2] == "secret" && path[3] == "look":
		return a.post(w, r, e, path[1], lookAs)
	case len(path) == 1 && path[0] == "totp":
		return totpPeople(w, r, in)
	case len(path) == 2 && path[0] == "totp" && path[1] == "invite":
		return inviteTOTP(w, r, in)
	case len(path) == 2 && path[0] == "totp" && path[1] == "reset":
		return resetTOTP(w, r, in)
	case len(path) == 3 && path[0] == "pools" && path[2] == "rotate":
		return a.rotate(w, r, e, path[1])
	}
	return apiError(http.StatusNotFound, "nothing is at %s", r.URL.Path)
}

// segments returns the parts of an escaped path. A login's name may hold a slash of its own, escaped.
func segments(path string) []string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if text, err := url.PathUnescape(part); err == nil {
			parts[i] = text
		}
	}
	return parts
}

func (a *AdminAPI) get(w http.ResponseWriter, r *http.Request, answer func() any) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	return writeJSON(w, answer())
}

func onlyGet(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet {
		return nil
	}
	w.Header().Set("Allow", http.MethodGet)
	return apiError(http.StatusMethodNotAllowed, "%s takes GET, not %s", r.URL.Path, r.Method)
}

// post lets an action on a login read the body, and writes its answer.
func (a *AdminAPI) post(w http.ResponseWriter, r *http.Request, e engine, login string, act action) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	answer, err := act(r, e, login, body)
	if err != nil {
		return loginError(login, err)
	}
	return writeJSON(w, answer)
}

// postedBody returns the body of a request that has to be a POST.
func postedBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, apiError(http.StatusMethodNotAllowed, "%s takes POST, not %s", r.URL.Path, r.Method)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, apiError(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return nil, apiError(http.StatusBadRequest, "reading the body: %w", err)
	}
	return body, nil
}

// loginError is the answer to what does not work with a login.
func loginError(login string, err error) error {
	status := http.StatusInternalServerError
	var refused caddy.APIError
	var unfit report.Unfit
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &unfit):
		status = http.StatusBadRequest
	case errors.Is(err, report.ErrUnknownLogin):
		status = http.StatusNotFound
	case errors.Is(err, report.ErrNotShown), errors.Is(err, report.ErrChangedSince), errors.Is(err, report.ErrPutting):
		status = http.StatusConflict
	case errors.Is(err, report.ErrStopping):
		status = http.StatusServiceUnavailable
	}
	return apiError(status, "login %q: %w", login, err)
}

// action does something to a login.
type action func(r *http.Request, e engine, login string, body []byte) (any, error)

func release(_ *http.Request, e engine, login string, body []byte) (any, error) {
	var shown struct {
		Seq     *uint64 `json:"seq"`
		NextSeq *uint64 `json:"next_seq"`
	}
	if err := caddy.StrictUnmarshalJSON(body, &shown); err != nil || shown.Seq == nil {
		return nil, apiError(http.StatusBadRequest, `the body must be {"seq": n}, with the login's seq as /psa/status shows it`)
	}
	if err := e.Release(login, *shown.Seq, shown.NextSeq); err != nil {
		return nil, err
	}
	return report.Released{Login: login, Seq: *shown.Seq}, nil
}

func check(r *http.Request, e engine, login string, body []byte) (any, error) {
	if len(body) > 0 {
		return nil, apiError(http.StatusBadRequest, "check takes no body")
	}
	result, err := e.Check(r.Context(), login)
	if err == nil {
		noteOperator(r, eventLoginChecked, login, map[string]string{"ok": strconv.FormatBool(result.OK)})
	}
	return result, err
}

// writing answers how a login's record stands.
func writing(w http.ResponseWriter, r *http.Request, e engine, login string) error {
	now, err := e.Writing(r.Context(), login, "")
	if err != nil {
		return loginError(login, err)
	}
	return writeJSON(w, now)
}

// lookAs answers how a login's record stands that is to name another user. The name comes in a body: Caddy logs the URLs of this
// endpoint, and what is typed as a name may have been meant as a password.
func lookAs(r *http.Request, e engine, login string, body []byte) (any, error) {
	var given struct {
		UserName string `json:"username"`
	}
	// The decoder's error could show a part of the body.
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil || given.UserName == "" {
		return nil, apiError(http.StatusBadRequest, `the body must be {"username": "…"}`)
	}
	return e.Writing(r.Context(), login, given.UserName)
}

func put(r *http.Request, e engine, login string, body []byte) (any, error) {
	var given struct {
		Version         *uint64 `json:"version"`
		Secret          string  `json:"secret"`
		UserName        string  `json:"username"`
		IntegrationCode string  `json:"integration_code"`
		Ahead           bool    `json:"ahead"`
	}
	// The decoder's error could show a part of the body.
	if err := caddy.StrictUnmarshalJSON(body, &given); err != nil || given.Version == nil || given.Secret == "" {
		return nil, apiError(http.StatusBadRequest, `the body must be {"version": n, "secret": "…"}, with the version that GET shows here; username, integration_code and ahead may be there too`)
	}
	result, err := e.Put(r.Context(), login, call.Put{
		Over: *given.Version, Secret: secret.NewValue(given.Secret), UserName: secret.NewValue(given.UserName),
		IntegrationCode: secret.NewValue(given.IntegrationCode), Ahead: given.Ahead,
	})
	if err == nil {
		operatorOf(r).notePut(login, result)
	}
	return result, err
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

func writeJSON(w http.ResponseWriter, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return apiError(http.StatusInternalServerError, "writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(data, '\n'))
	if err != nil {
		return apiError(http.StatusInternalServerError, "sending the answer: %w", err)
	}
	return nil
}

var _ caddy.AdminRouter = (*AdminAPI)(nil)
