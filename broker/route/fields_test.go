package route

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestFieldsOver(t *testing.T) {
	t.Parallel()
	below := Fields{Company: "0", Queue: "Triage", IssueType: "Mail", SubIssueType: "Other"}
	for name, c := range map[string]struct{ over, want Fields }{
		"nothing":                {Fields{}, below},
		"some":                   {Fields{Queue: "Net", Priority: "1"}, Fields{Company: "0", Queue: "Net", Priority: "1", IssueType: "Mail", SubIssueType: "Other"}},
		"another issue type":     {Fields{IssueType: "Printer"}, Fields{Company: "0", Queue: "Triage", IssueType: "Printer"}},
		"the same issue type":    {Fields{IssueType: "Mail"}, below},
		"a sub-issue type alone": {Fields{SubIssueType: "Inbox"}, Fields{Company: "0", Queue: "Triage", IssueType: "Mail", SubIssueType: "Inbox"}},
	} {
		if got := c.over.Over(below); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	lists := Picklists{
		"queue":          {{ID: 5, Label: "Level 1"}, {ID: 8, Label: "5"}, {ID: 9, Label: "Twin"}, {ID: 10, Label: "twin"}, {ID: 11, Label: "Old", Inactive: true}},
		"issue_type":     {{ID: 1, Label: "Printer"}, {ID: 2, Label: "Mail"}},
		"sub_issue_type": {{ID: 20, Label: "Other", Parent: 1}, {ID: 21, Label: "Other", Parent: 2}},
	}
	for name, c := range map[string]struct {
		fields  Fields
		want    IDs
		trouble string
	}{
		"by label":            {Fields{Queue: " level 1"}, IDs{"queue": 5}, ""},
		"by id":               {Fields{Queue: "8", Company: "0"}, IDs{"queue": 8, "company": 0}, ""},
		"an id and a label":   {Fields{Queue: "5"}, IDs{"queue": 5}, ""},
		"twice":               {Fields{Queue: "Twin"}, IDs{}, `queue "Twin" is in the PSA's picklist 2 times`},
		"inactive":            {Fields{Queue: "Old"}, IDs{}, "inactive"},
		"unknown":             {Fields{Queue: "None", Company: "7"}, IDs{"company": 7}, "not in the PSA's picklist"},
		"no company":          {Fields{Company: "ACME"}, IDs{}, "is no id"},
		"depends":             {Fields{IssueType: "Mail", SubIssueType: "Other"}, IDs{"issue_type": 2, "sub_issue_type": 21}, ""},
		"depends on nothing":  {Fields{SubIssueType: "Other"}, IDs{}, "sub_issue_type"},
		"of another":          {Fields{IssueType: "Mail", SubIssueType: "20"}, IDs{"issue_type": 2}, "sub_issue_type"},
		"a prefix is no list": {Fields{TitlePrefix: "x"}, IDs{}, ""},
	} {
		got, troubles := lists.Resolve(c.fields)
		if !maps.Equal(got, c.want) || (c.trouble == "") != (len(troubles) == 0) || !strings.Contains(strings.Join(troubles, "; "), c.trouble) {
			t.Errorf("%s: %v, %q", name, got, troubles)
		}
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string][]string{
		"acme.com":          {"acme.com"},
		"mail.acme.co.uk":   {"mail.acme.co.uk", "acme.co.uk"},
		"GMail.com":         nil,
		"x.t-online.de":     nil,
		"co.uk":             nil,
		"com":               nil,
		"":                  nil,
		"home.example.test": nil,
		"notgmail.com":      {"notgmail.com"},
		"a.b.c.d.e.acme.de": {"a.b.c.d.e.acme.de", "b.c.d.e.acme.de", "c.d.e.acme.de", "d.e.acme.de", "e.acme.de"},
	} {
		if got := candidates(domain, []string{"example.test"}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", domain, got, want)
		}
	}
}
