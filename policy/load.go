package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"time"
)

//go:embed default.cedar
var defaultText []byte

// Default is what Load takes where there is no source: it permits reading and querying, and mailboxes what they need to make tickets of
// mails; nothing else.
func Default() Source { return Source{Name: "built-in", Text: slices.Clone(defaultText)} }

// Options say what the names in policies mean. A list that is nil is not checked against.
type Options struct {
	// Entities are the PSA's entities as far as they are known. A policy that names one that is almost like one of them
	// is an error. Any other is a warning, since the PSA's set is open.
	Entities []string
	// Integrations, Groups (of integrations), Issuers, Mailboxes and Logins are the config's names. A policy that names another
	// is a warning: it is without effect until the config has it.
	Integrations, Groups, Issuers, Mailboxes, Logins []string
	// Location is the time zone of context.hour, context.minute_of_day and context.weekday. Default: UTC.
	Location *time.Location
}

// Policies are all policies of a config. They are never changed: a new config makes new ones, and who holds the old ones
// may go on with them.
type Policies struct {
	rules    []*rule
	index    index
	cache    *cache
	entities map[string]string // folded name -> the PSA's spelling, else the policies'
	fields   map[string]string // folded name -> the policies' spelling
	known    []string          // the entities that the caller knows
	targets  map[Kind][]string // the config's names of what deeds are done on; of people, of their issuers
	location *time.Location
	warnings Problems
}

// Load parses and checks policies. Its error is Problems, all that were found; then the policies are nil. No source at all
// means Default.
func Load(sources []Source, o Options) (*Policies, error) {
	if len(sources) == 0 {
		sources = []Source{Default()}
	}
	l := newLoader(o)
	for _, s := range sources {
		l.read(s)
	}
	l.contradictions()
	if err := l.problems.orNil(); err != nil {
		return nil, err
	}
	if len(l.rules) == 0 {
		l.warnings = append(l.warnings, Problem{File: sources[0].Name, Text: "there is no policy in it, so everything is denied"})
	}
	return l.policies(), nil
}

// policies returns what was read.
func (l *loader) policies() *Policies {
	return &Policies{
		rules: l.rules, index: newIndex(l.rules), cache: newCache(), entities: l.entities.byFold, fields: l.fields.byFold,
		known: l.options.Entities, location: l.location, warnings: l.warnings,
		targets: map[Kind][]string{Integration: l.options.Integrations, Login: l.options.Logins, Person: l.options.Issuers},
	}
}

// Warnings returns what is odd in the policies and yet not wrong. They are for a person to read once.
func (p *Policies) Warnings() []Problem { return slices.Clone(p.warnings) }

// Len returns how many policies there are.
func (p *Policies) Len() int { return len(p.rules) }

// spelled returns an entity's name as the PSA spells it where that is known, else as the policies do: the PSA does not
// tell "tickets" from "Tickets", so a policy may not either.
func (p *Policies) spelled(entity string) string {
	if s, is := p.entities[fold(entity)]; is {
		return s
	}
	return entity
}

// loader gathers policies and what is wrong with them.
type loader struct {
	options  Options
	location *time.Location
	rules    []*rule
	ids      map[string]*rule
	files    map[string]bool
	entities spellings
	fields   spellings
	problems Problems
	warnings Problems
}

func newLoader(o Options) *loader {
	l := &loader{
		options: o, location: o.Location, ids: map[string]*rule{}, files: map[string]bool{},
		entities: newSpellings(), fields: newSpellings(),
	}
	if l.location == nil {
		l.location = time.UTC
	}
	for _, e := range o.Entities {
		l.entities.byFold[fold(e)] = e
	}
	return l
}

func (l *loader) read(s Source) {
	if l.files[s.Name] {
		l.problems = append(l.problems, Problem{File: s.Name, Text: "the file is named twice"})
		return
	}
	l.files[s.Name] = true
	rules, problem := parse(s)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return
	}
	for _, r := range rules {
		r.order = len(l.rules)
		l.rules = append(l.rules, r)
		l.annotate(r)
		l.identify(r)
		r.alone = []Reason{r.reason}
		l.check(r)
	}
}

// identify gives a policy its id and sees that no other has it.
func (l *loader) identify(r *rule) {
	if r.reason.Policy == "" {
		r.reason.Policy = fmt.Sprintf("%s:%d", r.reason.File, r.reason.Line)
		if l.ids[r.reason.Policy] != nil {
			r.reason.Policy += fmt.Sprintf(":%d", r.column)
		}
	}
	if other := l.ids[r.reason.Policy]; other != nil {
		line, column := r.atWord(r.reason.Policy)
		l.wrong(r, line, column, "the id %q is already that of the policy at %s:%d; give each its own",
			r.reason.Policy, other.reason.File, other.reason.Line)
		return
	}
	l.ids[r.reason.Policy] = r
}

func (l *loader) wrong(r *rule, line, column int, format string, args ...any) {
	p := Problem{r.reason.File, line, column, fmt.Sprintf(format, args...)}
	if n := len(l.problems); n == 0 || l.problems[n-1] != p { // a word that is there twice is found in its first place twice
		l.problems = append(l.problems, p)
	}
}

func (l *loader) odd(r *rule, line, column int, format string, args ...any) {
	l.warnings = append(l.warnings, Problem{r.reason.File, line, column, fmt.Sprintf(format, args...)})
}

// head is what a policy says of its scope, in a form that can be compared.
type head struct {
	principal, resource scope
	written             actionSet
}

// contradictions finds permits that a forbid with the same head takes back as a whole: whoever wrote one of the two was
// not told of the other.
func (l *loader) contradictions() {
	forbids := map[head]*rule{}
	for _, r := range l.rules {
		if !r.permit && r.body == nil {
			forbids[head{r.principal, r.resource, r.written}] = r
		}
	}
	for _, r := range l.rules {
		f := forbids[head{r.principal, r.resource, r.written}]
		if r.permit && f != nil {
			l.wrong(r, r.reason.Line, r.column, "this permits what the policy at %s:%d forbids without a condition; remove one of them",
				f.reason.File, f.reason.Line)
		}
	}
}

// spellings are names that differ in more than case.
type spellings struct {
	byFold map[string]string
	first  map[string]*rule // folded -> where the policies first spell it
}

func newSpellings() spellings {
	return spellings{byFold: map[string]string{}, first: map[string]*rule{}}
}

// add notes a name. It returns how it is spelled elsewhere, and where, if that is in another way; by is nil for a name that
// did not come from a policy.
func (s spellings) add(name string, r *rule) (other string, by *rule) {
	key := fold(name)
	known, is := s.byFold[key]
	if !is {
		s.byFold[key], s.first[key] = name, r
		return name, nil
	}
	return known, s.first[key]
}
