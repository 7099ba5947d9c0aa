package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

// engineOf returns what the app psa of the same config built.
func engineOf(ctx caddy.Context) (engine, error) {
	app, err := appHere(ctx)
	if err != nil {
		return nil, err
	}
	return app.engine, nil
}

// appHere returns the app psa of the same config.
func appHere(ctx caddy.Context) (*App, error) {
	app, err := ctx.AppIfConfigured("psa")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fmt.Errorf("the app psa is not configured: it says who may call and as which login (the global option psa)")
	}
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}
