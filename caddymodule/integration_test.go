package caddymodule

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/call"
)

func TestAnIntegrationIsWhatItsBlockSays(t *testing.T) {
	i := &Integration{
		Owner: "ops@example.com", Login: "main", Keys: []string{hash1}, KeyFrom: &SecretRef{Store: "file", Path: "keys/itglue"},
		ClientCerts: []string{"CN=backup"}, From: []string{"192.0.2.0/24", "198.51.100.7"}, Impersonate: true,
		Expires: "2027-03-31", Disabled: true, DisabledReason: "asked for",
	}
	got, err := i.identity("itglue")
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "itglue" || got.Owner != "ops@example.com" || got.Login != "main" || !got.Impersonate || !got.Disabled || got.DisabledReason != "asked for" {
		t.Errorf("got %+v", got.Integration)
	}
	if len(got.Keys) != 1 || got.Keys[0].String() != hash1 || !slices.Equal(got.Certs, []string{"CN=backup"}) || got.KeyFrom != (call.Ref{Store: "file", Path: "keys/itglue"}) {
		t.Errorf("it is told by %v, %v, %v", got.Keys, got.Certs, got.KeyFrom)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.7/32")}; !slices.Equal(got.From, want) {
		t.Errorf("from %v, want %v", got.From, want)
	}
	if want := time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC); !got.Expires.Equal(want) {
		t.Errorf("expires at %s, want %s: the day that is named is the last one", got.Expires, want)
	}
}

func TestAnIntegrationWithoutWordsHasNoLimits(t *testing.T) {
	got, err := (&Integration{Keys: []string{hash1}}).identity("itglue")
	if err != nil {
		t.Fatal(err)
	}
	if !got.Expires.IsZero() || got.From != nil || got.Certs != nil || got.KeyFrom != (call.Ref{}) || got.Disabled || got.Impersonate {
		t.Errorf("got %+v", got)
	}
}

func TestExpiresIsADayOrAnInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2027-03-31":                "2027-04-01T00:00:00Z",
		"2028-02-29":                "2028-03-01T00:00:00Z",
		"2027-03-31T18:00:00+02:00": "2027-03-31T16:00:00Z",
	} {
		got, err := parseExpires(text)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v, want %s", text, got.UTC().Format(time.RFC3339), err, want)
		}
	}
	for _, text := range []string{"", "2027-02-29", "31.03.2027", "2027-03-31 18:00", "1806508800"} {
		if got, err := parseExpires(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

func TestPrivateRangesAreCaddys(t *testing.T) {
	networks, err := parseNetworks([]string{"private_ranges"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{"10.1.2.3": true, "192.168.0.1": true, "127.0.0.1": true, "::1": true, "192.0.2.1": false, "2001:db8::1": false} {
		in := slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(netip.MustParseAddr(address)) })
		if in != want {
			t.Errorf("%s is within: %v", address, in)
		}
	}
}

// Those who write JSON are told what the Caddyfile's parser tells, but for the line.
func TestIntegrationsInJSONAreCheckedWhenTheyAreLoaded(t *testing.T) {
	for words, want := range map[string]string{
		`"key_from":{"store":"vault","path":"keys"}`:                `there is no store of that name; defined: file`,
		`"key_from":{"store":"file"}`:                               "a record is named by its store and its path",
		`"client_certs":[" backup"]`:                                "is no name that a certificate has",
		`"client_certs":["a.example","A.example"]`:                  "is there twice",
		`"keys":["` + hash1 + `"],"from":["0.0.0.0"],"expires":"x"`: "expires takes the last day",
		`"keys":["` + hash1 + `"],"from":["10.0.0.1/8"]`:            "bits beyond its length",
		`"keys":["` + hash1 + `"],"disabled_reason":"x"`:            "it is not disabled",
		`"owner":"jane@example.com"`:                                "the line `key <hash>` is missing",
	} {
		useFake(t)
		err := validate(t, []byte(`{"admin":{"disabled":true},"apps":{"psa":{"secrets":{"file":{"kind":"file","path":"/s.json"}},"logins":{"main":{"secret":{"store":"file","path":"a"}}},"integrations":{"itglue":{`+words+`}}}}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error: %v\nwant one with: %s", words, err, want)
		}
	}
}
