package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/policy"
)

// backupConfig is a config whose integration backup is in the group backup.
const backupConfig = `{
	psa {
		secrets file /etc/psagate/secrets.json
		login main {
			secret file autotask/main
		}
		integration backup {
			key ` + hash1 + `
			groups backup
		}
	}
}
`

func TestPolicyCommandsPrintTheirGoldenFiles(t *testing.T) {
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(backupConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	const asked = `{"integration": "itglue", "action": "delete", "entity": "Tickets", "id": "7"}`
	for name, args := range map[string]string{
		"policy-none":                "policy",
		"policy-test":                "policy test testdata/policy/good",
		"policy-test-json":           "policy test testdata/policy/good/itglue.cedar testdata/policy/good/itglue.cases.json --json",
		"policy-test-failing":        "policy test testdata/policy/failing",
		"policy-test-failing-json":   "policy test testdata/policy/failing --json",
		"policy-test-bad":            "policy test testdata/policy/bad",
		"policy-test-no-folder":      "policy test testdata/policy/none",
		"policy-test-warnings":       "policy test testdata/policy/good --config {config} --adapter caddyfile",
		"policy-explain":             "policy explain itglue read Tickets --address {address}",
		"policy-explain-denied":      "policy explain itglue delete Tickets --id 7 --address {address}",
		"policy-explain-json":        "policy explain itglue update TicketNotes --json --address {address}",
		"policy-explain-bad":         "policy explain itglue erase Tickets",
		"policy-explain-words":       "policy explain itglue",
		"policy-explain-files":       "policy explain itglue update Tickets --fields id,title --policy testdata/policy/good",
		"policy-explain-no-fields":   "policy explain itglue update Tickets --policy testdata/policy/good",
		"policy-explain-groups":      "policy explain backup create Tickets --policy testdata/policy/good --config {config} --adapter caddyfile",
		"policy-explain-request":     "policy explain --request - --policy testdata/policy/good",
		"policy-explain-both":        "policy explain itglue read Tickets --request -",
		"policy-explain-bad-request": "policy explain --request testdata/policy/good/itglue.cedar",
		"policy-replay-no-policy":    "policy replay audit.log",
		"policy-replay-no-log":       "policy replay --policy testdata/policy/good",
	} {
		t.Run(name, func(t *testing.T) {
			address := running(t, new(fake))
			line := strings.Fields(strings.NewReplacer("{config}", config, "{address}", address).Replace(args))
			got := runWith(t, asked, line...)
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", args, got.out, got.err, got.status)
			golden(t, filepath.Join("testdata/command", name+".golden"), text)
		})
	}
}

// auditFile is a file with entries.
func auditFile(t *testing.T, entries ...audit.Entry) string {
	t.Helper()
	var log bytes.Buffer
	w, err := audit.New(audit.Config{Output: &log, Key: audit.Key{ID: "k", Secret: bytes.Repeat([]byte("k"), 32)}, Host: "h", Process: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w.Note(e)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(file, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func called(caller, action, entity string, change func(*audit.Entry)) audit.Entry {
	e := audit.Entry{Kind: audit.Call, CallerKind: audit.Integration, Caller: caller, Action: action, Entity: entity, Decision: audit.Permit, Status: 200, DecidedBy: audit.ByPSA}
	if change != nil {
		change(&e)
	}
	return e
}

func TestReplayTellsWhatWouldChange(t *testing.T) {
	denied := func(e *audit.Entry) { e.Decision, e.Status, e.Reason = audit.Deny, 403, "policy" }
	log := auditFile(
		t,
		called("itglue", "read", "Tickets", nil),
		called("itglue", "create", "Tickets", nil),
		called("itglue", "create", "Tickets", nil),
		called("itglue", "create", "Tickets", func(e *audit.Entry) { e.ID, e.Child = "7", "Notes" }),
		called("itglue", "update", "Tickets", func(e *audit.Entry) { denied(e); e.Fields = []string{"id", "title"} }),
		called("itglue", "delete", "Tickets", func(e *audit.Entry) { e.Decision, e.Observed = audit.Deny, true }),
		called("backup", "create", "Tickets", denied),
		called("", "read", "Tickets", func(e *audit.Entry) { e.CallerKind = "" }),
		called("itglue", "read", "Tickets", func(e *audit.Entry) { e.Decision, e.Reason, e.Status = "", "disabled", 403 }),
		audit.Entry{Kind: audit.Event, Event: "config_loaded"},
	)
	config := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(config, []byte(backupConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]string{"policy-replay": "", "policy-replay-json": " --json", "policy-replay-groups": " --config " + config + " --adapter caddyfile"} {
		got := run(t, strings.Fields("policy replay "+log+" --policy testdata/policy/good"+more)...)
		text := fmt.Sprintf("%s---- stderr\n%s---- exit status %d\n", got.out, got.err, got.status)
		golden(t, filepath.Join("testdata/command", name+".golden"), text)
	}
}

func TestReplayOfWhatStaysAsItIsIsAYes(t *testing.T) {
	log := auditFile(t, called("itglue", "read", "Tickets", nil))
	if got := run(t, "policy", "replay", log, "--policy", "testdata/policy/good"); got.status != exitYes {
		t.Errorf("%+v", got)
	}
	for name, empty := range map[string]string{"nothing": os.DevNull, "no call": auditFile(t, audit.Entry{Kind: audit.Event, Event: "config_loaded"})} {
		if got := run(t, "policy", "replay", empty, "--policy", "testdata/policy/good"); got.status != exitNo || !strings.Contains(got.out, "no call is in the log") {
			t.Errorf("of a log with %s: %+v", name, got)
		}
	}
	if got := run(t, "policy", "replay", log+"x", "--policy", "testdata/policy/good"); got.status != exitNo || got.err == "" {
		t.Errorf("of a log that is not there: %+v", got)
	}
}

func TestASOAPCallOfSeveralRecordsIsAskedAboutForEach(t *testing.T) {
	e := called("itglue", "update", "Tickets", func(e *audit.Entry) {
		e.API, e.Method, e.ID, e.Records, e.Fields = "soap", "POST", "1", []string{"Tickets/1", "Companies"}, []string{"id", "title"}
	})
	r, ok := new(pastCalls).recorded(e)
	all := each(r, e)
	if !ok || len(all) != 2 || all[0].Request.Entity != "Tickets" || all[0].Request.ID != "1" || all[1].Request.Entity != "Companies" || all[1].Request.ID != "" {
		t.Errorf("%v %+v", ok, all)
	}
	if got := all[0].Request; got.API != "soap" || got.Fields.Known() {
		t.Errorf("an update by SOAP writes what it leaves out, too: %+v", got)
	}
	e.Decision = audit.Deny
	r, _ = new(pastCalls).recorded(e)
	if all := each(r, e); len(all) != 1 || all[0].Request.ID != "1" {
		t.Errorf("what was denied is the one that the entry names: %+v", all)
	}
}

func TestWhatIsRecordedIsAskedAsItWas(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	e := called("itglue", "update", "Tickets", func(e *audit.Entry) {
		e.Time, e.ID, e.Child, e.ChildID, e.Method, e.Address = at, "7", "Notes", "9", "PATCH", "192.0.2.7"
		e.Fields, e.Impersonates, e.Zone = []string{"title"}, "5", "https://webservices5.autotask.net/ATServicesRest/"
	})
	got, ok := new(pastCalls).recorded(e)
	r := got.Request
	if !ok || got.Outcome != policy.Allow || r.Entity != "TicketNotes" || r.ID != "9" || r.Parent != (policy.Parent{Entity: "Tickets", ID: "7"}) ||
		r.Method != "PATCH" || r.SourceIP.String() != "192.0.2.7" || !r.Impersonates || r.Zone != e.Zone || !r.Time.Equal(at) || !r.Fields.Known() || r.Filters.Known() {
		t.Errorf("%v %+v", ok, got)
	}
}
