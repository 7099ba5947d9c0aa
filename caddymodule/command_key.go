package caddymodule

import (
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/report"
)

var keyCommand = command{
	name:  "key",
	args:  "new",
	short: "Makes keys for integrations",
	long:  "Makes keys for integrations.",
	subs: []command{{
		name:  "new",
		short: "Makes a key and prints it once, with the line for the Caddyfile",
		long: `
Makes a key for an integration. It is printed once and kept nowhere; the config
gets its hash. No running server is needed.

	$ psagate key new itglue`,
		args:    "<integration>",
		minArgs: 1,
		maxArgs: 1,
		run:     func(cmd *cobra.Command, args []string) (bool, error) { return true, printNewKey(cmd, args[0]) },
	}},
}

// newKey is what `key new --json` prints.
type newKey struct {
	// Integration is whose key it is.
	Integration string `json:"integration"`
	// ID is the key's id: the first 8 hex digits of its hash.
	ID string `json:"id"`
	// Key is the key itself.
	Key string `json:"key"`
	// Caddyfile is the line for the integration's block.
	Caddyfile string `json:"caddyfile"`
}

func printNewKey(cmd *cobra.Command, integration string) error {
	if err := checkName(integration); err != nil {
		return usageError{err.Error()}
	}
	key, err := identity.NewKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	hash := key.Hash()
	made := newKey{Integration: integration, ID: hash.ID(), Key: key.Reveal(), Caddyfile: "key " + hash.String()}
	return show(cmd, made, func(p report.Printer) {
		_, _ = fmt.Fprintf(p.Out, `The key of %s, shown this once and kept nowhere:

    %s

The line for its block in the Caddyfile (key id %s):

    %s
`, made.Integration, made.Key, made.ID, made.Caddyfile)
	})
}
