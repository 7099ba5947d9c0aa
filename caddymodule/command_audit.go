package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/report"
)

var auditCommand = command{
	name:  "audit",
	args:  "verify|print",
	short: "Checks and prints the audit log",
	long:  "Checks and prints the audit log.",
	subs:  []command{auditVerifyCommand, auditPrintCommand},
}

// manyFiles is how many files a command takes at most.
const manyFiles = 100_000

var auditVerifyCommand = command{
	name:  "verify",
	short: "Finds lines of the audit log that were changed, taken out, moved, copied or cut off",
	long: `
Reads files of the audit log, plain, .gz or .zst, in any order, and tells what
is not as it was written, with file and line. Without names it reads the file
that the audit log is written to, and those that it was rotated to.

The anchors, which show that the end was cut off, come from the running server,
or from the store of --config where none runs. The key never leaves its place: it
is read here, from the installation's key file or the record that the config
names. So run it as psagate's user, with its HOME or XDG_DATA_HOME.

--complete says that no file was ever removed, so that missing first lines, and
missing chains, are faults too. --until says when the files end, where later
ones are left out.

	$ psagate audit verify
	$ psagate audit verify --complete /var/log/psagate/audit*
	$ psagate audit verify --json | jq '.report.findings[]'`,
	args:    "[<file>...]",
	maxArgs: manyFiles,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().Bool("complete", false, "No file of the log was removed")
		cmd.Flags().String("until", "", "When the files end, such as 2026-03-31T23:59:59Z, if later ones are left out")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		config := audit.VerifyConfig{}
		config.Complete, _ = cmd.Flags().GetBool("complete")
		var err error
		if config.Until, err = untilFlag(cmd); err != nil {
			return false, err
		}
		found, err := verifyAudit(cmd, args, config)
		if err != nil {
			return false, err
		}
		return found.OK, show(cmd, found, func(p report.Printer) { p.AuditVerified(found) })
	},
}

// verifyAudit checks an audit log, once more where it was rotated meanwhile: a file may have been missed then.
func verifyAudit(cmd *cobra.Command, args []string, config audit.VerifyConfig) (found report.AuditVerified, err error) {
	var log checkedLog
	for range 3 {
		before := log.files
		if log, err = findAuditLog(cmd, args, true); err != nil {
			return found, err
		}
		if found.Report.Files > 0 && slices.Equal(before, log.files) {
			break
		}
		config.Keys, config.Heads = log.keys, log.heads
		if found, err = log.verify(config); err != nil || found.OK || len(args) > 0 {
			break
		}
	}
	return found, err
}

func untilFlag(cmd *cobra.Command) (at time.Time, err error) {
	text, _ := cmd.Flags().GetString("until")
	if text == "" {
		return at, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err != nil {
		return at, usageErrorf("--until takes a moment such as 2026-03-31T23:59:59Z")
	}
	return at, nil
}

// verify checks the log's files. One that cannot be opened is a fault of the log, unless that is all of them.
func (l checkedLog) verify(config audit.VerifyConfig) (report.AuditVerified, error) {
	v, err := audit.NewVerifier(config)
	if err != nil {
		return report.AuditVerified{}, err
	}
	var problems []error
	for _, name := range l.files {
		if err := readAuditFile(name, func(r io.Reader) error { v.Read(name, r); return nil }); err != nil {
			v.NotRead(name, err)
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 && len(problems) == len(l.files) {
		return report.AuditVerified{}, errors.Join(problems...)
	}
	found := report.AuditVerified{Report: v.Report()}
	found.OK = found.Report.OK()
	return found, nil
}

var auditPrintCommand = command{
	name:  "print",
	short: "Prints calls and security events of the audit log",
	long: `
Prints the entries of files of the audit log, plain, .gz or .zst, a line each,
in the order in which they are there; without names those that verify would
read. It checks nothing: that is verify's. A call of a log that is required is
there twice, as intent and as outcome.

--ocsf prints each as an object of the Open Cybersecurity Schema Framework, for
a SIEM; --json prints what is in the line, but for the codes that chain it.

	$ psagate audit print
	$ psagate audit print --ocsf /var/log/psagate/audit.log`,
	args:    "[<file>...]",
	maxArgs: manyFiles,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().Bool("ocsf", false, "Print objects of the Open Cybersecurity Schema Framework")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		log, err := findAuditLog(cmd, args, false)
		if err != nil {
			return false, err
		}
		print, whole := entryPrinter(cmd), true
		for _, name := range log.files {
			err := readAuditFile(name, func(r io.Reader) error {
				ok, err := printEntries(cmd, name, r, print)
				whole = whole && ok
				return err
			})
			if err != nil {
				return false, err
			}
		}
		return whole, nil
	},
}

// printEntries prints a file's entries. Lines that are none are named beside them.
func printEntries(cmd *cobra.Command, name string, r io.Reader, print func(audit.Entry) error) (whole bool, err error) {
	whole = true
	for e, problem := range audit.Entries(r) {
		if problem != nil {
			whole = false
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", name, problem)
			continue
		}
		if err := print(e); err != nil {
			return false, fmt.Errorf("printing: %w", err)
		}
	}
	return whole, nil
}

// entryPrinter returns what prints an entry as the flags say.
func entryPrinter(cmd *cobra.Command) func(audit.Entry) error {
	out := json.NewEncoder(cmd.OutOrStdout())
	out.SetEscapeHTML(false)
	if ocsf, _ := cmd.Flags().GetBool("ocsf"); ocsf {
		return func(e audit.Entry) error { return out.Encode(audit.OCSF(e)) }
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return func(e audit.Entry) error { return out.Encode(audit.Members(e)) }
	}
	return func(e audit.Entry) error {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), report.AuditLine(e))
		return err
	}
}

// readAuditFile opens a file for reading, and has it read.
func readAuditFile(name string, read func(io.Reader) error) error {
	f, err := openAuditFile(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if !strings.HasSuffix(f.Name(), ".zst") {
		return read(f)
	}
	plain, end, err := unpackZstd(f)
	if err != nil {
		return fmt.Errorf("reading the audit log: %s: %w", name, err)
	}
	defer end()
	return read(plain)
}
