package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

var storeCommand = command{
	name:  "store",
	args:  "backup|restore",
	short: "Makes and restores backups of the store",
	long:  "Makes and restores backups of the store, where that is a file.",
	subs:  []command{backupCommand, restoreCommand},
}

var backupCommand = command{
	name:  "backup",
	short: "Writes a copy of the running server's store",
	long: `
Writes a copy of the store as it is at one moment. Calls go on meanwhile. To
copy the store's file itself would tear it: part of what was committed is in the
file beside it. A backup without the installation key is worth little.

	$ psagate store backup /var/backups/psagate.db`,
	args:    "<file>",
	minArgs: 1,
	maxArgs: 1,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		done := storeCopied{File: args[0]}
		if done.Bytes, err = server.saveBackup(args[0]); err != nil {
			return false, err
		}
		return true, show(cmd, done, func(p report.Printer) {
			_, _ = fmt.Fprintf(p.Out, "%s: the store as it is now, %d bytes\n", done.File, done.Bytes)
		})
	},
}

var restoreCommand = command{
	name:  "restore",
	short: "Puts a backup in the place of the store, while psagate does not run",
	long: `
Puts a backup in the place of the store that the config names, or of the one in
Caddy's data directory. psagate must not run. The store that was there is kept
beside it, with .before at the end of its name, or .before.2 and so on where an
earlier restore kept one: nothing takes those away but you. Run it as psagate's
user or as root, with the HOME or XDG_DATA_HOME of psagate: the file becomes the
owner's of the store that was there, or of its folder.

What was recorded since the backup was made is not known then, so the next
sign-in of each login is psagate's own, and the only one until the PSA accepts it.

	$ psagate store restore /var/backups/psagate.db --config /etc/psagate/Caddyfile`,
	args:    "<file>",
	minArgs: 1,
	maxArgs: 1,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		place, err := storePlace(cmd)
		if err != nil {
			return false, err
		}
		kept, err := store.Restore(context.Background(), args[0], place, dataPath("state"))
		if err != nil {
			return false, fmt.Errorf("restoring the store: %w", err)
		}
		done := storeCopied{File: place, Kept: kept}
		if info, err := os.Stat(place); err == nil {
			done.Bytes = info.Size()
		}
		return true, show(cmd, done, func(p report.Printer) {
			_, _ = fmt.Fprintf(p.Out, "%s: restored", place)
			if done.Kept != "" {
				_, _ = fmt.Fprintf(p.Out, "; the store that was there is kept as %s", done.Kept)
			}
			_, _ = fmt.Fprintln(p.Out, ".\nWhen psagate starts it sends nothing for up to its ttl, 15s by default: the copy names the process that it was made of, which is waited for.")
		})
	},
}

// storeCopied is what `store backup --json` and `store restore --json` print.
type storeCopied struct {
	// File is what was written.
	File string `json:"file"`
	// Bytes is its size.
	Bytes int64 `json:"bytes"`
	// Kept is where the store is that a restored one has taken the place of; absent where there was none.
	Kept string `json:"kept,omitempty"`
}

// saveBackup asks for a copy of the store and puts it into a file, whole or not at all.
func (a admin) saveBackup(file string) (n int64, err error) {
	answer, err := caddycmd.AdminAPIRequest(a.address, http.MethodGet, "/psa/store/backup", nil, nil)
	if err != nil {
		return 0, fmt.Errorf("asking the server at %s: %w", a.address, plainError(err))
	}
	defer answer.Body.Close()
	f, err := os.CreateTemp(filepath.Dir(file), ".psagate-backup-*") // 0600
	if err != nil {
		return 0, fmt.Errorf("writing the backup: %w", err)
	}
	n, err = io.Copy(f, answer.Body)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("writing the backup: %w", err), os.Remove(f.Name()))
	}
	return n, nil
}

// storePlace is the file of the store that a command's config names.
func storePlace(cmd *cobra.Command) (string, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	if flags.String("config") == "" {
		return new(Store).path(), nil
	}
	app, err := appOf(flags)
	if err != nil {
		return "", err
	}
	if app.Store.kind() != store.SQLite {
		return "", store.ErrNoBackup
	}
	return app.Store.path(), nil
}

// appOf is psagate's part of the config that a command names.
func appOf(flags caddycmd.Flags) (*App, error) {
	text, _, _, err := caddycmd.LoadConfig(flags.String("config"), flags.String("adapter"))
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	var config struct {
		Apps struct {
			PSA App `json:"psa"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	return &config.Apps.PSA, nil
}

// backup answers with a copy of the store. One that breaks off cannot be taken for a whole one.
func backup(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGet(w, r); err != nil {
		return err
	}
	sent := &answering{to: w}
	switch err := ground().store.Backup(r.Context(), sent); {
	case err == nil:
		noteOperator(r, eventStoreCopied, "", nil)
		return nil
	case !sent.began:
		return apiError(http.StatusConflict, "%w", err)
	}
	panic(http.ErrAbortHandler)
}

// answering is the body of an answer that begins with its first byte.
type answering struct {
	to    http.ResponseWriter
	began bool
}

// Write implements io.Writer.
func (a *answering) Write(p []byte) (int, error) {
	if !a.began {
		a.began = true
		a.to.Header().Set("Content-Type", "application/vnd.sqlite3")
	}
	return a.to.Write(p)
}
