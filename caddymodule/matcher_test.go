package caddymodule

import (
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/psagate/psagate/internal/soap"
)

func TestEveryWordOfTheMatcherHasAGoodAndAFailingFixture(t *testing.T) {
	for _, name := range []string{"matcher", "matcher_entity", "matcher_action"} {
		for _, fixture := range []string{name, "bad_" + name} {
			if _, err := os.Stat("testdata/adapt/" + fixture + ".caddyfiletest"); err != nil {
				t.Errorf("no fixture: %v", err)
			}
		}
	}
}

// A SOAP call's action is in its header, and what it is about in its body, which no matcher reads.
func TestASOAPCallMatchesByItsActionAlone(t *testing.T) {
	for _, c := range []struct {
		call     soap.Operation
		matcher  MatchOperation
		expected bool
	}{
		{soap.Create, MatchOperation{Actions: []string{"create", "update"}}, true},
		{soap.DeleteAttachment, MatchOperation{Actions: []string{"delete"}}, true},
		{soap.Query, MatchOperation{Actions: []string{"create", "update", "delete"}}, false},
		{soap.GetFieldInfo, MatchOperation{Actions: []string{"read"}}, true},
		{soap.Create, MatchOperation{Actions: []string{"create"}, Entities: []string{"Tickets"}}, false},
	} {
		r := httptest.NewRequest("POST", "/ATServices/1.6/atws.asmx", nil)
		r.Header.Set("SOAPAction", c.call.Action())
		if ok, err := c.matcher.MatchWithError(r); ok != c.expected || err != nil {
			t.Errorf("%s and %+v: %v %v", c.call, c.matcher, ok, err)
		}
	}
}

const v1 = "/ATServicesRest/V1.0"

// calls are requests that a matcher is asked about, by what they are.
var calls = map[string][2]string{
	"read a ticket":          {"GET", v1 + "/Tickets/1"},
	"query by POST":          {"POST", v1 + "/tickets/query"},
	"create a ticket":        {"POST", v1 + "/Tickets"},
	"update a ticket":        {"PATCH", v1 + "/TICKETS"},
	"delete a ticket's note": {"DELETE", v1 + "/Tickets/1/Notes/2"},
	"create a note":          {"POST", v1 + "/TicketNotes"},
	"create a contact":       {"POST", "//atservicesrest/v1.0/Contacts/"},
	"create what is new":     {"POST", v1 + "/brandNew"},
	"look up a zone":         {"GET", v1 + "/zoneInformation"},
	"a SOAP call":            {"POST", "/ATServices/1.6/atws.asmx"},
	"an escape in the path":  {"POST", v1 + "/Ti%63kets"},
	"another method":         {"PROPFIND", v1 + "/Tickets"},
	"another path":           {"POST", "/console/Tickets"},
}

// matched returns which of the calls a matcher matches, in order.
func matched(t *testing.T, m caddyhttp.RequestMatcherWithError) []string {
	t.Helper()
	var got []string
	for name, c := range calls {
		r := httptest.NewRequest(c[0], c[1], nil)
		r = r.WithContext(caddyContext(r.Context()))
		ok, err := m.MatchWithError(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ok {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	return got
}

func TestTheMatcherReadsCallsAsThePSAWill(t *testing.T) {
	for name, c := range map[string]struct {
		words, expression string
		want              []string
	}{
		"by actions, whatever the method is": {
			"psa read query", `psa({'action': ['read', 'query']})`,
			[]string{"look up a zone", "query by POST", "read a ticket"},
		},
		"an entity in any case, and its children not": {
			"psa {\n entity tIckets\n}", `psa({'entity': 'tIckets'})`,
			[]string{"create a ticket", "query by POST", "read a ticket", "update a ticket"},
		},
		"a child by its full name": {
			"psa {\n entity Tickets/notes\n}", `psa({'entity': ['Tickets/notes']})`,
			[]string{"delete a ticket's note"},
		},
		"both, where both are named": {
			"psa {\n entity Tickets Contacts\n action create\n action update\n}", `psa({'entity': ['Tickets', 'Contacts'], 'action': ['create', 'update']})`,
			[]string{"create a contact", "create a ticket", "update a ticket"},
		},
		"an entity that this version does not know": {
			"psa {\n entity BrandNew\n}", `psa({'entity': ['BrandNew']})`,
			[]string{"create what is new"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := new(MatchOperation)
			if err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.words)); err != nil {
				t.Fatal(err)
			}
			if got := matched(t, m); !slices.Equal(got, c.want) {
				t.Errorf("the matcher matches %q, want %q", got, c.want)
			}
			e := &caddyhttp.MatchExpression{Expr: c.expression}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := e.Provision(ctx); err != nil {
				t.Fatal(err)
			}
			if got := matched(t, e); !slices.Equal(got, c.want) {
				t.Errorf("the expression matches %q, want %q", got, c.want)
			}
		})
	}
}

func TestAMatcherThatCannotBeMeantIsRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{"psa":{}}`:                                                            "names neither an entity nor an action",
		`{"psa":{"actions":["craete"]}}`:                                        `did you mean "create"?`,
		`{"psa":{"entities":["Tickets/1"]}}`:                                    "is no name of an entity",
		`{"psa":{"entities":["query/x/y"]}}`:                                    "is no name of an entity",
		`{"psa":{"entities":[""]}}`:                                             "is no name of an entity",
		`{"psa":{"action":["create"]}}`:                                         "unknown field",
		`{"expression":"psa({'actions': ['create']})"}`:                         `unknown word "actions" in psa({…}); did you mean "action"?`,
		`{"expression":"psa({'action': ['craete']})"}`:                          `did you mean "create"?`,
		`{"expression":"psa({'entity': ['zoneInformation']})"}`:                 "is no name of an entity",
		`{"expression":"psa({'entity': []})"}`:                                  "names neither an entity nor an action",
		`{"expression":"psa('create')"}`:                                        "map literal",
		`{"psa":{"actions":["create"],"entities":["Tickets","Tickets/Notes"]}}`: "",
	} {
		useFake(t)
		err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"match":[`+config+`],"handle":[{"handler":"psa_proxy"}]}]}}}}}`))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error: %v", config, err)
		}
	}
}

func TestWhichEntityAMisspeltNameWasMeantToBe(t *testing.T) {
	for name, want := range map[string]string{
		"Tickets": "", "tickets": "", "Tickets/Notes": "", "Ticket": "Tickets", "companys": "Companies", "Tickets/Note": "Tickets/Notes",
		"Ticketnote": "TicketNotes", "SomethingQuiteNew": "",
	} {
		if got := misspelt(name); got != want {
			t.Errorf("%s may be %q, want %q", name, got, want)
		}
	}
}

func FuzzEntityNames(f *testing.F) {
	for _, seed := range []string{"Tickets", "Tickets/Notes", "query", "a/b/c", "../x", "Ti%63kets", "zoneInformation", "swagger/x", "x_1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkEntity(name) != nil {
			return
		}
		parent, child, nested := strings.Cut(name, "/")
		path := v1 + "/" + parent
		if nested {
			path += "/1/" + child
		}
		if ok, err := (&MatchOperation{Entities: []string{name}}).MatchWithError(httptest.NewRequest("GET", path, nil)); !ok || err != nil {
			t.Errorf("%q is a name, and matches nothing", name)
		}
	})
}
