package policy

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestAReplayCountsWhatWouldChange(t *testing.T) {
	was := func(r Request, o Outcome) Recorded { return Recorded{r, o} }
	other := func(r Request) Request { r.Principal.Name = "datto"; return r }
	p := load(t, `permit (principal == Integration::"itglue", action == Action::"read", resource == Entity::"Companies");
@stepup("15m") permit (principal is Person, action, resource);`)
	got := p.Replay(slices.Values([]Recorded{
		was(ask(Read, "Companies"), Allow),
		was(ask(Read, "companies"), Deny),
		was(ask(Query, "Companies"), Allow),
		was(ask(Query, "companies"), Allow),
		was(other(ask(Query, "Companies")), Allow),
		was(other(ask(Update, "Companies")), Deny),
		was(alice(Delete, "Contacts"), Allow),
		was(ask(Query, "Companies"), StepUp),
	}))
	want := Replayed{Seen: 8, Same: 2, Changes: []Change{
		{`Integration::"itglue"`, Query, "Companies", Allow, Deny, 2, `no policy permits it; this one would: permit (principal == Integration::"itglue", action == Action::"query", resource == Entity::"Companies");`},
		{`Integration::"datto"`, Query, "Companies", Allow, Deny, 1, `no policy permits it; this one would: permit (principal == Integration::"datto", action == Action::"query", resource == Entity::"Companies");`},
		{`Integration::"itglue"`, Query, "Companies", StepUp, Deny, 1, `no policy permits it; this one would: permit (principal == Integration::"itglue", action == Action::"query", resource == Entity::"Companies");`},
		{`Integration::"itglue"`, Read, "Companies", Deny, Allow, 1, "allowed by a.cedar:1"},
		{`Person::"entra/alice@example.com"`, Delete, "Contacts", Allow, StepUp, 1, "a second factor not older than 15m0s is wanted by a.cedar:2"},
	}}
	if got.Seen != want.Seen || got.Same != want.Same || !slices.Equal(got.Changes, want.Changes) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	text, err := json.Marshal(got.Changes[3])
	if err != nil || string(text) != `{"principal":"Integration::\"itglue\"","action":"read","entity":"Companies","old":"deny","new":"allow","count":1,"because":"allowed by a.cedar:1"}` {
		t.Errorf("%s %v", text, err)
	}
}

func TestAReplayOfNothingChangesNothing(t *testing.T) {
	if got := load(t, permitAll).Replay(slices.Values([]Recorded(nil))); got.Seen != 0 || got.Same != 0 || got.Changes != nil {
		t.Errorf("%+v", got)
	}
}
