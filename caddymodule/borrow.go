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

// placeholder is a word of a call's that Caddyfiles may use, as in log_append and matchers.
type placeholder struct {
	name string
	// early: psa_identify sets it, so that handlers between it and psa_proxy can use it, and headers of the answer. The
	// others are known once the call has an answer, which is in time for logs.
	early bool
	// is says what it is, for the documentation.
	is string
	of func(*report.Call) string
}

var placeholders = []placeholder{
	{"psa.integration", true, "who calls", func(c *report.Call) string { return c.Integration }},
	{"psa.entity", true, "what the call is about, such as Tickets or Tickets/Notes", func(c *report.Call) string { return c.Entity }},
	{"psa.action", true, "read, query, create, update or delete", func(c *report.Call) string { return c.Action }},
	{"psa.id", true, "the id in the path", func(c *report.Call) string { return c.ID }},
	{"psa.login", true, "the login that the integration calls through", func(c *report.Call) string { return c.Login }},
	{"psa.zone", false, "the base URL that the call was sent to", func(c *report.Call) string { return c.Zone }},
	{"psa.credential.version", false, "the store's version of the credential that it was sent with", func(c *report.Call) string { return c.CredentialVersion }},
	{"psa.reason", false, "psagate's word for an answer of its own", func(c *report.Call) string { return c.Reason }},
}

// setPlaceholders makes known what a call turned out to be. What it has not is empty, not unknown: Caddy leaves an unknown
// placeholder standing in headers.
func setPlaceholders(r *http.Request, call report.Call) {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	for i := range placeholders {
		p := &placeholders[i]
		value := p.of(&call)
		if value == "" {
			if _, known := replacer.Get(p.name); known {
				continue
			}
		}
		replacer.Set(p.name, value)
	}
}
