package caddymodule

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/signin"
	"github.com/psagate/psagate/internal/stepup"
)

func init() {
	caddy.RegisterModule(new(StepUp))
	httpcaddyfile.RegisterDirective("psa_stepup", parseStepUp)
	httpcaddyfile.RegisterDirectiveOrder("psa_stepup", httpcaddyfile.Before, "forward_auth")
}

// StepUp asks people whom psa_signin has let through for a second factor before they come to the handlers after it, where they have
// not proven one lately in this session. It serves the pages for that, below /psagate/: who has no app yet is led to enrol one.
//
// A program, or a page's own script, hears 403 with the reason step-up. Where no psa_signin stands before it, nobody comes through.
type StepUp struct {
	// Factor is what is asked for: totp, the codes of an authenticator app, and recovery codes in place of them. Required.
	Factor string `json:"factor,omitempty"`

	// MaxAge is for how long a second factor counts that was proven; at least 1m. Default: 15m.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	log  *slog.Logger
	gate *stepup.Gate
}

// factorTOTP is the one factor that there is.
const factorTOTP = "totp"

// CaddyModule returns the Caddy module information.
func (*StepUp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.psa_stepup", New: func() caddy.Module { return new(StepUp) }}
}

// Provision makes the gate.
func (s *StepUp) Provision(ctx caddy.Context) error {
	if _, err := engineOf(ctx); err != nil {
		return err
	}
	s.log = ctx.Slogger()
	if err := s.check(); err != nil {
		return fmt.Errorf("psa_stepup: %w", err)
	}
	app, err := ctx.App("psa")
	if err != nil {
		return err
	}
	s.gate, err = stepUpGate(app.(*App), s.log, time.Duration(s.MaxAge))
	return err
}

// stepUpGate is a gate that lets people through whose second factor is not older than that; 0: the default. People come by one as the
// config says.
func stepUpGate(app *App, log *slog.Logger, maxAge time.Duration) (*stepup.Gate, error) {
	how := app.secondFactor()
	return stepup.New(stepup.Config{
		Engine: ground().people, Invited: how.Enrol == enrolAdmin, App: how.AppName, MaxAge: maxAge, Log: log, Tell: func(_ *http.Request, e stepup.Event) { tellStepUp(log, e) },
	})
}

func (s *StepUp) check() error {
	if s.Factor != factorTOTP {
		return fmt.Errorf("the factor is totp, the codes of an authenticator app")
	}
	if s.MaxAge == 0 {
		return nil
	}
	return stepup.CheckMaxAge(time.Duration(s.MaxAge))
}

// tellStepUp writes to both logs what happened to a person's second factor.
func tellStepUp(log *slog.Logger, e stepup.Event) {
	noteStepUp(e)
	log.Info("a person's second factor", "what", string(e.What), "person", e.Person.Label(), "subject", e.Person.Subject, "issuer", e.Person.Issuer, "session", e.Session,
		"recovery_code", e.Recovery, "known_browser", e.KnownBrowser, "reason", string(e.Reason), "limit", e.Limit, "client_ip", e.Address)
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (s *StepUp) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !s.gate.Admit(w, r) {
		return nil
	}
	return next.ServeHTTP(w, r)
}

// parseStepUp reads psa_stepup. Syntax:
//
//	psa_stepup [<matcher>] totp [<max age>]
//
// With a matcher there is one more route, for the pages: a person who is sent to them must come there.
func parseStepUp(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	s, err := readStepUp(h)
	if err != nil {
		return nil, err
	}
	return withPages(matcher, caddyconfig.JSONModuleObject(s, "handler", "psa_stepup", nil), signin.Behind()), nil
}

// withPages are the routes of a handler that serves pages, too, whatever it matches.
func withPages(matcher caddy.ModuleMap, handler json.RawMessage, pages []string) []httpcaddyfile.ConfigValue {
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{handler}}
	if matcher == nil {
		return []httpcaddyfile.ConfigValue{{Class: "route", Value: route}}
	}
	always := route
	always.MatcherSetsRaw = []caddy.ModuleMap{{"path": caddyconfig.JSON(caddyhttp.MatchPath(pages), nil)}}
	route.MatcherSetsRaw = []caddy.ModuleMap{matcher}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: always}, {Class: "route", Value: route}}
}

func readStepUp(h httpcaddyfile.Helper) (*StepUp, error) {
	w, err := startDirective(h)
	if err != nil {
		return nil, err
	}
	args, s := w.d.RemainingArgs(), new(StepUp)
	if len(args) < 1 || len(args) > 2 {
		return nil, w.errorf("%s takes totp [<max age>], and has %d arguments", w.name, len(args))
	}
	if s.Factor = args[0]; len(args) == 2 {
		if s.MaxAge, err = w.asDuration(args[1]); err != nil {
			return nil, err
		}
	}
	if err := s.check(); err != nil {
		return nil, w.errorf("%s: %w", w.name, err)
	}
	return s, w.block(w.name, nil)
}

var (
	_ caddy.Provisioner           = (*StepUp)(nil)
	_ caddyhttp.MiddlewareHandler = (*StepUp)(nil)
)
