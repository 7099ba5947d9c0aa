package psatest_test

import (
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/psatest"
)

func TestOpenPathsAnswerWhoeverAsksAndJudgeNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		target string
		status int
		has    string
	}{
		"versions":                      {"/ATServicesRest/VersionInformation", 200, `{"apiVersions":["V1.0","V2.0"]}`},
		"versions in lower case":        {"/atservicesrest/versioninformation", 200, "V1.0"},
		"the zone of a known user":      {"/ATServicesRest/V1.0/zoneInformation?user=API%40example.com", 200, `"url":"http://zone5.test/ATServicesRest/"`},
		"the zone with a folded name":   {"/ATServicesRest//v1.0/ZoneInformation?User=api@example.com", 200, `"zoneName":"5"`},
		"the zone of an unknown user":   {"/ATServicesRest/V1.0/zoneInformation?user=x", 500, `{"errors":["Zone information could not be determined"]}`},
		"a zone lookup without a name":  {"/ATServicesRest/V1.0/zoneInformation", 404, "No HTTP resource was found that matches the request URI 'http://"},
		"a zone lookup by V2.0":         {"/ATServicesRest/V2.0/zoneInformation?user=api@example.com", 404, "No HTTP resource"},
		"the swagger document":          {"/ATServicesRest/swagger/docs/v1", 200, `"basePath":"/ATServicesRest"`},
		"a path outside of the service": {"/", 404, "No HTTP resource"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			any := w.sim.Discovery()
			for _, z := range []*psatest.Zone{w.z5, w.z6, any} {
				r := ask(z, request("GET", tc.target, "", userName, "wrong", code))
				if r.status != tc.status || !strings.Contains(r.body, tc.has) {
					t.Fatalf("zone %q: %d %s", z.Name(), r.status, r.body)
				}
				if got := z.Requests(); got != (psatest.Requests{Total: 1, Open: 1}) {
					t.Fatalf("zone %q counted %+v", z.Name(), got)
				}
			}
			if len(w.sim.Ledger()) != 0 || w.user.FailedSinceSuccess() != 0 {
				t.Fatal("an open path judged a sign-in")
			}
		})
	}
}

func TestVersionsCanBeTheOldOnes(t *testing.T) {
	w := newWorld(t)
	w.sim.Adjust(func(b *psatest.Behaviour) { b.OnlyV1 = true })
	if got := ask(w.z5, request("GET", "/ATServicesRest/versioninformation", "")); got.body != `{"apiVersions":["V1.0"]}` {
		t.Fatal(got.body)
	}
}

func TestEveryTenantHasASixDigitNumberOfItsOwn(t *testing.T) {
	w := newWorld(t)
	seen := map[int]bool{}
	for _, tenant := range []*psatest.Tenant{w.tenant, w.sim.AddTenant("B", w.z5), w.sim.AddTenant("C", w.z6)} {
		if ci := tenant.CI(); seen[ci] || ci < 100000 || ci > 999999 {
			t.Fatalf("ci %d", ci)
		}
		seen[tenant.CI()] = true
	}
}

func TestTheDiscoveryHostIsTheWrongZoneForAllElse(t *testing.T) {
	w := newWorld(t)
	if got := w.sign(w.sim.Discovery(), userName, secret); got != 401 {
		t.Fatalf("status %d", got)
	}
	if got := w.sim.Ledger()[0].Cause; got != psatest.CauseWrongZone {
		t.Fatalf("cause %s", got)
	}
}
