package policy

import (
	"cmp"
	"iter"
	"slices"
)

// Recorded is a request of the past and what was done with it.
type Recorded struct {
	Request Request
	Outcome Outcome
}

// Change counts the requests of one principal, action and entity that would have another outcome now.
type Change struct {
	// Principal is as Cedar writes it, Integration::"itglue".
	Principal string `json:"principal"`
	Action    Action `json:"action"`
	// Entity is the PSA's; of a deed it is what that is done on, as Cedar writes it.
	Entity string `json:"entity"`
	// Old is what was done, New what would be.
	Old Outcome `json:"old"`
	New Outcome `json:"new"`
	// Count is how many requests there are.
	Count int `json:"count"`
	// Because is the decision on the first of them, in a sentence.
	Because string `json:"because"`
}

// Replayed is what other policies would have changed.
type Replayed struct {
	// Seen is how many requests were replayed, Same how many would have the same outcome.
	Seen int `json:"seen"`
	Same int `json:"same"`
	// Changes are the others: those with the most requests first.
	Changes []Change `json:"changes,omitempty"`
}

// Replay decides requests of the past again and counts what would change. A record that tells less than the request did
// is decided by what it tells: fields that it leaves out are not known.
func (p *Policies) Replay(past iter.Seq[Recorded]) Replayed {
	type key struct {
		kind                 Kind
		issuer, name, entity string
		action               Action
		old, now             Outcome
	}
	var all Replayed
	changes := map[key]*Change{}
	for r := range past {
		all.Seen++
		d := p.Decide(r.Request)
		if d.Outcome == r.Outcome {
			all.Same++
			continue
		}
		who := r.Request.Principal
		entity := p.spelled(r.Request.Entity)
		if r.Request.isDeed() {
			entity = r.Request.On.uid().String()
		}
		k := key{who.Kind, who.Issuer, who.Name, entity, r.Request.Action, r.Outcome, d.Outcome}
		c := changes[k]
		if c == nil {
			c = &Change{principalUID(who).String(), k.action, k.entity, k.old, k.now, 0, d.String()}
			changes[k] = c
		}
		c.Count++
	}
	for _, c := range changes {
		all.Changes = append(all.Changes, *c)
	}
	slices.SortFunc(all.Changes, byCount)
	return all
}

func byCount(a, b Change) int {
	return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Entity, b.Entity),
		cmp.Compare(a.Action, b.Action), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
}
