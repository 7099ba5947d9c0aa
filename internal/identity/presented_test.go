package identity

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// request builds a header from "Name: value" lines, in any spelling, as a server would.
func request(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestAKeyIsFoundWhereverPSACredentialsGo(t *testing.T) {
	one, two := newKey(t), newKey(t)
	k, other := one.Reveal(), two.Reveal()
	mistyped := k[:len(k)-1]
	for name, test := range map[string]struct {
		lines []string
		want  error // nil: key one
		users []string
	}{
		"nothing":                                 {nil, ErrNoCredentials, nil},
		"a user name alone":                       {[]string{"UserName: itglue"}, ErrNoCredentials, []string{"itglue"}},
		"an empty secret":                         {[]string{"Secret: "}, ErrNoCredentials, nil},
		"the headers":                             {[]string{"UserName: itglue", "Secret: " + k}, nil, []string{"itglue"}},
		"the headers in lower case":               {[]string{"username: itglue", "secret: " + k}, nil, []string{"itglue"}},
		"the headers in capitals":                 {[]string{"USERNAME: itglue", "SECRET: " + k}, nil, []string{"itglue"}},
		"Basic":                                   {[]string{basic("itglue", k)}, nil, []string{"itglue"}},
		"Basic without a user":                    {[]string{basic("", k)}, nil, nil},
		"basic in lower case, with two spaces":    {[]string{strings.Replace(basic("u", k), "Basic ", "basic  ", 1)}, nil, []string{"u"}},
		"Bearer":                                  {[]string{"Authorization: Bearer " + k}, nil, nil},
		"bearer in lower case":                    {[]string{"authorization: bearer " + k}, nil, nil},
		"Basic next to the headers":               {[]string{"UserName: a", "Secret: " + k, basic("a", k)}, nil, []string{"a"}},
		"one key in three places, two users":      {[]string{"UserName: a", "Secret: " + k, basic("b", k), "Authorization: Bearer " + k}, nil, []string{"a", "b"}},
		"a key beside a password":                 {[]string{"Secret: " + k, basic("u", "hunter2")}, nil, []string{"u"}},
		"a password beside a key":                 {[]string{"Secret: hunter2", basic("u", k)}, nil, []string{"u"}},
		"a key beside another program's token":    {[]string{"Secret: " + k, "Authorization: Bearer eyJhbGciOi.x.y"}, nil, nil},
		"a key beside an unknown scheme":          {[]string{"Secret: " + k, "Authorization: Digest username=\"u\""}, nil, nil},
		"two keys":                                {[]string{"Secret: " + k, "Secret: " + other}, ErrConflict, nil},
		"two keys in two places":                  {[]string{"Secret: " + k, basic("u", other)}, ErrConflict, []string{"u"}},
		"two keys and the first again":            {[]string{"Secret: " + k, "Secret: " + other, "Secret: " + k}, ErrConflict, nil},
		"a key and a mistyped one":                {[]string{"Secret: " + k, "Secret: " + mistyped}, ErrConflict, nil},
		"a mistyped one and a key":                {[]string{"Secret: " + mistyped, basic("u", k)}, ErrConflict, []string{"u"}},
		"a conflict and a mistyped one":           {[]string{"Secret: " + k, "Secret: " + other, "Secret: " + mistyped}, ErrConflict, nil},
		"a mistyped one, twice":                   {[]string{"Secret: " + mistyped, basic("u", mistyped)}, ErrMistyped, []string{"u"}},
		"a mistyped one beside a password":        {[]string{"Secret: " + mistyped, basic("u", "hunter2")}, ErrMistyped, []string{"u"}},
		"a password":                              {[]string{"Secret: hunter2"}, ErrNotAKey, nil},
		"a password in Basic":                     {[]string{basic("u", "hunter2")}, ErrNotAKey, []string{"u"}},
		"a token of another issuer":               {[]string{"Authorization: Bearer eyJhbGciOi.x.y"}, ErrNotAKey, nil},
		"a key without a scheme":                  {[]string{"Authorization: " + k}, ErrNotAKey, nil},
		"a key in Basic that is not encoded":      {[]string{"Authorization: Basic " + k}, ErrNotAKey, nil},
		"a Basic pair without a colon":            {[]string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(k))}, ErrNotAKey, nil},
		"a scheme alone":                          {[]string{"Authorization: Basic"}, ErrNotAKey, nil},
		"Bearer without a token":                  {[]string{"Authorization: Bearer"}, ErrNoCredentials, nil},
		"a user name as the key":                  {[]string{"UserName: " + k}, ErrNoCredentials, []string{k}},
		"an oversized password":                   {[]string{"Secret: " + strings.Repeat("x", 1<<20)}, ErrNotAKey, nil},
		"an oversized text that begins as a key":  {[]string{"Secret: " + k + strings.Repeat("x", 1<<20)}, ErrMistyped, nil},
		"an oversized Basic pair":                 {[]string{basic("u", k+strings.Repeat("x", 1<<20))}, ErrNotAKey, nil},
		"a key beside an oversized Basic pair":    {[]string{"Secret: " + k, basic("u", strings.Repeat("x", 1<<20))}, nil, nil},
		"an oversized user name":                  {[]string{"UserName: " + strings.Repeat("x", 1<<20), "Secret: " + k}, nil, nil},
		"more user names than are kept":           {[]string{"UserName: a", "UserName: b", "UserName: c", "UserName: d", "UserName: e", "Secret: " + k}, nil, []string{"a", "b", "c", "d"}},
		"the integration code header of the PSA ": {[]string{"ApiIntegrationCode: " + other, "Secret: " + k}, nil, nil},
	} {
		got := FromRequest(request(test.lines...), "UserName", "Secret")
		if !errors.Is(got.err, test.want) || test.want == nil && (!got.hasKey || got.hash != one.Hash()) {
			t.Errorf("%s: %v, want %v", name, got.err, test.want)
		}
		if !slices.Equal(got.Users, test.users) {
			t.Errorf("%s: users %q, want %q", name, got.Users, test.users)
		}
	}
}

func TestHeadersWithoutANameAreNotLookedFor(t *testing.T) {
	k := newKey(t).Reveal()
	if got := FromRequest(request("Secret: "+k, "UserName: u"), "", ""); got.err != ErrNoCredentials || got.Users != nil {
		t.Errorf("found %+v", got)
	}
}
