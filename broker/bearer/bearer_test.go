package bearer_test

import (
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/psagate/psagate/broker/bearer"
)

// The starts are those of Microsoft's and Google's pages, and of RFC 7628 section 4.1.
func TestWhatIsPresented(t *testing.T) {
	oauth, err := bearer.OAuthBearer("a=b,c@example.com", "token", "imap.example.com:993")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mechanism sasl.Client
		start     string
	}{
		"XOAUTH2":     {bearer.XOAUTH2("support@example.com", "token"), "user=support@example.com\x01auth=Bearer token\x01\x01"},
		"OAUTHBEARER": {oauth, "n,a=a=3Db=2Cc@example.com,\x01host=imap.example.com\x01port=993\x01auth=Bearer token\x01\x01"},
	} {
		got, start, err := c.mechanism.Start()
		if got != name || string(start) != c.start || err != nil {
			t.Errorf("%s: %q, %v", got, start, err)
		}
		if answer, err := c.mechanism.Next([]byte(`{"status":"400"}`)); string(answer) != "\x01" || err != nil {
			t.Errorf("%s answers a refusal with %q, %v", name, answer, err)
		}
	}
}
