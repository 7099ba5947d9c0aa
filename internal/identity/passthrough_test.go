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
		{Name: "rmm", From: nets("192.0.2.7/32"), PassThrough: users("alice@x", "bob@x")},
		{Name: "backup", From: nets("192.0.2.8/32"), PassThrough: users("alice@x")},
		{Name: "by certificate", Certs: []string{"backup.example.com"}, From: nets("198.51.100.0/24"), PassThrough: users("carol@x")},
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
		"no proof":         {[]Integration{{Name: "a", PassThrough: users("u")}}, "needs `from` or `client_cert`"},
		"one address, two": {[]Integration{{Name: "a", From: nets("192.0.2.0/24"), PassThrough: users("u")}, {Name: "b", From: nets("192.0.2.9/32"), PassThrough: users("u")}}, "the same address"},
	} {
		if _, err := NewBook(c.of, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACertificatesIntegrationThatListsUsersIsNobodyWithAnothersCredential(t *testing.T) {
	b, err := NewBook([]Integration{{Name: "x", Login: "main", Certs: []string{"x.example.com"}, PassThrough: users("alice@x")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]error{"alice@x": nil, "bob@x": ErrNotAKey, "": nil} {
		p := ownCall(user, "a password")
		p.AddTLS(verifiedBy(certified(t, forHosts("x.example.com"))))
		who, err := b.Identify(p, netip.MustParseAddr("192.0.2.1"), noon)
		if err != want || err == nil && who.Brings != (user != "") {
			t.Errorf("%q: brings %v, %v", user, who.Brings, err)
		}
	}
}

func users(names ...string) map[string]string {
	all := make(map[string]string)
	for _, name := range names {
		all[name] = name
	}
	return all
}
