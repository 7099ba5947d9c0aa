package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
)

var rotateCommand = command{
	name:  "rotate",
	short: "Has a pool's logins serve with their newest credentials, one at a time",
	long: `
Walks through the pool's logins, in the order of the config. Of each it reads the
newest version from its store, shows it to the PSA once, out of the login's
budget, and has calls sent with it as soon as the PSA takes it. Then it waits
until no call is under way with the version before, and goes on to the next
login. A line is printed as each of these begins.

All of it may take --timeout at each login. When that is over the walk ends
there. A sign-in that the PSA has left without an answer by then goes on, for up
to five minutes, and what comes of it counts.

What serves goes on serving until the new one was accepted, so every login of the
pool serves all the time. If the PSA refuses a new one, the old one serves on and
the walk ends: the logins after it are as they were. It ends too, with nothing
sent, where the login's budget would not stand the attempt. Mend that login and
rotate again; those that serve with their newest version are passed over.

Of a version that was refused before, the PSA is asked again only if it does not
take what serves any more; that is asked first.

A login in use is switched by psagate itself within a poll of its store; rotate
says then since when the new version serves.

	$ psagate rotate crew
	$ psagate rotate crew --timeout 5m --json | jq .ok`,
	args:    "<pool> [--timeout <duration>]",
	minArgs: 1,
	maxArgs: 1,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().Duration("timeout", call.DefaultRotation, "How long the walk may take at each login, all that it waits for there together")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		timeout, _ := cmd.Flags().GetDuration("timeout")
		if _, err := parseWithin(timeout.String()); err != nil {
			return false, usageErrorf("--timeout: %v", err)
		}
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		asJSON, _ := cmd.Flags().GetBool("json")
		done, err := server.rotate(args[0], timeout, func(l report.RotationLine) {
			if !asJSON {
				showRotation(report.Printer{Out: cmd.OutOrStdout()}, l, time.Now())
			}
		})
		if err != nil {
			return false, err
		}
		return done.OK, show(cmd, done, func(p report.Printer) { p.Rotation(done) })
	},
}

// showRotation writes a line of a rotation that is not the last.
func showRotation(p report.Printer, l report.RotationLine, now time.Time) {
	switch {
	case l.Step != nil:
		p.RotationStep(*l.Step, now)
	case l.Login != nil:
		p.RotatedLogin(*l.Login, now)
	}
}

// rotate rotates a pool, and tells of each step and login as the server does.
func (a admin) rotate(pool string, timeout time.Duration, tell func(report.RotationLine)) (report.Rotation, error) {
	body, err := json.Marshal(map[string]string{"timeout": timeout.String()})
	if err != nil {
		return report.Rotation{}, fmt.Errorf("writing the request to the admin endpoint: %w", err)
	}
	answer, err := caddycmd.AdminAPIRequest(a.address, http.MethodPost, "/psa/pools/"+url.PathEscape(pool)+"/rotate", nil, bytes.NewReader(body))
	if err != nil {
		return report.Rotation{}, fmt.Errorf("asking the server at %s: %w", a.address, plainError(err))
	}
	defer answer.Body.Close()
	done, err := readRotation(answer.Body, tell)
	if err != nil {
		return done, fmt.Errorf("the answer of the server at %s broke off, and how far it came is in its log: %w", a.address, err)
	}
	return done, nil
}

// readRotation reads a rotation's lines. The last one is the whole.
func readRotation(from io.Reader, tell func(report.RotationLine)) (report.Rotation, error) {
	last, err := readLines(from, func(l report.RotationLine) bool {
		if l.Done == nil {
			tell(l)
		}
		return l.Done != nil
	})
	if err != nil {
		return report.Rotation{}, err
	}
	return *last.Done, nil
}

// readLines reads lines of JSON up to the one that is the last, and returns that.
func readLines[L any](from io.Reader, isLast func(L) bool) (L, error) {
	lines := json.NewDecoder(io.LimitReader(from, maxAnswer))
	for {
		var line L
		if err := lines.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return line, fmt.Errorf("reading a line: %w", err)
		}
		if isLast(line) {
			return line, nil
		}
	}
}
