package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
)

var secretCommand = command{
	name:  "secret",
	args:  "put",
	short: "Writes credentials into their stores",
	long:  "Writes credentials into their stores.",
	subs: []command{{
		name:  "put",
		short: "Writes a login's new password, once the PSA has taken it",
		long: `
Writes a new password into the login's record. Change it in the PSA first: the
running server shows it to the PSA once, out of the login's budget, and writes it
only if it is taken. With --ahead it is written without that, for a PSA that is
changed later: what serves now serves on until then. Each put asks the PSA once,
also of a password that was refused before.

It says what it will do, and asks for the password, hidden and twice. Where nobody
can be asked it reads one line of its input. The password rules are the PSA's: at
most 64 characters, no space, no single quote, none of the last five.

	$ psagate secret put main
	$ pass psa/main | psagate secret put main --json
	$ psagate secret put new --username api@example.com --integration-code`,
		args:    "<login> [--ahead] [--username <name>] [--integration-code]",
		minArgs: 1,
		maxArgs: 1,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().Bool("ahead", false, "Write it though the PSA does not take it yet")
			cmd.Flags().String("username", "", "The PSA user, if it is another than the record names")
			cmd.Flags().Bool("integration-code", false, "Ask for the integration code too (a second line of input)")
		},
		run: putSecret,
	}},
}

func putSecret(cmd *cobra.Command, args []string) (bool, error) {
	server, err := adminOf(cmd)
	if err != nil {
		return false, err
	}
	var now report.Writing
	path := "logins/" + url.PathEscape(args[0]) + "/secret"
	if user, _ := cmd.Flags().GetString("username"); user != "" {
		err = server.post(path+"/look", map[string]string{"username": user}, &now)
	} else {
		err = server.get(path, &now)
	}
	if err != nil {
		return false, err
	}
	given, err := givenFor(cmd, now)
	if err != nil {
		return false, err
	}
	var result report.PutResult
	if err := server.post(path, given, &result); err != nil {
		return false, unknownEnd(err)
	}
	return result.Written, show(cmd, result, func(p report.Printer) { p.Put(result) })
}

// unknownEnd adds to the error of an answer that was lost what is to be known then.
func unknownEnd(err error) error {
	var lost lostAnswer
	if !errors.As(err, &lost) {
		return err
	}
	return fmt.Errorf("%w. It is not known whether the PSA was asked or the password was written: psagate status shows what serves, and it is safe to put the password again", err)
}

// givenFor says what will be done and asks for what it takes.
func givenFor(cmd *cobra.Command, now report.Writing) (map[string]any, error) {
	ahead, _ := cmd.Flags().GetBool("ahead")
	user, _ := cmd.Flags().GetString("username")
	withCode, _ := cmd.Flags().GetBool("integration-code")
	if slices.Contains(now.Lacks, "username") && user == "" {
		return nil, usageErrorf("the record has no user name yet: say it with --username")
	}
	if slices.Contains(now.Lacks, "integration_code") && !withCode {
		return nil, usageErrorf("the record has no integration code yet: give it with --integration-code")
	}
	report.Printer{Out: cmd.ErrOrStderr()}.Writing(now, ahead)
	if now.Hopeless != "" && !ahead {
		return nil, errors.New(now.Hopeless)
	}
	ask := asker{in: cmd.InOrStdin(), out: cmd.ErrOrStderr()}
	given := map[string]any{"version": now.Version, "ahead": ahead, "username": user}
	text, err := ask.hidden("New password")
	if err != nil {
		return nil, err
	}
	given["secret"] = text
	if withCode {
		if given["integration_code"], err = ask.hidden("Integration code"); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// asker asks whoever sits at the terminal; where nobody does, each answer is a line of the input.
type asker struct {
	in    io.Reader
	out   io.Writer
	lines *bufio.Reader
}

// hidden asks twice for what nobody shall see. Its errors show none of it.
func (a *asker) hidden(what string) (string, error) {
	file, ok := a.in.(*os.File)
	if !ok || !isTerminal(file) {
		return a.line(what)
	}
	return unseen(file, func() (string, error) { return a.twice(file, what) })
}

func (a *asker) twice(file *os.File, what string) (string, error) {
	first, err := a.typed(file, what+": ")
	if err != nil {
		return "", err
	}
	second, err := a.typed(file, "Again: ")
	switch {
	case err != nil:
		return "", err
	case first != second:
		return "", errors.New("the two differ: nothing was done")
	case first == "":
		return "", errNothingTyped
	}
	return first, nil
}

func (a *asker) typed(file *os.File, prompt string) (string, error) {
	_, _ = fmt.Fprint(a.out, prompt)
	text, err := typedLine(file)
	_, _ = fmt.Fprintln(a.out)
	switch {
	case errors.Is(err, io.EOF):
		return "", errNothingTyped
	case err != nil:
		return "", fmt.Errorf("reading it: %w: nothing was done", err)
	}
	return text, nil
}

func (a *asker) line(what string) (string, error) {
	if a.lines == nil {
		a.lines = bufio.NewReader(a.in)
	}
	text, err := a.lines.ReadString('\n')
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("the input has no such line")
		}
		return "", fmt.Errorf("%s: %w", strings.ToLower(what), err)
	}
	return text, nil
}
