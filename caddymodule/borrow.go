package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
)

// engineOf returns what the app psa of the same config built.
func engineOf(ctx caddy.Context) (engine, error) {
	app, err := ctx.AppIfConfigured("psa")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fmt.Errorf("the app psa is not configured: it says who may call and as which login (the global option psa)")
	}
	if err != nil {
		return nil, err
	}
	return app.(*App).engine, nil
}

// setPlaceholders makes known what a call turned out to be.
func setPlaceholders(r *http.Request, call report.Call) {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	for name, value := range map[string]string{
		"psa.integration":        call.Integration,
		"psa.entity":             call.Entity,
		"psa.action":             call.Action,
		"psa.id":                 call.ID,
		"psa.login":              call.Login,
		"psa.zone":               call.Zone,
		"psa.credential.version": call.CredentialVersion,
		"psa.reason":             call.Reason,
	} {
		if value != "" {
			replacer.Set(name, value)
		}
	}
}
