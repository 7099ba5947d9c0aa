package caddymodule

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/policy"
)

// packs are the policies that the repository offers for programs that many have, by their names.
func packs(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../examples/policies/*" + policy.Extension)
	if err != nil || len(files) == 0 {
		t.Fatalf("no packs: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), policy.Extension)
	}
	return files
}

func packOf(t *testing.T, name string, o policy.Options) (*policy.Policies, []policy.Case) {
	t.Helper()
	sources, err := policy.ReadFiles("../examples/policies/" + name + policy.Extension)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.Load(sources, o)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := policy.ReadCases("../examples/policies/" + name + policy.CasesExtension)
	if err != nil {
		t.Fatal(err)
	}
	return policies, cases
}

func TestEachPackPassesItsCasesAndSpeaksOfItsOwnIntegrationAlone(t *testing.T) {
	for _, name := range packs(t) {
		policies, cases := packOf(t, name, policy.Options{Entities: policyEntities(), Integrations: []string{name}})
		for _, w := range policies.Warnings() {
			t.Errorf("%s: %s", name, w.Error())
		}
		outcomes := map[policy.Outcome]bool{}
		for _, r := range policies.Test(cases) {
			outcomes[r.Want] = true
			if r.Failure != "" {
				t.Errorf("%s: %s: %s", name, r.Name, r.Failure)
			}
			if r.Request.Principal.Name != name {
				t.Errorf("%s: %s is about %s", name, r.Name, r.Request.Principal.Name)
			}
		}
		if !outcomes[policy.Deny] || !outcomes[policy.Allow] && name != "password-managers" {
			t.Errorf("%s: its cases are all answered alike", name)
		}
		stranger := policy.Request{Principal: policy.Principal{Kind: policy.Integration, Name: "somebody-else"}, Action: policy.Read, Entity: "Companies"}
		if policies.Decide(stranger).Allowed() {
			t.Errorf("%s: it permits others something", name)
		}
	}
}

func TestAllPacksTogetherPassAllCases(t *testing.T) {
	sources, err := policy.ReadFiles("../examples/policies")
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.Load(sources, policy.Options{Entities: policyEntities()})
	if err != nil {
		t.Fatal(err)
	}
	cases, err := policy.ReadCases("../examples/policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range policies.Test(cases) {
		if r.Failure != "" {
			t.Errorf("%s: %s", r.Name, r.Failure)
		}
	}
}

// packSource is where a policy of a pack may come from.
var packSource = regexp.MustCompile(`^(?:guess|(https://\S+))`)

// eachPolicy calls for the reason of each policy of a pack.
func eachPolicy(t *testing.T, name string, visit func(id, reason string)) {
	t.Helper()
	policies, cases := packOf(t, name, policy.Options{Entities: policyEntities()})
	for _, f := range policies.Explain(cases[0].Request).Findings {
		visit(f.Policy, f.Text)
	}
}

func TestEachPolicyOfAPackHasItsSourceOrIsAGuess(t *testing.T) {
	for _, name := range packs(t) {
		eachPolicy(t, name, func(id, reason string) {
			if !packSource.MatchString(reason) {
				t.Errorf("%s: %q has neither a source nor the word guess: %q", name, id, reason)
			}
		})
	}
}

// packRow is a row of the table of packs: the pack, whether it can be pointed at a gateway, and the rest.
var packRow = regexp.MustCompile(`(?m)^\| \[[^]]*\]\(\.\./examples/policies/([a-z0-9-]+)\.cedar\) \| (yes|no|unknown)\b[^|]* \| [^|]+ \| ([^|]+) \|$`)

func TestTheTableOfPacksHasEachPackAndItsSources(t *testing.T) {
	page, seen := readPage(t, "../docs/policies.md"), []string(nil)
	for _, row := range packRow.FindAllStringSubmatch(page, -1) {
		seen = append(seen, row[1])
		guesses, sources := 0, map[string]bool{}
		eachPolicy(t, row[1], func(_, reason string) {
			if m := packSource.FindStringSubmatch(reason); m[1] != "" {
				sources[m[1]] = true
			}
			if strings.Contains(reason, "guess") {
				guesses++
			}
		})
		for source := range sources {
			if !strings.Contains(row[3], source) {
				t.Errorf("%s: the table does not name %s", row[1], source)
			}
		}
		if guesses > 0 != strings.Contains(row[3], "guess") {
			t.Errorf("%s: %d of its policies are guesses, and the table says %q", row[1], guesses, row[3])
		}
	}
	all := packs(t)
	slices.Sort(seen)
	slices.Sort(all)
	if !slices.Equal(seen, all) {
		t.Errorf("the table has %v, and the packs are %v", seen, all)
	}
}

func TestThePoliciesAndCasesOfThePageAreRight(t *testing.T) {
	const page = "../docs/policy.md"
	cedar, cases := fences(t, page, "")[0], fences(t, page, "json")[0]
	policies, err := policy.Load([]policy.Source{{Name: "itglue.cedar", Text: []byte(cedar)}}, policy.Options{Entities: policyEntities()})
	if err != nil {
		t.Fatal(err)
	}
	all, err := policy.ParseCases("itglue.cases.json", []byte(cases))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range policies.Test(all) {
		if r.Failure != "" {
			t.Errorf("%s: %s", r.Name, r.Failure)
		}
	}
	if policies.Len() != 3 || len(all) != 2 {
		t.Errorf("%d cases and %d policies, and the page says otherwise", len(all), policies.Len())
	}
	mail := policy.Request{
		Principal: policy.Principal{Kind: policy.Integration, Name: "itglue"}, Action: policy.Query, Entity: "contacts", Filters: policy.Known("emailaddress"),
	}
	if d := policies.Decide(mail); d.Why != policy.Forbidden {
		t.Errorf("the third policy does nothing: %s", d)
	}
}
