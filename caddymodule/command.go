package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "psa",
		Usage: "<command>",
		Short: "Commands of psagate",
		Long:  "Commands of psagate, the gateway to the PSA. They speak to the running server over its admin endpoint.",
		CobraFunc: func(cmd *cobra.Command) {
			parent(cmd, commands)
		},
	})
}

// RegisterCommands makes the commands reachable without the word psa before them, in a binary of psagate's own.
func RegisterCommands() {
	for _, c := range commands {
		caddycmd.RegisterCommand(caddycmd.Command{
			Name: c.name, Usage: c.usage(), Short: c.short, Long: c.long + exitHelp, CobraFunc: c.setUp,
		})
	}
}

// command is one of psagate's commands.
type command struct {
	name, short, long string
	// args names its arguments, in brackets where they may be left out; minArgs and maxArgs bound them.
	args             string
	minArgs, maxArgs int
	// flags adds what flags it has beside those that all have.
	flags func(*cobra.Command)
	// run does the work. An error of it is printed, and a failure unless it is a usageError.
	run func(cmd *cobra.Command, args []string) (ok bool, err error)
	// subs are the commands below it, which may then have no run.
	subs []command
}

// usage is what follows the command's name.
func (c command) usage() string {
	if c.run == nil {
		return c.args
	}
	return strings.TrimSpace(c.args + " [--json] [--address <listen>] [--config <path> [--adapter <name>]]")
}

const exitHelp = `

Exit status: 0 yes, 1 no or failed, 2 wrong usage.`

// The exit statuses of all commands.
const (
	exitYes = iota
	exitNo
	exitUsage
)

var commands = []command{statusCommand, failuresCommand, checkCommand, releaseCommand, disableCommand, enableCommand, rotateCommand, sessionsCommand, keyCommand, zonesCommand, policyCommand, secretCommand, totpCommand, storeCommand, alertsCommand, auditCommand, mailCommand}

// setUp makes a Cobra command of it.
func (c command) setUp(cmd *cobra.Command) {
	if c.run == nil {
		parent(cmd, c.subs)
		return
	}
	names := addBelow(cmd, c.subs)
	cmd.Flags().Bool("json", false, "Print JSON")
	cmd.Flags().String("address", "", "Address of the administration API listener, if --config is not used")
	cmd.Flags().StringP("config", "c", "", "Configuration file, if --address is not used")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply, if --config is used")
	if c.flags != nil {
		c.flags(cmd)
	}
	refuseBadFlags(cmd)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(names) > 0 && len(args) > 0 {
			return finish(cmd, false, usageErrorf("%s", unknownWord(args[0], cmd.Name(), names)))
		}
		if len(args) < c.minArgs || len(args) > c.maxArgs {
			return finish(cmd, false, usageErrorf("it takes %s, and got %d", cmp.Or(c.args, "no arguments"), len(args)))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ok, err := c.run(cmd, args)
		return finish(cmd, ok, err)
	}
}

// parent gives a command the commands below it, and no work of its own.
func parent(cmd *cobra.Command, subs []command) {
	names := addBelow(cmd, subs)
	refuseBadFlags(cmd)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			_ = cmd.Help()
			return finish(cmd, false, usageErrorf("a command is missing"))
		}
		return finish(cmd, false, usageErrorf("%s", unknownWord(args[0], cmd.Name(), names)))
	}
}

// addBelow gives a command the commands below it, and returns their names.
func addBelow(cmd *cobra.Command, subs []command) (names []string) {
	for _, sub := range subs {
		child := &cobra.Command{Use: sub.name + " " + sub.usage(), Short: sub.short, Long: sub.long + exitHelp}
		sub.setUp(child)
		cmd.AddCommand(child)
		names = append(names, sub.name)
	}
	slices.Sort(names)
	return names
}

// usageError is an error of whoever typed the command.
type usageError struct{ text string }

// Error implements error.
func (e usageError) Error() string { return e.text }

func usageErrorf(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

func refuseBadFlags(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return finish(cmd, false, usageError{err.Error()}) })
}

// finish prints the error and returns one with the exit status.
func finish(cmd *cobra.Command, ok bool, err error) error {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err != nil {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exit(cmd, exitUsage)
	case err != nil || !ok:
		return exit(cmd, exitNo)
	}
	return exit(cmd, exitYes)
}

// exit returns the error that makes Caddy's main end with a status. Caddy's own type for it is private; its wrapper makes it.
func exit(cmd *cobra.Command, status int) error {
	if status == exitNo { // any error will do, and the wrapper makes one for other statuses only
		return errors.New("no")
	}
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(cmd, nil)
}
