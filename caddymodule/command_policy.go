package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

var policyCommand = command{
	name:  "policy",
	args:  "test|explain|replay",
	short: "Tests policies, explains them, and tries them on calls of the past",
	long:  "Tests policies, explains them, and tries them on calls of the past.",
	subs:  []command{policyTestCommand, policyExplainCommand, policyReplayCommand},
}

var policyTestCommand = command{
	name:  "test",
	short: "Asks policies the cases that lie beside them",
	long: `
Reads policies, files that end with .cedar, and cases, files that end with
.cases.json, asks each case, and says which are not answered as they are to be.
Where there is no case, nothing was tested, and that is a failure. A folder
stands for all such files in it; without a name it is the folder that the
command is run in. No running server is needed. With --config the names of
integrations and groups are held against the config's, and the hours are those
of its time zone.

	$ psagate policy test policies`,
	args:    "[<file or folder>...]",
	maxArgs: 1000,
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		if len(args) == 0 {
			args = []string{"."}
		}
		app, err := namedConfig(cmd)
		if err != nil {
			return false, err
		}
		done, err := testPolicies(app, args)
		if err != nil {
			return false, err
		}
		return done.OK, show(cmd, done, func(p report.Printer) { p.PolicyTest(done) })
	},
}

// testPolicies asks the cases.
func testPolicies(app *App, paths []string) (report.PolicyTest, error) {
	policies, err := readPolicies(app, others(paths, policy.CasesExtension))
	if err != nil {
		return report.PolicyTest{}, err
	}
	cases, err := policy.ReadCases(others(paths, policy.Extension)...)
	if err != nil {
		return report.PolicyTest{}, err
	}
	done := report.PolicyTest{OK: len(cases) > 0, Policies: policies.Len(), Cases: len(cases)}
	for _, w := range policies.Warnings() {
		done.Warnings = append(done.Warnings, w.Error())
	}
	if named := others(paths, policy.CasesExtension); len(named) == 0 {
		done.Warnings = append(done.Warnings, "no policies are named, so the built-in one is asked, which lets everybody read and query: name their files too, or the folder")
	}
	for _, r := range policies.Test(cases) {
		if r.Failure != "" {
			done.OK = false
			done.Failed = append(done.Failed, report.FailedCase{File: r.File, Line: r.Line, Name: r.Name, Failure: r.Failure})
		}
	}
	return done, nil
}

// others are the paths that do not end in that way.
func others(paths []string, extension string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return strings.HasSuffix(p, extension) })
}

// readPolicies reads policies as the config would; app is nil where there is none.
func readPolicies(app *App, paths []string) (*policy.Policies, error) {
	options := policy.Options{Entities: policyEntities()}
	if app != nil {
		options = app.policySettings().Options
	}
	sources, err := policy.ReadFiles(paths...)
	if err != nil {
		return nil, err
	}
	return policy.Load(sources, options)
}

// namedConfig returns the psa block of the config that a command names; nil where it names none.
func namedConfig(cmd *cobra.Command) (*App, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	if flags.String("config") == "" {
		return nil, nil
	}
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
	return &config.Apps.PSA, config.Apps.PSA.checkPolicy()
}

// slurp reads a file, or the command's input for "-".
func slurp(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return readBounded(cmd.InOrStdin())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}
