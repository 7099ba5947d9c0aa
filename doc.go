// Package psagate is the root of the module: a Caddy module and binary that stands between the programs that call a PSA
// and the PSA itself. Nothing is exported here; importing it puts psagate into a Caddy that others build:
//
//	import _ "github.com/psagate/psagate"
//
// The rooms: cmd, caddymodule, policy, internal.
package psagate
