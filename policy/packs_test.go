package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/policy"
)

const (
	packFolder = "../examples/policies"
	packPage   = "../docs/policies.md"
)

var (
	allActions    = []policy.Action{policy.Read, policy.Query, policy.Create, policy.Update, policy.Delete}
	packSource    = regexp.MustCompile(`(?m)^//   \[(\d)\] .*\bhttps?://.*$`)
	packField     = regexp.MustCompile(`(?m)^    "(\w+)",? //`)
	packReference = regexp.MustCompile(`\[(\d)\]`)
)

// pack is what is shipped for one integration.
type pack struct {
	name  string // of the integration, and of the files
	text  string
	loads *policy.Policies
	cases []policy.Case
}

// rootEntities are the entities as policies name them: a child has the name of its own root.
func rootEntities() []string {
	return slices.DeleteFunc(autotask.EntityNames(), func(name string) bool { return strings.Contains(name, "/") })
}

// packs are all that are shipped, each loaded alone and without a warning.
func packs(t *testing.T) (all []pack) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(packFolder, "*.cedar"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d packs, %v", len(files), err)
	}
	for _, file := range files {
		p := pack{name: strings.TrimSuffix(filepath.Base(file), ".cedar")}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p.text = string(text)
		p.loads = loadPacks(t, []string{p.name}, file)
		if p.cases, err = policy.ReadCases(strings.TrimSuffix(file, ".cedar") + policy.CasesExtension); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// loadPacks loads files as the policy of a gateway that has these integrations alone.
func loadPacks(t *testing.T, integrations []string, files ...string) *policy.Policies {
	t.Helper()
	sources, err := policy.ReadFiles(files...)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := policy.Load(sources, policy.Options{
		Entities: rootEntities(), Integrations: integrations, Groups: []string{}, Issuers: []string{}, Mailboxes: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range loaded.Warnings() { // an entity that is not known, or another integration
		t.Errorf("%v", w)
	}
	return loaded
}

func TestPacksDoWhatTheirCasesSay(t *testing.T) {
	var names []string
	var cases []policy.Case
	for _, p := range packs(t) {
		names, cases = append(names, p.name), append(cases, p.cases...)
		t.Run(p.name, func(t *testing.T) { pass(t, p.loads, p.cases) })
	}
	t.Run("all in one gateway", func(t *testing.T) { pass(t, loadPacks(t, names, packFolder), cases) })
}

func pass(t *testing.T, policies *policy.Policies, cases []policy.Case) {
	t.Helper()
	for _, r := range policies.Test(cases) {
		if r.Failure != "" {
			t.Errorf("%s:%d: %s: %s", r.File, r.Line, r.Name, r.Failure)
		}
	}
}

func TestEveryCasesFileOfThePacksHasItsPack(t *testing.T) {
	files, err := os.ReadDir(packFolder)
	if err != nil {
		t.Fatal(err)
	}
	all := packs(t)
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(f.Name(), ".cedar"), policy.CasesExtension)
		if name == "Caddyfile" { // the example that uses one
			continue
		}
		if !slices.ContainsFunc(all, func(p pack) bool { return p.name == name }) {
			t.Errorf("%s belongs to no pack", f.Name())
		}
	}
}

func TestCasesOfAPackReachAllThatItPermits(t *testing.T) {
	for _, p := range packs(t) {
		t.Run(p.name, func(t *testing.T) {
			said := p.loads.Explain(p.cases[0].Request).Findings
			for _, f := range said {
				if f.Text == "" || strings.Contains(f.Policy, ".cedar:") {
					t.Errorf("%s: a policy of a pack has an @id and a @reason", f.Reason)
				}
				if !slices.ContainsFunc(p.cases, func(c policy.Case) bool { return c.Policy == f.Policy && c.Want == policy.Allow }) {
					t.Errorf("no case is allowed by %q", f.Policy)
				}
			}
			for _, m := range packField.FindAllStringSubmatch(p.text, -1) {
				if !slices.ContainsFunc(p.cases, func(c policy.Case) bool { return slices.Contains(c.Request.Fields.List(), m[1]) }) {
					t.Errorf("no case writes the field %s", m[1])
				}
			}
			asks(p.name, func(r policy.Request) {
				if p.loads.Decide(r).Allowed() && !p.hasCase(r) {
					t.Errorf("no case is allowed to %s %s", r.Action, r.Entity)
				}
			})
		})
	}
}

// hasCase says whether a case wants a request to be allowed, by its action and entity; of an entity, reading and querying
// are one.
func (p pack) hasCase(r policy.Request) bool {
	return slices.ContainsFunc(p.cases, func(c policy.Case) bool {
		reads := (r.Action == policy.Read || r.Action == policy.Query) && (c.Request.Action == policy.Read || c.Request.Action == policy.Query)
		return c.Want == policy.Allow && c.Request.Entity == r.Entity && (reads || c.Request.Action == r.Action)
	})
}

// asks are the requests of an integration for each known entity and action, with a field that every pack knows.
func asks(integration string, ask func(policy.Request)) {
	for _, entity := range rootEntities() {
		for _, action := range allActions {
			ask(policy.Request{
				Principal: policy.Principal{Kind: policy.Integration, Name: integration}, Action: action, Entity: entity, ID: "7",
				Fields: policy.Known("id"), Filters: policy.Known("id"), Returns: policy.Known("id"),
			})
		}
	}
}

func TestPacksAreForTheirOwnIntegrationAndDeleteNothing(t *testing.T) {
	for _, p := range packs(t) {
		allowed := 0
		asks(p.name, func(r policy.Request) {
			switch d := p.loads.Decide(r); {
			case !d.Allowed():
			case r.Action == policy.Delete:
				t.Errorf("%s may delete %s: %s", p.name, r.Entity, d)
			case !strings.Contains(p.text, `Entity::"`+r.Entity+`"`):
				t.Errorf("%s may %s %s, which its pack does not name: %s", p.name, r.Action, r.Entity, d)
			default:
				allowed++
			}
		})
		if allowed == 0 {
			t.Errorf("%s may do nothing: this test looks at the wrong thing", p.name)
		}
		asks("another", func(r policy.Request) {
			if d := p.loads.Decide(r); d.Why != policy.NotPermitted {
				t.Errorf("%s: another integration that wants to %s %s: %s", p.name, r.Action, r.Entity, d)
			}
		})
	}
}

func TestCasesOfAPackSayWhatItMayNot(t *testing.T) {
	for _, p := range packs(t) {
		denies := func(what string, is func(policy.Request) bool) {
			if !slices.ContainsFunc(p.cases, func(c policy.Case) bool { return c.Want == policy.Deny && is(c.Request) }) {
				t.Errorf("%s: no case denies %s", p.name, what)
			}
		}
		denies("deleting", func(r policy.Request) bool { return r.Action == policy.Delete })
		denies("another integration", func(r policy.Request) bool { return r.Principal.Name != p.name })
		denies("writing of what the pack does not name", func(r policy.Request) bool {
			return (r.Action == policy.Create || r.Action == policy.Update) && !strings.Contains(p.text, `"`+r.Entity+`"`)
		})
		if strings.Contains(p.text, "context.fields") {
			denies("a field", func(r policy.Request) bool { return len(r.Fields.List()) > 1 && r.Principal.Name == p.name })
			denies("fields that are not known", func(r policy.Request) bool { return r.Action == policy.Update && !r.Fields.Known() })
		}
	}
}

// A pack is others' knowledge. Each line that permits something says whose, or that it is a guess.
func TestEveryLineOfAPackNamesItsSource(t *testing.T) {
	for _, p := range packs(t) {
		sources := map[string]bool{}
		for _, m := range packSource.FindAllStringSubmatch(p.text, -1) {
			sources[m[1]] = false
		}
		for i, line := range strings.Split(p.text, "\n") {
			code, comment, _ := strings.Cut(line, " // ")
			if strings.HasPrefix(line, "//") || strings.HasPrefix(line, "@") || !strings.Contains(code, `"`) {
				continue
			}
			named := packReference.FindAllStringSubmatch(comment, -1)
			if len(named) == 0 && !strings.Contains(comment, "guess") && !strings.HasPrefix(comment, "the name in the config") {
				t.Errorf("%s.cedar:%d: no source, and not called a guess: %s", p.name, i+1, line)
			}
			for _, m := range named {
				if _, is := sources[m[1]]; !is {
					t.Errorf("%s.cedar:%d: the source [%s] is not in the list at the top", p.name, i+1, m[1])
				}
				sources[m[1]] = true
			}
		}
		for n, used := range sources {
			if !used {
				t.Errorf("%s.cedar: the source [%s] is named by no line", p.name, n)
			}
		}
	}
}

// lockoutList is what the PSA's vendor names as causes of lockouts, in the order of its article.
const lockoutList = "Acronis,AT2Sage,AEM,AVG,ConnectBooster,ConnectWise Automate,Quosal,Continuum,Customer Thermometer,Datto,Email2AT," +
	"Email2DB,GFI,IDSync,ITGlue,LogicMonitor,Outlook Extension,password managers,QuickBooks,QuoteWerks,Salesforce,N-able,Work Market"

// packRows are the rows of the page's table, each with its cells.
func packRows(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(packPage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n|---|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 5 {
			t.Fatalf("a row of %d cells: %s", len(cells), line)
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestTheTableOfPacksIsWhole(t *testing.T) {
	var listed, names []string
	link := regexp.MustCompile(`^\[(.+)\]\(\.\./examples/policies/(.+)\.cedar\)$`)
	for _, row := range packRows(t) {
		name := row[0]
		if m := link.FindStringSubmatch(name); m != nil {
			name, listed = m[1], append(listed, m[2])
		} else if row[1] != "no" {
			t.Errorf("%s has no pack, though it is not said that it cannot be pointed at a gateway", name)
		}
		names = append(names, name)
		if !slices.Contains([]string{"yes", "no", "unknown"}, row[1]) {
			t.Errorf("%s: can it be pointed at a gateway? %q", name, row[1])
		}
		if !slices.Contains([]string{"REST", "SOAP", "unknown", "none"}, row[2]) {
			t.Errorf("%s: its API is %q", name, row[2])
		}
		if row[3] == "" || !strings.Contains(row[4], "](https://") && !strings.Contains(row[4], "guess") {
			t.Errorf("%s: no need, or no source: %q", name, row)
		}
	}
	if want := strings.Split(lockoutList, ","); !slices.Equal(names, want) {
		t.Errorf("the table has\n%q\nwant\n%q", names, want)
	}
	var shipped []string
	for _, p := range packs(t) {
		shipped = append(shipped, p.name)
	}
	slices.Sort(listed)
	slices.Sort(shipped)
	if !slices.Equal(listed, shipped) {
		t.Errorf("the table links to\n%q\nand there are\n%q", listed, shipped)
	}
}
