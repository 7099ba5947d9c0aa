// Command psagate is Caddy with psagate in it.
package main

import (
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/psagate/psagate/caddymodule"
)

func main() {
	if len(os.Args) > 1 && fetchesAnotherBinary(os.Args[1]) {
		fmt.Fprintf(os.Stderr, "psagate %s: refused: it would replace this binary with one that has no psagate in it; install psagate's next release instead\n", os.Args[1])
		os.Exit(1)
	}
	caddy.CustomBinaryName = "psagate"
	caddy.CustomLongDescription = description
	caddymodule.RegisterCommands()
	caddycmd.Main()
}

// fetchesAnotherBinary tells whether a command of Caddy's downloads a stock Caddy in this binary's place. Caddy has no
// way to leave a command out.
func fetchesAnotherBinary(command string) bool {
	return command == "upgrade" || command == "add-package" || command == "remove-package"
}

const description = `psagate stands between the programs that call a PSA and the PSA itself. It knows
the PSA's real credentials from a store, sends each call to the right zone with
today's credential, and never lets anyone's mistakes lock the PSA user out.

It is Caddy with psagate in it. Of its commands alerts, audit, check, disable,
enable, failures, key, policy, release, rotate, secret, status, store, totp and
zones are psagate's; run, reload, adapt, validate, fmt and the others are
Caddy's.`
