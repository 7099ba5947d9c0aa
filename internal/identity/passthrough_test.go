package identity

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func nets(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func ownCall(user, secret string) Presented {
	h := http.Header{"Username": {user}, "Secret": {secret}}
	p := FromRequest(h, "Username", "Secret")
	p.AddUser(user)
	return p
}

func TestACallWithItsOwnCredentialIsTheIntegrationsThatListsItsUserAndAddress(t *testing.T) {
	b, err := NewBook([]Integration{
		{Name: "rmm", From: nets("192.0.2.7/32"), PassThrough: []string{"alice@x", "bob@x"}},
		{Name: "backup", From: nets("192.0.2.8/32"), PassThrough: []string{"alice@x"}},
		{Name: "by certificate", Certs: []string{"backup.example.com"}, From: nets("198.51.100.0/24"), PassThrough: []string{"carol@x"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, address, want string }{
		{"alice@x", "192.0.2.7", "rmm"},
		{"alice@x", "::ffff:192.0.2.8", "backup"},
		{"bob@x", "192.0.2.8", ""},
		{"alice@x", "203.0.113.1", ""},
		{"carol@x", "198.51.100.3", ""},
		{"mallory@x", "192.0.2.7", ""},
	} {
		who, err := b.Identify(ownCall(c.user, "a PSA secret"), netip.MustParseAddr(c.address), time.Now())
		switch {
		case c.want == "" && !errors.Is(err, ErrNotAKey):
			t.Errorf("%s from %s: %v, want %v as for any stranger", c.user, c.address, err, ErrNotAKey)
		case c.want != "" && (err != nil || who.Integration.Name != c.want || !who.Brings):
			t.Errorf("%s from %s: %+v %v, want %s", c.user, c.address, who, err, c.want)
		}
	}
}

func TestPassThroughThatCannotTellWhoCallsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		of   []Integration
		want string
	}{
		"no proof":         {[]Integration{{Name: "a", PassThrough: []string{"u"}}}, "needs `from` or `client_cert`"},
		"a user twice":     {[]Integration{{Name: "a", From: nets("192.0.2.0/24"), PassThrough: []string{"u", "u"}}}, "twice"},
		"one address, two": {[]Integration{{Name: "a", From: nets("192.0.2.0/24"), PassThrough: []string{"u"}}, {Name: "b", From: nets("192.0.2.9/32"), PassThrough: []string{"u"}}}, "the same address"},
	} {
		if _, err := NewBook(c.of, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
