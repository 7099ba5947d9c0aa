package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
)

func init() {
	caddy.RegisterModule(new(AdminAPI))
}

// maxAdminBody is the largest body of an admin request, in bytes.
const maxAdminBody = 4096

// AdminAPI serves psagate's part of Caddy's admin endpoint, for the operator:
//
//	GET  /psa/status
//	GET  /psa/zones
//	POST /psa/logins/<name>/release   {"seq": n}, the one that status showed
//	POST /psa/logins/<name>/check
//
// Nothing under /psa/ shows a secret.
type AdminAPI struct {
	engine engine
}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.psa", New: func() caddy.Module { return new(AdminAPI) }}
}

// Provision finds the app. A config without one, or with one that fails, is none of the admin endpoint's business:
// Caddy loads the apps after it and says what is wrong.
func (a *AdminAPI) Provision(ctx caddy.Context) error {
	if app, err := ctx.AppIfConfigured("psa"); err == nil {
		a.engine = app.(*App).engine
	}
	return nil
}

// Routes implements caddy.AdminRouter.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/psa/", Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// serve finds the route. Its errors, as those of all routes, are caddy.APIErrors, which Caddy writes as JSON.
func (a *AdminAPI) serve(w http.ResponseWriter, r *http.Request) error {
	if a.engine == nil {
		return apiError(http.StatusNotFound, "the running config has no psa block")
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/psa/"), "/")
	switch {
	case len(path) == 1 && path[0] == "status":
		return a.get(w, r, a.status)
	case len(path) == 1 && path[0] == "zones":
		return a.get(w, r, func() any { return a.engine.Zones() })
	case len(path) == 3 && path[0] == "logins" && path[2] == "release":
		return a.post(w, r, path[1], a.release)
	case len(path) == 3 && path[0] == "logins" && path[2] == "check":
		return a.post(w, r, path[1], a.check)
	}
	return apiError(http.StatusNotFound, "nothing is at %s", r.URL.Path)
}

func (a *AdminAPI) get(w http.ResponseWriter, r *http.Request, answer func() any) error {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return apiError(http.StatusMethodNotAllowed, "%s takes GET, not %s", r.URL.Path, r.Method)
	}
	return writeJSON(w, answer())
}

func (a *AdminAPI) status() any {
	status := a.engine.Status()
	status.Advise()
	return status
}

// post lets an action on a login read the body, and writes its answer.
func (a *AdminAPI) post(w http.ResponseWriter, r *http.Request, login string, act func(r *http.Request, login string, body []byte) (any, error)) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return apiError(http.StatusMethodNotAllowed, "%s takes POST, not %s", r.URL.Path, r.Method)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return apiError(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return apiError(http.StatusBadRequest, "reading the body: %w", err)
	}
	answer, err := act(r, login, body)
	var refused caddy.APIError
	switch {
	case errors.Is(err, report.ErrUnknownLogin):
		return apiError(http.StatusNotFound, "login %q: %w", login, err)
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return apiError(http.StatusInternalServerError, "login %q: %w", login, err)
	}
	return writeJSON(w, answer)
}

func (a *AdminAPI) release(_ *http.Request, login string, body []byte) (any, error) {
	var shown struct {
		Seq *uint64 `json:"seq"`
	}
	if err := caddy.StrictUnmarshalJSON(body, &shown); err != nil || shown.Seq == nil {
		return nil, apiError(http.StatusBadRequest, `the body must be {"seq": n}, with the login's seq as /psa/status shows it`)
	}
	if err := a.engine.Release(login, *shown.Seq); err != nil {
		return nil, err
	}
	return report.Released{Login: login, Seq: *shown.Seq}, nil
}

func (a *AdminAPI) check(r *http.Request, login string, body []byte) (any, error) {
	if len(body) > 0 {
		return nil, apiError(http.StatusBadRequest, "check takes no body")
	}
	return a.engine.Check(r.Context(), login)
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

var (
	_ caddy.AdminRouter = (*AdminAPI)(nil)
	_ caddy.Provisioner = (*AdminAPI)(nil)
)
