package caddymodule

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

var policyReplayCommand = command{
	name:  "replay",
	short: "Asks other policies about calls of the past: what would change",
	long: `
Reads the calls of an audit log, asks the policies that --policy names about each
of them, and counts those that would be answered otherwise, by integration, action
and entity. Files may be compressed; - is the input. No running server is needed.
The exit status is 0 where there are calls, and nothing would change for them.
Whether the log is as it was written is not looked at: that does audit verify.

What people did on psagate itself, or were refused, is asked about too.

Groups of integrations are in no audit log: with --config they are the config's.
Names of fields are known as far as the log has them. A SOAP call that wrote several
records counts once for each of them.

	$ psagate policy replay --policy policies.new /var/log/psagate/audit.log`,
	args:    "<audit log...>",
	minArgs: 1,
	maxArgs: 1000,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().StringSlice("policy", nil, "Files and folders of the policies to ask; required")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		paths, _ := cmd.Flags().GetStringSlice("policy")
		if len(paths) == 0 {
			return false, usageErrorf("which policies? Name them with --policy")
		}
		app, err := namedConfig(cmd)
		if err != nil {
			return false, err
		}
		policies, err := readPolicies(app, paths)
		if err != nil {
			return false, err
		}
		past := &pastCalls{app: app, in: cmd.InOrStdin(), files: args}
		replayed := policies.Replay(past.all())
		if past.err != nil {
			return false, past.err
		}
		done := past.report(replayed)
		return done.Calls > 0 && len(done.Changes) == 0, show(cmd, done, func(p report.Printer) { p.PolicyReplay(done) })
	},
}

// pastCalls reads the calls of audit logs.
type pastCalls struct {
	app     *App
	in      io.Reader
	files   []string
	skipped int
	err     error
}

// all are the calls of all files.
func (c *pastCalls) all() iter.Seq[policy.Recorded] {
	return func(yield func(policy.Recorded) bool) {
		for _, name := range c.files {
			if c.err != nil || !c.file(name, yield) {
				return
			}
		}
	}
}

func (c *pastCalls) file(name string, yield func(policy.Recorded) bool) bool {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			c.err = fmt.Errorf("reading the audit log: %w", err)
			return false
		}
		defer f.Close()
		in = f
	}
	for e, err := range audit.Entries(in) {
		if err != nil {
			c.err = fmt.Errorf("reading the audit log %s: %w", name, err)
			return false
		}
		r, ok := c.recorded(e)
		if !ok {
			if e.Phase != audit.Outcome { // its intent was counted
				c.skipped++
			}
			continue
		}
		for _, one := range each(r, e) {
			if !yield(one) {
				return false
			}
		}
	}
	return true
}

// recorded is an entry as a call that policy was asked about, or would have been.
func (c *pastCalls) recorded(e audit.Entry) (policy.Recorded, bool) {
	if e.Kind == audit.Event && (e.Event == eventDeedPermitted || e.Event == eventDeedRefused) {
		return c.deed(e)
	}
	if e.Kind != audit.Call || e.Phase == audit.Outcome || e.CallerKind != audit.Integration || e.Entity == "" {
		return policy.Recorded{}, false
	}
	was := policy.Allow
	switch {
	case e.Decision == audit.Deny && !e.Observed:
		was = policy.Deny
	case e.Decision == "" && e.Reason != "": // refused before policy was asked
		return policy.Recorded{}, false
	}
	what := autotask.Operation{Entity: e.Entity, ID: e.ID, Child: e.Child, ChildID: e.ChildID}.Resource()
	r := policy.Request{
		Principal: policy.Principal{Kind: policy.Integration, Name: e.Caller}, Action: policy.Action(e.Action),
		Entity: what.Entity, ID: what.ID, Parent: policy.Parent{Entity: what.Parent, ID: what.ParentID},
		API: cmp.Or(e.API, "rest"), Method: e.Method, Fields: namesOf(e.Fields), Filters: namesOf(e.Filters), Returns: namesOf(e.Returns),
		Time: e.Time, Impersonates: e.Impersonates != "", Zone: e.Zone,
	}
	if r.Action == policy.Update && (r.Method == http.MethodPut || e.API != "") { // which writes what it leaves out, too
		r.Fields = policy.Names{}
	}
	r.SourceIP, _ = netip.ParseAddr(e.Address)
	return policy.Recorded{Request: inGroups(c.app, r), Outcome: was}, true
}

// deed is an entry as a deed that policy was asked about.
func (c *pastCalls) deed(e audit.Entry) (policy.Recorded, bool) {
	what := policy.Action(e.Data["deed"])
	r := policy.Request{
		Principal: policy.Principal{Kind: policy.Person, Issuer: e.Issuer, Name: e.Caller, Groups: e.Groups}, Action: what, Time: e.Time,
		On: policy.Target{Kind: what.DoneOn(), Name: e.Data[strings.ToLower(string(what.DoneOn()))]},
	}
	if r.On.Kind == policy.Person {
		r.On.Issuer, r.On.Name, _ = strings.Cut(r.On.Name, "/")
	}
	if age, err := time.ParseDuration(e.Data["factor_age"]); err == nil {
		r.LastFactor = e.Time.Add(-age)
	}
	r.SourceIP, _ = netip.ParseAddr(e.Address)
	return policy.Recorded{Request: inGroups(c.app, r), Outcome: policy.Outcome(e.Data["outcome"])}, r.On.Name != ""
}

// each returns what a call that was permitted asks for: of several records one request each. What denied a call is what its entry names.
func each(r policy.Recorded, e audit.Entry) []policy.Recorded {
	if len(e.Records) == 0 || r.Outcome != policy.Allow {
		return []policy.Recorded{r}
	}
	all := make([]policy.Recorded, len(e.Records))
	for i, record := range e.Records {
		all[i] = r
		all[i].Request.Entity, all[i].Request.ID, _ = strings.Cut(record, "/")
	}
	return all
}

// namesOf returns names of an audit log. Where it has none, or as many as it has at the most, they are not known.
func namesOf(names []string) policy.Names {
	if len(names) == 0 || len(names) >= audit.MaxNames {
		return policy.Names{}
	}
	return policy.Known(names...)
}

// report is what came of it.
func (c *pastCalls) report(r policy.Replayed) report.PolicyReplay {
	out := report.PolicyReplay{Calls: r.Seen, Same: r.Same, Skipped: c.skipped}
	for _, change := range r.Changes {
		out.Changes = append(out.Changes, report.PolicyChange{
			Caller: change.Principal, Action: string(change.Action), Entity: change.Entity, Was: string(change.Old), Now: string(change.New),
			Count: change.Count, Because: change.Because,
		})
	}
	return out
}
