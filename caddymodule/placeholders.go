package caddymodule

import (
	"net/http"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
)

// placeholder is a word of a call's that Caddyfiles may use, as in log_append and matchers.
type placeholder struct {
	name string
	// early: psa_identify sets it, so that handlers between it and psa_proxy can use it, and headers of the answer. The
	// others are known once the call has an answer, which is in time for logs only: in headers, deferred ones too, they are
	// empty.
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
	{"psa.login", true, "the login that the integration calls through; of a pool, its name, and once the call has an answer the login that it was sent as", func(c *report.Call) string { return c.Login }},
	{"psa.zone", false, "the base URL that the call was sent to", func(c *report.Call) string { return c.Zone }},
	{"psa.credential.version", false, "the store's version of the credential that it was sent with", func(c *report.Call) string { return c.CredentialVersion }},
	{"psa.reason", false, "psagate's word for an answer of its own", func(c *report.Call) string { return c.Reason }},
}

// setPlaceholders makes known what a call turned out to be, beside what is known of it already. What it has not is empty,
// not unknown: Caddy leaves an unknown placeholder standing in headers.
func setPlaceholders(r *http.Request, call report.Call) {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	found, _ := replacer.Get(knownCallKey)
	known, ok := found.(*knownCall)
	if !ok {
		known = new(knownCall)
		replacer.Map(known.placeholder)
	}
	known.learn(call)
}

// knownCall is what is known of a request's call. It gives placeholders their values when somebody asks: most calls are
// served without.
type knownCall struct {
	mu   sync.Mutex
	call report.Call
}

// knownCallKey is what the handlers of one request find its knownCall by. It is no placeholder that somebody would write.
const knownCallKey = "psa.\x00"

func (k *knownCall) learn(call report.Call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.call.Learn(call)
}

// placeholder is a [caddy.ReplacerFunc].
func (k *knownCall) placeholder(key string) (any, bool) {
	if !strings.HasPrefix(key, "psa.") {
		return nil, false
	}
	if key == knownCallKey {
		return k, true
	}
	for i := range placeholders {
		if p := &placeholders[i]; p.name == key {
			k.mu.Lock()
			defer k.mu.Unlock()
			return p.of(&k.call), true
		}
	}
	return nil, false
}
