package caddymodule

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// gathered returns the values of what collectors give, by series.
func gathered(t *testing.T, all ...prometheus.Collector) map[string]string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(all...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			series[strings.TrimPrefix(f.GetName(), "psagate_")+" "+strings.Join(labels, " ")] = fmt.Sprint(value)
		}
	}
	return series
}

// standing is an engine whose status is made up.
type standing struct {
	*fake
	status report.Status
}

func (s standing) Status() report.Status { return s.status }

// nowInForce puts an engine into force for the time of a test.
func nowInForce(t *testing.T, e engine) {
	t.Helper()
	before := inForce.Swap(&App{engine: e})
	t.Cleanup(func() { inForce.Store(before) })
}

func TestGaugesAreReadOffTheConfigInForce(t *testing.T) {
	nowInForce(t, standing{new(fake), report.Status{
		Time: noon,
		Logins: []report.LoginStatus{
			{Name: "main", State: report.LoginServing, Units: report.UnitCounts{Budget: 5, Free: 3}, Serving: &report.CredentialStatus{Version: 7, Since: noon.Add(-time.Hour)}},
			{Name: "second", State: report.LoginGateShut, Serving: &report.CredentialStatus{Version: 1}},
			{Name: "third", State: report.LoginNoSecret},
		},
		Stores: []report.StoreStatus{
			{Name: "file", Records: []report.RecordStatus{{Path: "a", Version: 1, AgeSeconds: 3}, {Path: "b", Version: 1, AgeSeconds: 9}, {Path: "c"}}},
			{Name: "unread", Records: []report.RecordStatus{{Path: "a", Stale: true}}},
		},
		Issuers: []report.IssuerStatus{{Name: "corp", KeysSince: moment(noon.Add(-time.Minute)), Problem: "503"}, {Name: "new"}},
	}})
	want := map[string]string{
		"login_budget_remaining main": "3", "login_budget_remaining second": "0", "login_budget_remaining third": "0",
		"credential_version main": "7", "credential_version second": "1", "credential_age_seconds main": "3600", "secret_age_seconds file": "9",
		"issuer_failing corp": "1", "issuer_failing new": "0", "issuer_keys_age_seconds corp": "60",
	}
	for login, is := range map[string]report.LoginState{"main": "serving", "second": "gate-shut", "third": "no-secret"} {
		for _, state := range loginStates {
			value := "0"
			if state == is {
				value = "1"
			}
			want[fmt.Sprintf("login_state %s %s", login, state)] = value
		}
	}
	got := gathered(t, gauges{})
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if got[series] != want[series] {
			t.Errorf("%s is %q, want %q", series, got[series], want[series])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d series, want %d: %v", len(got), len(want), got)
	}
}

func TestWithoutAConfigThereAreNoGauges(t *testing.T) {
	before := inForce.Swap(nil)
	t.Cleanup(func() { inForce.Store(before) })
	if got := gathered(t, gauges{}); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

func TestEveryStateOfALoginIsASeries(t *testing.T) {
	for _, state := range loginStates {
		nowInForce(t, standing{new(fake), report.Status{Logins: []report.LoginStatus{{Name: "main", State: state}}}})
		if got := gathered(t, gauges{})["login_state main "+string(state)]; got != "1" {
			t.Errorf("%s: %q", state, got)
		}
	}
}

func TestTalliesCountByTheirLabels(t *testing.T) {
	c := newTallies()
	c.login("idle")
	c.Attempted("main", guard.Accepted)
	c.Attempted("main", guard.NoAnswer)
	c.Attempted("main", guard.NoAnswer)
	c.Waited("main", time.Second)
	served := report.Call{Integration: "itglue", Entity: "Tickets/Notes", Action: "create", Outcome: "ok"}
	c.Answered(served)
	c.Answered(served)
	served.Entity = "Unheard/Notes"
	c.Answered(served)
	c.Answered(report.Call{Entity: "Tickets", Action: "read", Outcome: report.OutcomeUnidentified})
	want := map[string]string{
		"requests_total create Tickets/Notes itglue ok": "2", "requests_total create other itglue ok": "1", "requests_total    unidentified": "1",
		"wait_seconds main": "1", "wait_seconds idle": "0",
	}
	for _, login := range []string{"main", "idle"} {
		for _, outcome := range []string{"accepted", "refused", "locked", "neutral", "no-answer", "not-sent"} {
			want["attempts_total "+login+" "+outcome] = "0"
		}
	}
	want["attempts_total main accepted"], want["attempts_total main no-answer"] = "1", "2"
	if got := gathered(t, c.attempts, c.requests, c.waits); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestALoginsSeriesBeginAtZeroWhenItsConfigComesIntoForce(t *testing.T) {
	name := rand.Text() // the process keeps its counters
	series := "attempts_total " + name + " refused"
	app := &App{Logins: map[string]*Login{name: {}}, engine: new(fake)}
	if got, known := gathered(t, counted.attempts)[series]; known {
		t.Fatalf("it was there before, with %s", got)
	}
	app.commit()
	if got := gathered(t, counted.attempts)[series]; got != "0" {
		t.Errorf("it begins at %q", got)
	}
	if heralded.owner != app {
		t.Error("events do not go out by the config in force")
	}
	if err := app.Cleanup(); err != nil || heralded.owner != nil || inForce.Load() != nil {
		t.Errorf("what the config held is not given back: %v", err)
	}
}

func TestCountingACallAllocatesNothing(t *testing.T) {
	c := newTallies()
	served := report.Call{Integration: "itglue", Entity: "Tickets", Action: "read", Outcome: "ok"}
	if n := testing.AllocsPerRun(100, func() {
		c.Answered(served)
		c.Attempted("main", guard.Accepted)
		c.Waited("main", time.Second)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMetricsAreRegisteredOncePerConfigAndNeverTwice(t *testing.T) {
	for range 2 { // two configs
		registry := prometheus.NewPedanticRegistry()
		for range 2 { // and two apps of one
			if err := registerMetrics(registry); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := registry.Gather(); err != nil {
			t.Error(err)
		}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "psagate_attempts_total", Help: "another's"}))
	if err := registerMetrics(registry); err == nil || !strings.Contains(err.Error(), "registering the metrics") {
		t.Errorf("error: %v", err)
	}
}

// The names and labels of the metrics are a contract.
func TestMetricsHaveTheNamesAndLabelsOfTheContract(t *testing.T) {
	desc := regexp.MustCompile(`fqName: "psagate_(\w+)", help: "(.+?)", .*variableLabels: \{(.*)\}\}`)
	var got []string
	for _, c := range collectors {
		to := make(chan *prometheus.Desc, 16)
		c.Describe(to)
		close(to)
		for d := range to {
			m := desc.FindStringSubmatch(d.String())
			if m == nil {
				t.Fatalf("not as expected: %s", d)
			}
			got = append(got, m[1]+"{"+m[3]+"}")
		}
	}
	slices.Sort(got)
	want := []string{
		"alerts_total{kind,outcome}", "attempts_total{login,outcome}", "audit_failing{}", "audit_lost_total{}", "audit_waiting_lines{}", "credential_age_seconds{login}", "credential_version{login}", "decisions_total{integration,decision}", "deeds_total{deed,decision}", "issuer_failing{issuer}", "issuer_keys_age_seconds{issuer}", "login_budget_remaining{login}",
		"login_state{login,state}", "mail_failing{mailbox}", "mail_gap{mailbox}", "mail_messages{mailbox,state}", "mail_oldest_seconds{mailbox}", "mail_seconds{mailbox}", "requests_total{integration,entity,action,outcome}", "secret_age_seconds{store}", "store_transactions_total{}", "wait_seconds{login}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
