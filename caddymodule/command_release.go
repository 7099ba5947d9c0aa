package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/psagate/psagate/internal/report"
)

var releaseCommand = command{
	name:  "release",
	short: "Says that a login was unlocked in the PSA",
	long: `
Says that the PSA's count of failed sign-ins is zero again, because the user was
unlocked there. What was refused up to now is forgiven, and one attempt of
psagate's own comes first.

A PSA user whose credentials callers bring is named as psagate status names it:
main/alice@example.com.

It asks whether the user was unlocked after the last refusal; --yes is the
answer for scripts.

	$ psagate release main`,
	args:    "<login> [--yes]",
	minArgs: 1,
	maxArgs: 1,
	flags:   func(cmd *cobra.Command) { cmd.Flags().Bool("yes", false, "Do not ask: the user was unlocked") },
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		server, err := adminOf(cmd)
		if err != nil {
			return false, err
		}
		yes, _ := cmd.Flags().GetBool("yes")
		if !yes && !isTerminal(cmd.InOrStdin()) {
			return false, usageErrorf("nobody to ask here whether the login was unlocked: say it with --yes")
		}
		login, status, err := server.login(args[0])
		if err != nil {
			return false, err
		}
		if problem := status.ReleaseProblem(login); problem != "" {
			return false, fmt.Errorf("login %s: %s", login.Name, problem)
		}
		question := unlocked(login, status.Time)
		if yes {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s yes\n", question)
		} else if !confirmed(cmd.InOrStdin(), cmd.ErrOrStderr(), question) {
			return false, fmt.Errorf("nothing was released")
		}
		return server.release(cmd, login)
	},
}

// login returns how the login of that name stands, and the status that says so.
func (a admin) login(name string) (login report.LoginStatus, status report.Status, err error) {
	if err := a.get("status", &status); err != nil {
		return login, status, err
	}
	names := make([]string, 0, len(status.Logins))
	for _, login := range status.Logins {
		if login.Name == name {
			return login, status, nil
		}
		names = append(names, login.Name)
	}
	return login, status, fmt.Errorf("no login %q in the running config; it has %s", name, strings.Join(names, ", "))
}

// release forgives what was recorded up to the status that the operator was shown, and nothing younger.
func (a admin) release(cmd *cobra.Command, login report.LoginStatus) (bool, error) {
	var released report.Released
	shown := map[string]uint64{"seq": login.Seq}
	if login.NextUser != nil {
		shown["next_seq"] = login.NextUser.Seq
	}
	if err := a.post("logins/"+url.PathEscape(login.Name)+"/release", shown, &released); err != nil {
		return false, err
	}
	return true, show(cmd, released, func(p report.Printer) {
		_, _ = fmt.Fprintf(p.Out, "login %s released: one attempt of psagate's own comes first, then calls.\n", released.Login)
	})
}

// unlocked is the question whose answer is yes where a release is right.
func unlocked(login report.LoginStatus, now time.Time) string {
	last := login.LastRefusal
	if next := login.NextUser; next != nil && next.LastRefusal != nil && (last == nil || next.LastRefusal.At.After(last.At)) {
		last = next.LastRefusal
	}
	if last == nil {
		return fmt.Sprintf("login %s: no refusal of ours is recorded. Unlocked?", login.Name)
	}
	at, layout := last.At.Local(), time.TimeOnly
	if at.Format(time.DateOnly) != now.Local().Format(time.DateOnly) {
		layout = time.DateTime
	}
	return fmt.Sprintf("login %s: unlocked after %s, the last refusal?", login.Name, at.Format(layout))
}

// confirmed asks, and takes nothing but y or yes for a yes.
func confirmed(in io.Reader, out io.Writer, question string) bool {
	_, _ = fmt.Fprintf(out, "%s [y/N] ", question)
	line, _ := bufio.NewReader(in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
