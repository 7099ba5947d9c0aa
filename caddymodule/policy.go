package caddymodule

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/policyfiles"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

// Policy says which policies decide what integrations may do, and people on psagate itself.
type Policy struct {
	// Files are files of Cedar policies, and folders of which all files count whose names end with .cedar, as absolute paths. They are
	// read again when they change. At least one.
	Files []string `json:"files,omitempty"`

	// Observe lets calls pass that the policies deny, and only tells of it. What people may do is enforced all the same. Default: false.
	Observe bool `json:"observe,omitempty"`

	// TimeZone is the time zone, such as Europe/Berlin, of the hours and weekdays in policies. Default: UTC.
	TimeZone string `json:"time_zone,omitempty"`
}

// policy reads where the policies are. Relative paths begin at the Caddyfile's folder. Syntax:
//
//	policy <file...> {
//	    observe
//	    time_zone <zone>
//	}
func (p *parser) policy(w *word) error {
	if p.app.Policy != nil {
		return w.errorf("policy is defined twice")
	}
	files, err := w.list("<file>")
	if err != nil {
		return err
	}
	of := new(Policy)
	for _, file := range files {
		if file, err = beside(w, file); err != nil {
			return err
		}
		of.Files = append(of.Files, file)
	}
	p.app.Policy = of
	p.place("policy", w)
	return w.block("policy", p.placing("policy", words{
		"observe":   func(w *word) (err error) { of.Observe, err = w.present(); return err },
		"time_zone": func(w *word) (err error) { of.TimeZone, err = w.text("<zone>"); return err },
	}))
}

// beside returns the absolute path of a file that a word names: what it means must not hang on where a command was started.
func beside(w *word, file string) (string, error) {
	if filepath.IsAbs(file) || strings.HasPrefix(file, "{") {
		return file, nil
	}
	path, err := filepath.Abs(filepath.Join(filepath.Dir(w.token.File), file))
	if err != nil {
		return "", w.errorf("%s: the folder of this file cannot be found: %w", w.name, err)
	}
	return path, nil
}

// checkPolicy says what is wrong with where the policies are. What is in them is judged when they are read.
func (a *App) checkPolicy() error {
	if a.Policy == nil {
		return nil
	}
	if len(a.Policy.Files) == 0 {
		return faultAt("policy", "no file is named")
	}
	for i, file := range a.Policy.Files {
		if !filepath.IsAbs(file) {
			return faultAt("policy", "the path of a file must be absolute, such as /etc/psagate/policies: what a relative one means hangs on where the server was started")
		}
		if slices.Contains(a.Policy.Files[:i], file) {
			return faultAt("policy", "policy names %q twice", shown(file))
		}
	}
	if _, err := zoneNamed(a.Policy.TimeZone); err != nil {
		return faultAt("policy time_zone", "%w", err)
	}
	return nil
}

// zoneNamed returns the time zone of a name; of none it is UTC.
func zoneNamed(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // which another machine takes for another
		return nil, fmt.Errorf("there is no time zone %q: names are such as Europe/Berlin, America/New_York or UTC", shown(name))
	}
	return location, nil
}

// policySettings are what the policies are read with. The config has been checked.
func (a *App) policySettings() policyfiles.Settings {
	s := policyfiles.Settings{Options: policy.Options{
		Entities: policyEntities(), Integrations: append([]string{}, slices.Sorted(maps.Keys(a.Integrations))...), Groups: a.groups(),
		Issuers: append([]string{}, slices.Sorted(maps.Keys(a.Issuers))...), Mailboxes: append([]string{}, slices.Sorted(maps.Keys(a.Mail))...), Logins: append([]string{}, slices.Sorted(maps.Keys(a.Logins))...),
	}}
	if p := a.Policy; p != nil {
		s.Paths, s.Observe = p.Files, p.Observe
		s.Told = func(err error) {
			if notePolicy(p.Files, err); err == nil {
				hastenMails() // which the policies before may have denied
			}
		}
		s.Options.Location, _ = zoneNamed(p.TimeZone)
	}
	return s
}

// groups are all groups that an integration is in.
func (a *App) groups() []string {
	all := []string{}
	for _, i := range a.Integrations {
		all = append(all, i.Groups...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// policyEntities are the entities that policies may name: a child has the name that it has at the root.
func policyEntities() []string {
	return slices.DeleteFunc(autotask.EntityNames(), func(name string) bool { return strings.Contains(name, "/") })
}

// policyStatus is how the policies stand.
func policyStatus(d *policyfiles.Desk) report.PolicyStatus {
	state := d.State()
	out := report.PolicyStatus{Source: report.PolicyDefault, Policies: state.Policies, Observe: d.Observes(), Problem: state.Problem}
	if len(d.Paths()) > 0 {
		out.Source, out.Files, out.Since = report.PolicyFiles, d.Paths(), &state.Since
	}
	return out
}
