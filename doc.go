// Package psagate is the root of the module: a Caddy module and binary that stands between the programs that call a PSA
// and the PSA itself. Nothing is exported here. The rooms: cmd, caddymodule, internal.
package psagate
