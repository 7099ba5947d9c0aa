package caddymodule

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/nearest"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/policy"
)

var policyExplainCommand = command{
	name:  "explain",
	short: "Says what each policy says to a request, and why",
	long: `
Asks the policies of the running server about a request, or those that --policy
names, and says what comes of it and what each policy has to do with that.
Nothing is sent to the PSA. The exit status is 0 where the request may pass.

The entity is the PSA's name at the root: a ticket's notes are TicketNotes.
What is not said of the request is not known, and a policy that asks for it
denies. Only policies are asked: a freeze, limits, hours and whether the
integration is disabled are not looked at. A request with more than these words
is read from a file, or from the input (-), in the form that it has in a case.

What a person may do on psagate itself is asked with --person, as the issuer and
its name for the person: disable and enable an integration; check, release,
new_secret and show_code on a login; end_session and reset_factor on a person;
read_mail, retry_mail and drop_mail on a mailbox. A second factor was never proven
then, so that what may be done is a "step-up".

	$ psagate policy explain itglue update Tickets --fields title,queueID
	$ psagate policy explain --person corp/7d1f --groups helpdesk disable itglue
	$ psagate policy explain --request request.json --policy policies`,
	args:    "[[<integration>] <action> <entity, integration, login, person or mailbox>]",
	maxArgs: 3,
	flags: func(cmd *cobra.Command) {
		cmd.Flags().String("person", "", "Who asks, as <issuer>/<subject>, in place of an integration")
		cmd.Flags().StringSlice("groups", nil, "The groups of that person")
		cmd.Flags().String("id", "", "The record's id")
		cmd.Flags().StringSlice("fields", nil, "The fields that it writes, with commas between them")
		cmd.Flags().StringSlice("filters", nil, "The fields that it filters on")
		cmd.Flags().StringSlice("returns", nil, "The fields that it has returned")
		cmd.Flags().String("request", "", "A file with the request as JSON, - for the input")
		cmd.Flags().StringSlice("policy", nil, "Files and folders of policies, in place of the server's")
	},
	run: func(cmd *cobra.Command, args []string) (bool, error) {
		request, err := requestOf(cmd, args)
		if err != nil {
			return false, err
		}
		answer, err := explained(cmd, request)
		if err != nil {
			return false, err
		}
		return answer.Allowed, show(cmd, answer, func(p report.Printer) { p.PolicyExplained(answer) })
	},
}

// requestOf is the request that a command's words, or its file, tell.
func requestOf(cmd *cobra.Command, args []string) (r policy.Request, err error) {
	flags := cmd.Flags()
	if name, _ := flags.GetString("request"); name != "" {
		if len(args) > 0 {
			return r, usageErrorf("the request is in the file, or in words: not both")
		}
		text, err := slurp(cmd, name)
		if err != nil {
			return r, fmt.Errorf("reading the request: %w", err)
		}
		return r, r.UnmarshalJSON(text)
	}
	if name, _ := flags.GetString("person"); name != "" {
		return ofPersonAsked(cmd, name, args)
	}
	if len(args) != 3 {
		return r, usageErrorf("it takes <integration> <action> <entity>, or --person <issuer>/<subject> and two words, or --request, and got %d", len(args))
	}
	if !slices.Contains(actionWords, args[1]) {
		return r, usageErrorf("%s", unknownWord(args[1], "the actions", actionWords))
	}
	r.Principal = policy.Principal{Kind: policy.Integration, Name: args[0]}
	return asCall(cmd, r, args[1], args[2]), nil
}

// asCall makes a request one for a call.
func asCall(cmd *cobra.Command, r policy.Request, action, entity string) policy.Request {
	flags := cmd.Flags()
	r.Action, r.Entity, r.API, r.Time = policy.Action(action), entity, "rest", time.Now()
	r.Method = methodOf[r.Action]
	r.ID, _ = flags.GetString("id")
	for name, to := range map[string]*policy.Names{"fields": &r.Fields, "filters": &r.Filters, "returns": &r.Returns} {
		if list, _ := flags.GetStringSlice(name); flags.Changed(name) {
			*to = policy.Known(list...)
		}
	}
	return r
}

// ofPersonAsked is what a person asks for, in words: a call, or a deed.
func ofPersonAsked(cmd *cobra.Command, name string, args []string) (r policy.Request, err error) {
	issuer, subject, both := strings.Cut(name, "/")
	if !both || issuer == "" || subject == "" {
		return r, usageErrorf("--person takes <issuer>/<subject>")
	}
	if len(args) != 2 {
		return r, usageErrorf("with --person it takes <action> <what it is done on>, and got %d words", len(args))
	}
	r.Principal = policy.Principal{Kind: policy.Person, Issuer: issuer, Name: subject}
	r.Principal.Groups, _ = cmd.Flags().GetStringSlice("groups")
	r.Action, r.Time = policy.Action(args[0]), time.Now()
	known := slices.Clone(actionWords)
	for _, deed := range policy.Deeds() {
		known = append(known, string(deed))
	}
	switch kind := r.Action.DoneOn(); {
	case !slices.Contains(known, args[0]):
		return r, usageErrorf("%s", unknownWord(args[0], "the actions", known))
	case kind == "":
		return asCall(cmd, r, args[0], args[1]), nil
	case kind == policy.Person:
		r.On.Kind = kind
		if r.On.Issuer, r.On.Name, both = strings.Cut(args[1], "/"); !both {
			return r, usageErrorf("%s is done on <issuer>/<subject>", args[0])
		}
	default:
		r.On = policy.Target{Kind: kind, Name: args[1]}
	}
	return r, nil
}

// methodOf are the methods by which most clients ask for an action.
var methodOf = map[policy.Action]string{
	policy.Read: http.MethodGet, policy.Query: http.MethodPost, policy.Create: http.MethodPost, policy.Update: http.MethodPatch, policy.Delete: http.MethodDelete,
}

// explained asks the policies that a command names, or the server.
func explained(cmd *cobra.Command, request policy.Request) (answer report.PolicyExplained, err error) {
	paths, _ := cmd.Flags().GetStringSlice("policy")
	if len(paths) == 0 {
		server, err := adminOf(cmd)
		if err != nil {
			return answer, err
		}
		return answer, server.post("policy/explain", request, &answer)
	}
	app, err := namedConfig(cmd)
	if err != nil {
		return answer, err
	}
	policies, err := readPolicies(app, paths)
	if err != nil {
		return answer, err
	}
	return explanation(app, request, policies.Explain(inGroups(app, request)), false), nil
}

// inGroups adds the groups that the config has an integration in, where the request names none.
func inGroups(app *App, r policy.Request) policy.Request {
	if app == nil {
		return r
	}
	if i := app.Integrations[r.On.Name]; i != nil && r.On.Kind == policy.Integration && len(r.On.Groups) == 0 {
		r.On.Groups = i.Groups
	}
	if r.Principal.Kind != policy.Integration || len(r.Principal.Groups) > 0 {
		return r
	}
	if i := app.Integrations[r.Principal.Name]; i != nil {
		r.Principal.Groups = i.Groups
	}
	return r
}

// explanation is what the policies say, as it is reported. app is nil where no config is known.
func explanation(app *App, r policy.Request, e policy.Explanation, observe bool) report.PolicyExplained {
	out := report.PolicyExplained{
		Allowed: e.Decision.Allowed(), Outcome: string(e.Decision.Outcome), Why: string(e.Decision.Why), Text: e.Decision.String(),
		Permit: e.Decision.Permit, Observe: observe, Policies: []report.PolicyFinding{},
	}
	out.Warnings = unknownNames(app, r)
	if e.Almost != "" {
		out.Warnings = append(out.Warnings, fmt.Sprintf("unknown entity %q; did you mean %q?", r.Entity, e.Almost))
	}
	for _, f := range e.Findings {
		out.Policies = append(out.Policies, report.PolicyFinding{Policy: f.Policy, File: f.File, Line: f.Line, Effect: f.Effect, Applies: f.Applies, Because: f.Because})
	}
	return out
}

// unknownNames says which names of a request the config does not have.
func unknownNames(app *App, r policy.Request) (all []string) {
	if app == nil {
		return nil
	}
	expect := func(what, name string, known []string) {
		if !slices.Contains(known, name) {
			all = append(all, fmt.Sprintf("the config has no %s %q%s", what, name, likeOf(name, known)))
		}
	}
	integrations, issuers := slices.Sorted(maps.Keys(app.Integrations)), slices.Sorted(maps.Keys(app.Issuers))
	switch r.Principal.Kind {
	case policy.Integration:
		expect("integration", r.Principal.Name, integrations)
	case policy.Person:
		expect("issuer", r.Principal.Issuer, issuers)
	}
	switch r.On.Kind {
	case policy.Integration:
		expect("integration", r.On.Name, integrations)
	case policy.Login:
		expect("login", r.On.Name, slices.Sorted(maps.Keys(app.Logins)))
	case policy.Person:
		if r.On.Issuer != r.Principal.Issuer {
			expect("issuer", r.On.Issuer, issuers)
		}
	}
	return all
}

// likeOf asks whether another name was meant, where one is near.
func likeOf(name string, known []string) string {
	if word, near := nearest.Word(name, known); near {
		return fmt.Sprintf("; did you mean %q?", word)
	}
	return ""
}

// explain answers what the policies in force say to a request.
func explain(w http.ResponseWriter, r *http.Request, in *App) error {
	body, err := postedBody(w, r)
	if err != nil {
		return err
	}
	var request policy.Request
	if err := request.UnmarshalJSON(body); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("the body is no request as cases have it: %s", strings.ReplaceAll(err.Error(), "\n", "; "))}
	}
	if request.Time.IsZero() {
		request.Time = time.Now()
	}
	e, observe := in.engine.Explain(inGroups(in, request))
	return writeJSON(w, explanation(in, request, e, observe))
}

// maxRequest is the largest file that is read for one request, in bytes.
const maxRequest = 64 << 10

func readBounded(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	if err == nil && len(text) > maxRequest {
		err = fmt.Errorf("it is larger than %d bytes", maxRequest)
	}
	return text, err
}
