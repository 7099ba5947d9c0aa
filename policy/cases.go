package policy

import (
	"fmt"
	"slices"
)

// CasesExtension is what the names of case files in a folder end with: itglue.cases.json lies beside itglue.cedar.
const CasesExtension = ".cases.json"

// Case is a request and what the policies are to say to it.
type Case struct {
	// File and Line say where the case begins.
	File string `json:"file"`
	Line int    `json:"line"`
	// Name is a sentence that says what is tested.
	Name string `json:"name"`
	// Request is asked.
	Request Request `json:"request"`
	// Want is the outcome that it is to have.
	Want Outcome `json:"want"`
	// Policy is the id of a policy that is to be among those that decided; empty for any.
	Policy string `json:"policy,omitempty"`
}

// Result is what came of a case.
type Result struct {
	Case
	// Decision is what the policies said.
	Decision Decision `json:"decision"`
	// Failure says in a sentence why the case failed; empty where it passed.
	Failure string `json:"failure,omitempty"`
}

// ReadCases reads and parses case files, and of folders all files with the CasesExtension.
func ReadCases(paths ...string) ([]Case, error) {
	files, err := readAll(CasesExtension, paths)
	if err != nil {
		return nil, err
	}
	var all []Case
	var problems Problems
	for _, f := range files {
		cases, wrong := parseCases(f.Name, string(f.Text))
		all, problems = append(all, cases...), append(problems, wrong...)
	}
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	return all, nil
}

// ParseCases reads cases, {"cases": [{"name": …, "request": {…}, "want": "allow"}]}. Its error is Problems. A file without
// a case is an error: it tests nothing.
func ParseCases(file string, text []byte) ([]Case, error) {
	cases, problems := parseCases(file, string(text))
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	return cases, nil
}

func parseCases(file, text string) ([]Case, Problems) {
	n, problem := tree(file, text)
	if problem != nil {
		return nil, Problems{*problem}
	}
	rd := &reader{file: file, text: text}
	var cases []Case
	rd.object(n, map[string]func(node){"cases": func(n node) {
		for _, one := range rd.list(n) {
			cases = append(cases, rd.oneCase(one))
		}
	}})
	if len(cases) == 0 && len(rd.problems) == 0 {
		rd.wrong(n.offset, `there is no case in it; write {"cases": [{"name": …, "request": {…}, "want": "allow"}]}`)
	}
	return cases, rd.problems
}

func (rd *reader) oneCase(n node) Case {
	c := Case{File: rd.file}
	c.Line, _ = place(rd.text, n.offset)
	asked := false
	before := len(rd.problems)
	rd.object(n, map[string]func(node){
		"name":    func(n node) { c.Name = rd.str(n) },
		"request": func(n node) { c.Request, asked = rd.request(n), true },
		"want":    func(n node) { c.Want = Outcome(rd.word(n, string(Allow), string(Deny), string(StepUp))) },
		"policy":  func(n node) { c.Policy = rd.str(n) },
	})
	if len(rd.problems) == before && (c.Name == "" || !asked || c.Want == "") {
		rd.wrong(n.offset, `a case has a "name", a "request" and what to "want"`)
	}
	return c
}

// Test asks the policies each case. The results are in the order of the cases.
func (p *Policies) Test(cases []Case) []Result {
	results := make([]Result, len(cases))
	for i, c := range cases {
		d := p.Decide(c.Request)
		results[i] = Result{Case: c, Decision: d, Failure: p.failure(c, d)}
	}
	return results
}

func (p *Policies) failure(c Case, d Decision) string {
	switch {
	case d.Outcome != c.Want:
		return fmt.Sprintf("want %s, got %s: %s", c.Want, d.Outcome, d)
	case p.slip(&c.Request) != "":
		return p.slip(&c.Request)
	case c.Policy == "" || decidedBy(c.Policy, d):
		return ""
	case !slices.ContainsFunc(p.rules, func(r *rule) bool { return r.reason.Policy == c.Policy }):
		return fmt.Sprintf("no policy has the id %q%s", c.Policy, didYouMean(c.Policy, p.ids()))
	}
	return fmt.Sprintf("%s as it should be, but not by the policy %q: %s", d.Outcome, c.Policy, d)
}

func decidedBy(id string, d Decision) bool {
	is := func(r Reason) bool { return r.Policy == id }
	return slices.ContainsFunc(d.Reasons, is) || slices.ContainsFunc(d.Errors, is)
}

// slip says what a request names that is almost something known; empty where there is nothing.
func (p *Policies) slip(r *Request) string {
	if r.isDeed() {
		return p.targetSlip(r.On)
	}
	if like := p.almost(r.Entity); like != "" {
		return fmt.Sprintf("unknown entity %q; did you mean %q?", r.Entity, like)
	}
	return ""
}

// targetSlip says of what a deed is done on that the config has it not, but almost.
func (p *Policies) targetSlip(on Target) string {
	what, name, known := "integration", on.Name, p.targets[on.Kind]
	switch on.Kind {
	case Login:
		what = "login"
	case Person:
		what, name = "issuer", on.Issuer
	}
	if slices.Contains(known, name) {
		return ""
	}
	if like := suggest(name, known); like != "" {
		return fmt.Sprintf("no %s is called %q%s", what, name, like)
	}
	return ""
}

// almost returns the known entity that an unknown one is almost: a case with a misspelt one is denied for a wrong reason.
func (p *Policies) almost(entity string) string {
	if _, known := p.entities[fold(entity)]; known {
		return ""
	}
	like, changes := nearest(entity, p.known)
	if changes > misspelt {
		return ""
	}
	return like
}

func (p *Policies) ids() []string {
	all := make([]string, len(p.rules))
	for i, r := range p.rules {
		all[i] = r.reason.Policy
	}
	return all
}
