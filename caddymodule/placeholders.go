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
	// from is the handler that sets it. What psa_identify and psa_policy set the handlers after them can use, and headers of the
	// answer. What psa_proxy does is known once the call has an answer, which is in time for logs only: in headers, deferred ones
	// too, it is empty.
	from string
	// is says what it is, for the documentation.
	is string
	of func(*report.Call) string
}

// The handlers that set placeholders.
const (
	setByIdentify = "psa_identify"
	setByPolicy   = "psa_policy"
	setByProxy    = "psa_proxy"
)

var placeholders = []placeholder{
	{"psa.integration", setByIdentify, "who calls", func(c *report.Call) string { return c.Integration }},
	{"psa.entity", setByIdentify, "what the call is about, such as Tickets or Tickets/Notes; of a SOAP call, once psa_policy has read its envelope, the first record's", func(c *report.Call) string { return c.Entity }},
	{"psa.action", setByIdentify, "read, query, create, update or delete", func(c *report.Call) string { return c.Action }},
	{"psa.id", setByIdentify, "the id in the path; of a SOAP call, likewise, that of its one record", func(c *report.Call) string { return c.ID }},
	{"psa.login", setByIdentify, "the login that the integration calls through; of a pool, its name, and once the call has an answer the login that it was sent as", func(c *report.Call) string { return c.Login }},
	{"psa.decision", setByPolicy, "what policy decided: allow, deny, step-up, or would-deny where it is only observed", func(c *report.Call) string { return c.Decision }},
	{"psa.zone", setByProxy, "the base URL that the call was sent to", func(c *report.Call) string { return c.Zone }},
	{"psa.credential.version", setByProxy, "the store's version of the credential that it was sent with", func(c *report.Call) string { return c.CredentialVersion }},
	{"psa.reason", setByProxy, "psagate's word for an answer of its own", func(c *report.Call) string { return c.Reason }},
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
