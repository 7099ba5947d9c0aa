package e2e

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/psagate/psagate/internal/identity"
)

// caddyfile is what a world's Caddyfile says.
type caddyfile struct {
	admin     string // path of the admin endpoint's socket
	address   string
	accessLog string
	format    string // of the access log
	discover  string
	policy    string // the file of policies; empty for the built-in one
	secrets   string // the store's name and settings
	keys      map[string]identity.Hash

	global string // further lines of the global block
	psa    string // further lines of the psa block
	login  string // of the login
	a      string // of the integration a
	site   string // of the site
	sites  string // further sites
}

// fileStore is the store that the environment names.
const fileStore = `file {env.PSAGATE_SECRETS} {
			poll 200ms
		}`

// String is its text. Whatever Caddy can be brought to log is logged, so that a secret would be found.
func (c caddyfile) String() string {
	_, port, _ := net.SplitHostPort(c.address)
	store, _, _ := strings.Cut(c.secrets, " ")
	policy := ""
	if c.policy != "" {
		policy = "policy " + c.policy
	}
	var integrations strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.keys)) {
		more := ""
		if name == "a" {
			more = c.a
		}
		fmt.Fprintf(&integrations, "\t\tintegration %s {\n\t\t\tkey %s\n\t\t\tlogin main\n\t\t\t%s\n\t\t}\n", name, c.keys[name], more)
	}
	return fmt.Sprintf(`{
	debug
	admin unix/%s|0600
	%s
	psa {
		secrets %s
		%s
		%s
		login main {
			secret %s autotask/main
			discover %s
			hosts 127.0.0.1
			insecure_http
			%s
		}
%s	}
}

http://:%s {
	bind 127.0.0.1
	log {
		output file %s
		format %s
	}
	psa_gateway
	%s
}
%s`, c.admin, c.global, c.secrets, policy, c.psa, store, c.discover, c.login, integrations.String(), port, c.accessLog, c.format, c.site, c.sites)
}
