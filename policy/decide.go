package policy

import (
	"iter"
	"slices"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// skew is how far ahead of us the clock may be that wrote down when a factor was shown. One from later than that shows
// that a clock was set, and proves nothing.
const skew = 30 * time.Second

// Decide returns what the policies say to a request. It may be called by any number of callers at once.
func (p *Policies) Decide(r Request) Decision {
	if r.isDeed() {
		r = r.deed()
	}
	c := p.callOf(&r)
	switch {
	case c == nil:
		return Decision{Outcome: Deny, Why: NotUnderstood}
	case len(c.once.rules) == 0:
		return c.on(p.remember(c, &r), &r)
	}
	said := p.evaluate(c, &c.once, c.once.needs.of(&r))
	return c.decide(p.remember(c, &r).said.with(said), &r)
}

// remember returns what the policies say to a call but for those that ask for what hardly two calls say alike.
func (p *Policies) remember(c *call, r *Request) *verdict {
	if len(c.stable.rules) == 0 {
		return &c.closed
	}
	in := c.stable.needs.of(r)
	for i := range c.memory {
		if m := c.memory[i].Load(); m != nil && same(&m.in, &in) {
			return &m.verdict
		}
	}
	m := &remembered{in: in}
	m.said = c.closed.said.with(p.evaluate(c, &c.stable, in))
	m.decision = c.decide(m.said, &Request{})
	if m.in.small() {
		m.in.own()
		c.memory[c.next.Add(1)%uint32(len(c.memory))].Store(m)
	}
	return &m.verdict
}

// on returns the decision on a request. Where a second factor is wanted it depends on how old the request's is.
func (c *call) on(v *verdict, r *Request) Decision {
	if v.decision.MaxAge > 0 {
		return c.decide(v.said, r)
	}
	return v.decision
}

// maxRemembered bounds the names that are remembered with a verdict; no entity has more fields.
const maxRemembered = 256

// own copies the lists of a request, which are its caller's.
func (r *Request) own() {
	for _, n := range []*Names{&r.Fields, &r.Filters, &r.Returns} {
		n.list = slices.Clone(n.list)
	}
}

// small says whether a request may be kept in memory.
func (r *Request) small() bool {
	return len(r.Fields.list)+len(r.Filters.list)+len(r.Returns.list) <= maxRemembered
}

// tally is what policies say: those that apply, and those that failed.
type tally struct {
	permits, forbids []*rule
	errors           []Reason
}

// with returns both tallies in one, in the order of the files.
func (t tally) with(o tally) tally {
	return tally{
		permits: inOrder(t.permits, o.permits, func(r *rule) int { return r.order }),
		forbids: inOrder(t.forbids, o.forbids, func(r *rule) int { return r.order }),
		errors:  append(t.errors[:len(t.errors):len(t.errors)], o.errors...),
	}
}

// inOrder merges two lists that are in order each.
func inOrder[T any](a, b []T, order func(T) int) []T {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	all := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(a[0]) < order(b[0]) {
			all, a = append(all, a[0]), a[1:]
			continue
		}
		all, b = append(all, b[0]), b[1:]
	}
	return append(append(all, a...), b...)
}

// All yields the policies that have conditions, without their heads. It is how Cedar walks them.
func (p *part) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range p.rules {
			if r.body != nil && !yield(cedar.PolicyID(r.reason.Policy), r.body) {
				return
			}
		}
	}
}

// evaluate asks Cedar which of some policies apply to a call, by what it says of what they need.
func (p *Policies) evaluate(c *call, some *part, in Request) tally {
	if c.lacksID(some.needs, &in) {
		return p.withoutID(c, some, in)
	}
	if len(some.rules) == 0 {
		return tally{}
	}
	w := &world{policies: p, call: c, in: in, needs: some.needs}
	_, said := cedar.Authorize(some, w, c.asCedar(w))
	return read(some.rules, said)
}

// lacksID reports whether something asks for the id of a record that is updated, and the request does not tell it. Another request
// without an id has none, and to that Cedar finds the answer itself.
func (c *call) lacksID(asked need, in *Request) bool {
	return asked&needID != 0 && c.key.action == Update && in.ID == ""
}

// errNoID is what those fail with who ask for it.
const errNoID = "the request does not tell resource.id"

// withoutID evaluates what does not ask for the record's id. What does fails: it is not so that there is none.
func (p *Policies) withoutID(c *call, some *part, in Request) tally {
	var rest part
	var failed []Reason
	for _, r := range some.rules {
		if r.needs&needID == 0 {
			rest.add(r)
			continue
		}
		reason := r.reason
		reason.Error = errNoID
		failed = append(failed, reason)
	}
	t := p.evaluate(c, &rest, in)
	t.errors = append(t.errors, failed...)
	return t
}

// asCedar returns a request as Cedar takes it.
func (c *call) asCedar(w *world) types.Request {
	return types.Request{Principal: c.principal.UID, Action: c.action, Resource: c.resource.UID, Context: w.context()}
}

// read turns Cedar's answer into a tally. Cedar names either the forbids or the permits that apply, and both lists are in
// the order of the policies.
func read(rules []*rule, said types.Diagnostic) tally {
	var t tally
	for _, r := range rules {
		switch {
		case len(said.Errors) > 0 && string(said.Errors[0].PolicyID) == r.reason.Policy:
			failed := r.reason
			failed.Error = explainError(said.Errors[0].Message)
			t.errors, said.Errors = append(t.errors, failed), said.Errors[1:]
			continue
		case len(said.Reasons) > 0 && string(said.Reasons[0].PolicyID) == r.reason.Policy:
			said.Reasons = said.Reasons[1:]
		case r.body != nil:
			continue
		}
		if r.permit {
			t.permits = append(t.permits, r)
		} else {
			t.forbids = append(t.forbids, r)
		}
	}
	return t
}

// decide turns a tally into the decision: an error denies, then forbid wins, then a permit that wants no second factor
// allows, then one that does; and nothing is a denial.
func (c *call) decide(t tally, r *Request) Decision {
	switch {
	case len(t.errors) > 0:
		return Decision{Outcome: Deny, Why: Failed, Errors: t.errors, Forbids: len(t.forbids) > 0 || slices.ContainsFunc(t.errors, func(r Reason) bool { return r.forbids })}
	case len(t.forbids) > 0:
		return Decision{Outcome: Deny, Why: Forbidden, Reasons: reasons(t.forbids), Forbids: true}
	case len(t.permits) == 0:
		return Decision{Outcome: Deny, Why: NotPermitted, Permit: c.permit}
	}
	d := Decision{Outcome: Allow, Why: Permitted, Reasons: reasons(t.permits), MaxAge: c.strictest(t.permits)}
	if d.MaxAge > 0 && !fresh(r, d.MaxAge) {
		d.Outcome, d.Why = StepUp, FactorTooOld
	}
	return d
}

// reasons returns the reasons of policies. Most decisions have one, which its policy keeps ready.
func reasons(rules []*rule) []Reason {
	if len(rules) == 1 {
		return rules[0].alone
	}
	all := make([]Reason, len(rules))
	for i, r := range rules {
		all[i] = r.reason
	}
	return all
}

// strictest returns the smallest age that permits want of a second factor; 0 where one of them wants none.
func (c *call) strictest(permits []*rule) time.Duration {
	age := c.maxAge(permits[0])
	for _, r := range permits {
		age = min(age, c.maxAge(r))
	}
	return age
}

// fresh says whether the last factor of a request is not older than an age.
func fresh(r *Request, age time.Duration) bool {
	since := r.Time.Sub(r.LastFactor)
	return !r.LastFactor.IsZero() && !r.Time.IsZero() && since <= age && since >= -skew
}

// permitLine returns the line that would permit calls like this one.
func (c *call) permitLine() string {
	return "permit (principal == " + c.principal.UID.String() + ", action == " + c.action.String() +
		", resource == " + c.resource.UID.String() + ");"
}
