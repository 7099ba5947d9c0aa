package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// town returns policies for many integrations, two each: one that its head alone decides, and one that looks at the fields
// written and at the clock. One forbid for all looks at the call, too.
func town(b testing.TB, integrations int) *Policies {
	var s strings.Builder
	for i := range integrations {
		fmt.Fprintf(&s, `permit (principal == Integration::"i%d", action in [Action::"read", Action::"query"], resource == Entity::"Companies");
permit (principal == Integration::"i%d", action == Action::"update", resource == Entity::"Tickets")
when { ["status", "title"].containsAll(context.fields) && context.hour >= 6 && context.hour < 22 };
`, i, i)
	}
	s.WriteString(`forbid (principal, action in [Action::"update", Action::"delete"], resource) when { context.impersonates };
forbid (principal, action == Action::"create", resource)
when { context.time >= datetime("2026-12-24") && context.time < datetime("2027-01-02") };`)
	p, err := Load([]Source{{Name: "town.cedar", Text: []byte(s.String())}}, known)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// visitor returns a call of one of the town's integrations: most read, some write.
func visitor(i, integrations int) Request {
	r := ask(Read, "Companies")
	if i%4 == 3 {
		r = ask(Update, "Tickets")
		r.Fields = Known("status")
	}
	r.Principal = Principal{Kind: Integration, Name: fmt.Sprintf("i%d", i*7919%integrations)}
	return r
}

func visitors(integrations int) []Request {
	all := make([]Request, 4096)
	for i := range all {
		all[i] = visitor(i, integrations)
	}
	return all
}

// BenchmarkDecide is a mix of three reads and an update, of all integrations in turn. It reports the median of runs of 16
// beside the mean.
func BenchmarkDecide(b *testing.B) {
	for _, integrations := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("integrations=%d", integrations), func(b *testing.B) {
			p, calls := town(b, integrations), visitors(integrations)
			measure(b, func(i int) { p.Decide(calls[i%len(calls)]) })
		})
	}
}

// BenchmarkDecideKinds is one kind of decision each, with 1,000 integrations.
func BenchmarkDecideKinds(b *testing.B) {
	p := town(b, 1000)
	update := visitor(3, 1000)
	var others []Request
	for i := range 100 {
		others = append(others, with(update, func(r *Request) { r.Fields = Known("status", fmt.Sprint("field", i)) }))
	}
	for _, kind := range []struct {
		name  string
		calls []Request
	}{
		{"permit by its head", []Request{visitor(0, 1000)}},
		{"permit by its conditions", []Request{update}},
		{"permit by its conditions, each time of other fields", others},
		{"denial within a freeze window", []Request{with(ask(Create, "Tickets"), func(r *Request) { r.Time = at("2026-12-25T00:00:00Z") })}},
		{"denial", []Request{ask(Read, "Resources")}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			measure(b, func(i int) { p.Decide(kind.calls[i%len(kind.calls)]) })
		})
	}
}

// BenchmarkDecideFirst meets each principal, action and entity for the first time.
func BenchmarkDecideFirst(b *testing.B) {
	for _, integrations := range []int{10, 1000} {
		b.Run(fmt.Sprintf("integrations=%d", integrations), func(b *testing.B) {
			p := town(b, integrations)
			calls := make([]Request, 1<<16)
			for i := range calls {
				calls[i] = visitor(i, integrations)
				if i%2 == 0 {
					calls[i].Entity = fmt.Sprintf("New%d", i)
				} else {
					calls[i].Principal.Groups = []string{fmt.Sprint(i)}
				}
			}
			measure(b, func(i int) { p.Decide(calls[i%len(calls)]) })
		})
	}
}

// BenchmarkPlainCedar is Cedar as it comes, for comparison.
func BenchmarkPlainCedar(b *testing.B) {
	for _, integrations := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("integrations=%d", integrations), func(b *testing.B) {
			p, calls := town(b, integrations), visitors(integrations)
			set := cedar.NewPolicySet()
			for _, rule := range p.rules {
				set.Add(cedar.PolicyID(rule.reason.Policy), rule.whole)
			}
			measure(b, func(i int) {
				r := &calls[i%len(calls)]
				c := p.callOf(r)
				w := &world{policies: p, call: c, in: (^need(0)).of(r), needs: ^need(0)}
				cedar.Authorize(set, types.EntityMap{}, c.asCedar(w))
			})
		})
	}
}

// BenchmarkLoad is 10,000 lines.
func BenchmarkLoad(b *testing.B) {
	var s strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&s, "permit (principal == Integration::\"i%d\", action == Action::\"update\",\n\tresource == Entity::\"Tickets\")\nwhen { [\"status\"].containsAll(context.fields)\n&& context.hour >= 6 };\n", i)
	}
	text := []byte(s.String())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load([]Source{{Name: "town.cedar", Text: text}}, known); err != nil {
			b.Fatal(err)
		}
	}
}

// measure reports the median time of one call beside the mean, taken over runs of 16, since a clock cannot time one alone.
func measure(b *testing.B, one func(i int)) {
	const run = 16
	b.ReportAllocs()
	var times []float64
	var begun time.Time
	for n := 0; b.Loop(); n++ {
		if n%run == 0 {
			begun = time.Now()
		}
		one(n)
		if n%run == run-1 {
			times = append(times, float64(time.Since(begun))/run)
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2], "median-ns")
	}
}
