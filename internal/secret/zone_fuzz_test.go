package secret

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
)

// zonePlace is what a zone of a record becomes, at the most: one of the PSA's hosts, on its port.
var zonePlace = regexp.MustCompile(`^https://webservices([1-9][0-9]{0,3})?\.autotask\.(net|com)/ATServicesRest/$`)

// inRecords is the secret of the seeds.
const inRecords = "s3cret-s3cret"

// FuzzZoneOfARecord: whatever a login's record says, of what is taken no character is lost, and its zone is a place where
// the PSA is, or an error that shows neither secret nor what stands before the host.
func FuzzZoneOfARecord(f *testing.F) {
	f.Add([]byte(`{"autotask/main":{"username":"a","secret":"s3cret-value","integration_code":"CODE1234","zone":"https://webservices14.autotask.net/"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, _ := parseRecords(file)
		for path, r := range records {
			if r.problem != "" {
				continue
			}
			record := Record{Path: path, Version: 1, Fields: r.fields}
			credential, err := CredentialFrom(record)
			if err != nil {
				checkUnseen(t, err, record, path)
				continue
			}
			if credential.UserName != r.fields["username"].Reveal() || !credential.Secret.Equal(r.fields["secret"]) || !credential.IntegrationCode.Equal(r.fields["integration_code"]) || credential.Zone != r.fields["zone"].Reveal() {
				t.Fatalf("%q: a credential of other contents", file)
			}
			checkZone(t, credential, record)
		}
	})
}

func checkZone(t *testing.T, credential Credential, record Record) {
	t.Helper()
	if credential.Zone == "" {
		return
	}
	base, err := autotask.ParseBase(credential.Zone, autotask.HostRule{})
	u, unreadable := url.Parse(credential.Zone)
	if err != nil {
		allowed := ""
		if unreadable == nil {
			allowed = u.Host
		}
		checkUnseen(t, err, record, allowed)
		return
	}
	if unreadable != nil || !zonePlace.MatchString(base.String()) || u.User != nil || !strings.EqualFold(u.Hostname(), base.Host()) {
		t.Fatalf("the zone %q became %q", credential.Zone, base)
	}
}

// checkUnseen says that an error does not show the planted secret, unless it stands where it may be named.
func checkUnseen(t *testing.T, err error, record Record, allowed string) {
	t.Helper()
	for name := range record.Fields {
		allowed += " " + name
	}
	if strings.Contains(strings.ToLower(err.Error()), inRecords) && !strings.Contains(strings.ToLower(allowed+record.Path), inRecords) {
		t.Fatalf("the error shows the secret: %v", err)
	}
}
