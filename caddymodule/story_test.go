package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/psagate/psagate/internal/identity"
	"github.com/psagate/psagate/internal/psatest"
)

func init() {
	caddy.RegisterModule(told{})
}

// told is an event handler that prints what it is told.
type told struct{}

func (told) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.told", New: func() caddy.Module { return new(told) }}
}

func (told) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (told) Handle(_ context.Context, e caddy.Event) error {
	line := "event " + e.Name()
	if e.Origin() != nil {
		line += " of " + string(e.Origin().CaddyModule().ID)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		line += fmt.Sprintf(" %s=%v", name, e.Data[name])
	}
	fmt.Println(line)
	return nil
}

var _ caddyevents.Handler = told{}

// story is a Caddy with a real engine before a simulated PSA.
type story struct {
	house
	sim  *psatest.Sim
	zone string
	user *psatest.User
	key  identity.Key
}

const storySecret = "the-Password-4711"

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{house: newHouse(t), sim: psatest.New()}
	s.real = true
	t.Cleanup(s.sim.Close)
	zone := s.sim.AddZone("Five")
	s.zone = zone.URL() + "/ATServicesRest/"
	tenant := s.sim.AddTenant("Example", zone)
	tenant.Seed(3)
	s.user = tenant.AddUser("api@example.com", storySecret, "CODE")
	var err error
	if s.key, err = identity.NewKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]any{"autotask/main": map[string]string{"username": "api@example.com", "secret": storySecret, "integration_code": "CODE"}})
	s.put(t, "secrets.json", string(text))
	s.put(t, "Caddyfile", fmt.Sprintf(`{
	admin unix/%s
	persist_config off
	log {
		format psa
	}
	events {
		on * told
	}
	psa {
		secrets file %s
		login main {
			secret file autotask/main
			discover %s
			hosts 127.0.0.1
			insecure_http
		}
		integration itglue {
			key %s
		}
	}
}

http://psa.example.com {
	bind unix/%s
	log {
		output file %s
		format psa
	}
	%s
	header >Psa-Call "{psa.integration} {psa.action} {psa.entity} {psa.id} {psa.login}/{psa.reason}/"
	psa_identify
	@writes psa create update delete
	respond @writes "{psa.integration} may not {psa.action} {psa.entity}" 403
	@tags expression `+"`psa({'entity': ['Tags']}) && {psa.integration} == 'itglue'`"+`
	respond @tags "no tags" 403
	psa_gateway
}
`, s.path("admin"), s.path("secrets.json"), s.sim.DiscoverURL(), s.key.Hash(), s.path("site"), s.path("access.log"), logAppends()))
	return s
}

// logAppends appends every placeholder to the access log.
func logAppends() string {
	var lines []string
	for _, p := range placeholders {
		lines = append(lines, fmt.Sprintf("log_append %s {%s}", p.name, p.name))
	}
	return strings.Join(lines, "\n\t")
}

func (s *story) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// call makes a call with a key, and returns status, body and headers of its answer.
func (s *story) call(t *testing.T, user, key, method, path string) (int, string, http.Header) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.path("site"))
	}}}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://psa.example.com"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Secret": {key}, "UserName": {user}}
	answer, err := client.Do(request)
	for again := 0; errors.Is(err, io.EOF) && again < 100; again++ { // a reload drops connections that nobody has read from yet
		answer, err = client.Do(request)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), answer.Header
}

// metrics scrapes the admin endpoint and returns psagate's series with their values.
func (s *story) metrics(t *testing.T) map[string]string {
	t.Helper()
	answer, err := caddycmd.AdminAPIRequest("unix/"+s.path("admin"), http.MethodGet, "/metrics", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if i := strings.LastIndexByte(line, ' '); strings.HasPrefix(line, "psagate_") {
			series[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return series
}

// has demands series with values; an empty value stands for a series that there is not, a star for any value.
func has(t *testing.T, got, want map[string]string) {
	t.Helper()
	for series, value := range want {
		if v, ok := got["psagate_"+series]; v != value && (value != "*" || !ok) {
			t.Errorf("%s is %q, want %q", series, v, value)
		}
	}
}

// hostile is what a caller wrote who would like to see it in a label.
const hostile = "Hostile"

func TestAStoryInMetricsEventsPlaceholdersAndPolicies(t *testing.T) {
	s := newStory(t)
	server, tell := s.start(t)
	tell("event started")
	t.Run("a call is served", func(t *testing.T) {
		if status, body, header := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tickets/1"); status != 200 || header.Get("Psa-Call") != "itglue read Tickets 1 main//" {
			t.Fatalf("%d %s %v", status, body, header)
		}
		tell("event psa_credential_accepted of psa integration= login=main version=1 zone=" + s.zone)
	})
	t.Run("policies of Caddy's refuse calls", func(t *testing.T) {
		if status, body, header := s.call(t, "itglue", s.key.Reveal(), "POST", v1+"/Tickets/1/Notes"); status != 403 || body != "itglue may not create Tickets/Notes" || header.Get("Psa-Call") != "itglue create Tickets/Notes 1 main//" {
			t.Errorf("%d %s %v", status, body, header)
		}
		if status, body, _ := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tags/1"); status != 403 || body != "no tags" {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("metrics count it", func(t *testing.T) { s.countsCalls(t) })
	t.Run("no caller makes a label", func(t *testing.T) { s.takesNoLabels(t) })
	t.Run("reloads keep counters", func(t *testing.T) { s.outlivesReloads(t) })
	t.Run("a locked login is an event", func(t *testing.T) {
		s.sim.Fault(psatest.Fault{At: psatest.Received, Times: 1, Then: psatest.Answer, Status: 500, Body: `{"errors":["This user account has been locked."]}`})
		if status, body, _ := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tickets/1"); status != 503 {
			t.Errorf("%d %s", status, body)
		}
		tell("event psa_login_locked of psa integration=itglue login=main version=1 zone=" + s.zone)
		has(t, s.metrics(t), map[string]string{
			`login_state{login="main",state="locked"}`: "1", `login_state{login="main",state="serving"}`: "0",
			`login_budget_remaining{login="main"}`: "4", `attempts_total{login="main",outcome="locked"}`: "1",
			`credential_version{login="main"}`: "", `credential_age_seconds{login="main"}`: "",
			`requests_total{action="read",entity="Tickets",integration="itglue",outcome="login-locked"}`: "1",
		})
	})
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	t.Run("the access log has the placeholders", func(t *testing.T) { s.logged(t) })
}

func (s *story) countsCalls(t *testing.T) {
	has(t, s.metrics(t), map[string]string{
		`login_budget_remaining{login="main"}`:                                             "5",
		`login_state{login="main",state="serving"}`:                                        "1",
		`login_state{login="main",state="idle"}`:                                           "0",
		`login_state{login="main",state="locked"}`:                                         "0",
		`attempts_total{login="main",outcome="accepted"}`:                                  "2",
		`attempts_total{login="main",outcome="refused"}`:                                   "0",
		`attempts_total{login="main",outcome="no-answer"}`:                                 "0",
		`credential_version{login="main"}`:                                                 "1",
		`credential_age_seconds{login="main"}`:                                             "*",
		`secret_age_seconds{store="file"}`:                                                 "*",
		`decisions_total{decision="allow",integration="itglue"}`:                           "1",
		`wait_seconds_count{login="main"}`:                                                 "1",
		`requests_total{action="read",entity="Tickets",integration="itglue",outcome="ok"}`: "1",
	})
}

func (s *story) takesNoLabels(t *testing.T) {
	before := s.metrics(t)
	for _, c := range [][4]string{
		{hostile, s.key.Reveal(), "GET", v1 + "/" + hostile + "/1"},
		{hostile, s.key.Reveal(), "GET", v1 + "/Tickets/1/" + hostile},
		{hostile, hostile, "GET", v1 + "/" + hostile},
		{hostile, "", "GET", "/" + hostile},
		{hostile, s.key.Reveal(), "HOSTILE", v1 + "/Tickets/1"},
		{hostile, s.key.Reveal(), "GET", v1 + "/Tickets/" + hostile + "?" + hostile},
		{hostile, "", "GET", v1 + "/zoneInformation?user=" + hostile},
	} {
		s.call(t, c[0], c[1], c[2], c[3])
	}
	after := s.metrics(t)
	var grown []string
	for series := range after {
		if strings.Contains(strings.ToLower(series), strings.ToLower(hostile)) {
			t.Errorf("a caller made the label of %s", series)
		}
		if _, known := before[series]; !known {
			grown = append(grown, strings.TrimPrefix(series, "psagate_requests_total"))
		}
	}
	slices.Sort(grown)
	want := []string{
		`psagate_decisions_total{decision="deny",integration="itglue"}`,
		`{action="",entity="",integration="",outcome="ok"}`,
		`{action="",entity="",integration="",outcome="unidentified"}`,
		`{action="",entity="",integration="itglue",outcome="bad-request"}`,
		`{action="query",entity="other",integration="itglue",outcome="policy"}`,
		`{action="read",entity="other",integration="itglue",outcome="client-error"}`,
	}
	if !slices.Equal(grown, want) {
		t.Errorf("the new series are\n%s\nwant\n%s", strings.Join(grown, "\n"), strings.Join(want, "\n"))
	}
}

func (s *story) outlivesReloads(t *testing.T) {
	text, err := os.ReadFile(s.path("Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	s.put(t, "Caddyfile", strings.Replace(string(text), "persist_config off", "persist_config off\n\tgrace_period 1s", 1))
	if out, err := s.command(t.Context(), "reload", "--config", s.path("Caddyfile"), "--adapter", "caddyfile").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	served := `requests_total{action="read",entity="Tickets",integration="itglue",outcome="ok"}`
	for n, load := range []func(){func() {}, func() { s.refusedReload(t) }} {
		load()
		if status, body, _ := s.call(t, "itglue", s.key.Reveal(), "GET", v1+"/Tickets/1"); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		has(t, s.metrics(t), map[string]string{served: fmt.Sprint(n + 2), `login_state{login="main",state="serving"}`: "1", `credential_version{login="main"}`: "1"})
	}
}

func (s *story) logged(t *testing.T) {
	access, err := os.ReadFile(s.path("access.log"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(access)) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, p := range placeholders {
			values = append(values, fmt.Sprint(fields[p.name]))
		}
		got = append(got, strings.Join(values, "|"))
	}
	for _, want := range []string{
		"itglue|Tickets|read|1|main|allow|" + s.zone + "|1|",
		"itglue|Tickets/Notes|create|1|main||||",
		"itglue|Tickets/Hostile|query|1|main|deny|||policy",
		"itglue|Tickets|read|1|main|allow|" + s.zone + "|1|login-locked",
		"itglue||||main||||bad-request",
		"|Hostile|read||||||",
		"||read||||||",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("the access log has no line with %s, but\n%s", want, strings.Join(got, "\n"))
		}
	}
}
