// Package caddymodule plugs psagate into Caddy. It is thin: it turns config into the structs of the packages below
// it, and hands requests, admin calls and commands on to them.
//
//	psa                              the app: stores, logins, integrations; the global option psa
//	psa.secrets.file                 a secret store that reads a JSON file
//	http.handlers.psa_identify       who calls
//	http.handlers.psa_policy         what policy says of the call
//	http.handlers.psa_proxy          the way to the PSA
//	http.handlers.psa_web            people to the PSA's web pages in their zone
//	caddy.logging.encoders.psa       a log format that writes no keys
//	admin.api.psa                    the admin endpoint's routes under /psa/
//
// The directives are psa_gateway, which expands to psa_identify, psa_policy and psa_proxy, these three by themselves, and psa_web.
package caddymodule
