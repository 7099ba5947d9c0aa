package zone

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/autotask"
)

// planted is put into hostile records where a secret may be.
const planted = "hunter2hunter2"

// place is what a stored zone's base becomes, at the most, before a credential goes there.
var place = regexp.MustCompile(`^https://webservices([1-9][0-9]{0,3})?\.autotask\.(net|com)/ATServicesRest/$`)

// FuzzStoredZone: what a storage holds, whoever wrote it, is a zone whose base is judged like any other, or nothing and one
// short warning that shows none of it.
func FuzzStoredZone(f *testing.F) {
	f.Add([]byte(`{"base":"https://webservices14.autotask.net/ATServicesRest/","web_url":"https://ww14.autotask.net/","name":"AE02","ci":7,"found_at":"2026-01-02T03:04:05Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var log bytes.Buffer
		s := newShelf()
		s.files[main.storageKey()] = string(data)
		c := NewCache(nil, s, slog.New(slog.NewTextHandler(&log, nil)))
		defer c.Close()
		z, ok := c.load(t.Context(), main)
		if !ok {
			if z != (Zone{}) || strings.Count(log.String(), "\n") != 1 || log.Len() > 400 || strings.Contains(log.String(), planted) {
				t.Fatalf("%q: %+v, log %q", data, z, log.String())
			}
			return
		}
		if log.Len() > 0 || z.Verified || !json.Valid(data) {
			t.Fatalf("%q: %+v, log %q", data, z, log.String())
		}
		checkStoredBase(t, z.Base)
		checkStoredAgain(t, s, z)
	})
}

func checkStoredBase(t *testing.T, text string) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		t.Fatalf("%q is taken for a base", text)
	}
	base, err := autotask.ParseBase(text, autotask.HostRule{})
	switch {
	case err != nil && strings.Contains(err.Error(), planted) && !strings.Contains(strings.ToLower(u.Host), planted):
		t.Fatalf("%q: %v", text, err)
	case err == nil && (!place.MatchString(base.String()) || !strings.EqualFold(u.Hostname(), base.Host())):
		t.Fatalf("%q became %q", text, base)
	}
}

// checkStoredAgain writes the zone as the cache does, and reads it.
func checkStoredAgain(t *testing.T, s *shelf, z Zone) {
	t.Helper()
	c := NewCache(nil, s, slog.New(slog.DiscardHandler))
	defer c.Close()
	c.save(t.Context(), &entry{key: main, zone: z})
	again, ok := c.load(t.Context(), main)
	if !ok || !again.same(z) || !again.FoundAt.Equal(z.FoundAt) {
		t.Fatalf("%+v is read again as %+v, %v", z, again, ok)
	}
}
