package identity

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secondKey is another key than goldenKey, of another integration.
var secondKey = func() string {
	key, err := NewKey(strings.NewReader(strings.Repeat("psagate ", 4)))
	if err != nil {
		panic(err)
	}
	return key.Reveal()
}()

// spelled puts keys where a text has their marks, and encodes the pair of a line "Basic ~user:password".
func spelled(text string) string {
	text = strings.NewReplacer("<ONE>", goldenKey, "<TWO>", secondKey).Replace(text)
	if scheme, pair, plain := strings.Cut(text, " ~"); plain {
		return scheme + " " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	return text
}

func spelledLines(text string) []string {
	var all []string
	for line := range strings.SplitSeq(text, "\n") {
		all = append(all, spelled(line))
	}
	return all
}

var authorization = regexp.MustCompile(`(?s)^(?:(?i:(basic)|(bearer)) +)(.*)$`)

// carried returns what a call carries in the place of a key, and whether there is anything else that a credential may be.
func carried(secrets, authorizations []string) (values []string, others bool) {
	for _, value := range secrets {
		if value != "" {
			values = append(values, value)
		}
	}
	for _, line := range authorizations {
		line = strings.TrimSpace(line)
		m := authorization.FindStringSubmatch(line)
		switch {
		case m != nil && m[2] != "":
			values = append(values, strings.TrimSpace(m[3]))
		case m != nil:
			pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(m[3]))
			_, password, ok := strings.Cut(string(pair), ":")
			if err != nil || !ok || len(strings.TrimSpace(m[3])) > 4096 {
				others = true
			} else if password != "" {
				values = append(values, password)
			}
		case !strings.EqualFold(line, "bearer"):
			others = true
		}
	}
	return values, others
}

// wantOf says what a call with these values is: the one key's, or the error.
func wantOf(values []string, others bool) (key string, err error) {
	keys, mistyped := map[string]bool{}, false
	for _, value := range values {
		switch {
		case isKey(value):
			keys[value] = true
			key = value
		case strings.HasPrefix(value, "psagate_"):
			mistyped = true
		default:
			others = true
		}
	}
	switch {
	case len(keys) > 1 || len(keys) == 1 && mistyped:
		return "", ErrConflict
	case len(keys) == 1:
		return key, nil
	case mistyped:
		return "", ErrMistyped
	case others:
		return "", ErrNotAKey
	}
	return "", ErrNoCredentials
}

// FuzzFromRequest: a call is the one integration's whose key it carries, wherever and however often; two keys, or a key and
// a mistyped one, are nobody's, in any order; what is no key makes none. A line of the first two texts is a header.
func FuzzFromRequest(f *testing.F) {
	f.Add("hunter2", "Basic ~u:p", "user")
	f.Add("<ONE>", "Bearer <ONE>", "")
	names := map[string]string{goldenKey: "one", secondKey: "two"}
	var integrations []Integration
	for text, name := range names {
		key, err := ParseKey(text)
		if err != nil {
			f.Fatal(err)
		}
		integrations = append(integrations, Integration{Name: name, Keys: []Hash{key.Hash()}})
	}
	book, err := NewBook(integrations, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, secrets, authorizations, users string) {
		h := http.Header{"Secret": spelledLines(secrets), "Authorization": spelledLines(authorizations), "Username": spelledLines(users)}
		before := h.Clone()
		wantKey, wantErr := wantOf(carried(h["Secret"], h["Authorization"]))
		for range 2 {
			presented := FromRequest(h, "UserName", "Secret")
			caller, err := identify(book, presented)
			switch {
			case wantErr != nil && (!errors.Is(err, wantErr) || caller.Integration != nil):
				t.Fatalf("%q: identified as %+v, %v; want %v", h, caller, err, wantErr)
			case wantErr == nil && names[wantKey] != "" && (err != nil || caller.Integration == nil || caller.Integration.Name != names[wantKey]):
				t.Fatalf("%q: identified as %+v, %v; want %s", h, caller, err, names[wantKey])
			case wantErr == nil && names[wantKey] == "" && (err == nil || caller.Integration != nil):
				t.Fatalf("%q: an unknown key is identified as %+v", h, caller)
			}
			checkUsers(t, presented.Users, h)
			slices.Reverse(h["Secret"])
			slices.Reverse(h["Authorization"])
		}
		if !slices.Equal(before["Secret"], h["Secret"]) || !slices.Equal(before["Authorization"], h["Authorization"]) {
			t.Fatal("the caller's headers changed")
		}
	})
}

func checkUsers(t *testing.T, users []string, h http.Header) {
	t.Helper()
	for i, user := range users {
		if user == "" || len(user) > 256 || slices.Contains(users[:i], user) || i == 4 {
			t.Fatalf("%q: users %q", h, users)
		}
	}
}
