package caddymodule

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// varsContext is what Caddy's server puts into a request's context for its logs.
func varsContext() context.Context {
	return context.WithValue(context.Background(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.7"})
}

// caddyContext adds what Caddy's server puts into a request's context for matchers and handlers.
func caddyContext(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{})
	return context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
}
