package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

const created = "2026-11-26T13:53:48.192677662Z"

var here = place{"kv", "autotask/main"}

func TestTextsAndNumbersOfARecordAreFieldsAndAllElseIsLeftOut(t *testing.T) {
	body := `{"data":{"data":{"s":"te\"xt","empty":"","n":12345678901234567890,"f":1.50,"b":true,"z":null,"o":{"x":1},"l":[1]},
		"metadata":{"created_time":"` + created + `","deletion_time":"","destroyed":false,"version":7}}}`
	r, err := parseRecord(here, answer{status: 200, body: []byte(body)})
	if err != nil || r.Version != 7 || r.Revision != "7 "+created || r.Path != "autotask/main" {
		t.Fatalf("%+v, %v", r, err)
	}
	want := map[string]string{"s": `te"xt`, "empty": "", "n": "12345678901234567890", "f": "1.50"}
	for name, text := range want {
		if r.Fields[name].Reveal() != text {
			t.Errorf("%s is %q, want %q", name, r.Fields[name].Reveal(), text)
		}
	}
	if len(r.Fields) != len(want) {
		t.Errorf("%d fields", len(r.Fields))
	}
}

func TestAnAnswerOfAnotherShapeIsNoRecord(t *testing.T) {
	for name, body := range map[string]string{
		"a KV version 1 record": `{"data":{"secret":"` + planted + `"}}`,
		"no metadata":           `{"data":{"data":{"secret":"` + planted + `"}}}`,
		"no version":            `{"data":{"data":{"secret":"` + planted + `"},"metadata":{"created_time":"` + created + `"}}}`,
		"a version of words":    `{"data":{"data":{},"metadata":{"created_time":"` + created + `","version":"1"}}}`,
		"no content":            `{"data":{"data":null,"metadata":{"created_time":"` + created + `","version":1}}}`,
		"a list":                `["` + planted + `"]`,
		"nothing":               ``,
	} {
		_, err := parseRecord(here, answer{status: 200, body: []byte(body)})
		if !errors.Is(err, secret.ErrUnavailable) || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func metadata(current int, deletion string, destroyed bool) answer {
	return answer{status: 200, body: fmt.Appendf(nil, `{"data":{"current_version":%d,"versions":{
		"1":{"created_time":"2020-01-01T00:00:00Z","deletion_time":"","destroyed":false},
		"2":{"created_time":%q,"deletion_time":%q,"destroyed":%t}}}}`, current, created, deletion, destroyed)}
}

func TestTheRevisionIsThatOfTheReadingAndEmptyWhereOnlyVaultKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339Nano) }
		for name, test := range map[string]struct {
			a    answer
			want string
		}{
			"a version":                         {metadata(2, "", false), "2 " + created},
			"an older one after a restore":      {metadata(1, "", false), "1 2020-01-01T00:00:00Z"},
			"deleted":                           {metadata(2, in(-time.Minute), false), ""},
			"to be deleted soon":                {metadata(2, in(59*time.Minute), false), ""},
			"to be deleted in the far future":   {metadata(2, in(2*time.Hour), false), "2 " + created},
			"destroyed":                         {metadata(2, "", true), ""},
			"deleted at a time nobody can read": {metadata(2, "tomorrow", false), ""},
		} {
			if got, err := parseRevision(here, test.a); err != nil || got != test.want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
			}
		}
	})
	if _, err := parseRevision(here, metadata(0, "", false)); !errors.Is(err, secret.ErrNotFound) || !strings.Contains(err.Error(), "no version yet") {
		t.Errorf("metadata without a version: %v", err)
	}
	if _, err := parseRevision(here, metadata(3, "", false)); !errors.Is(err, secret.ErrUnavailable) {
		t.Errorf("a version that is not in the list: %v", err)
	}
}

func FuzzNoAnswerOfVaultsShowsASecretOrPanics(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"data":{"secret":"` + planted + `"},"metadata":{"created_time":"x","version":1,"deletion_time":"` + planted + `"}}}`,
		`{"data":{"current_version":1,"versions":{"1":{"created_time":"x"}}}}`,
		`{"errors":["` + planted + `"]}`, `{"errors":["1 error occurred:\n\t* no handler for route ` + planted + `"]}`,
		`{"auth":{"client_token":"` + planted + `","lease_duration":-1,"policies":["default"],"num_uses":-3}}`,
		`{"data":{"ttl":"1h","renewable":"true","num_uses":"x","type":"kv","options":{"version":"1"}}}`,
		`<html>` + planted, `null`, `[]`, `{"data":null,"auth":null}`, `{"data":{"type":"` + planted + `"}}`, "",
	} {
		for _, status := range []int{200, 204, 307, 400, 403, 404, 429, 500, 503} {
			f.Add(status, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		for _, cfg := range []Config{static(is(planted)), {}} {
			faked(t, newFake(), cfg, func(t *testing.T, s *Source, _ *notes) {
				s.wire.transport = canned{status, body}
				_, first := s.Read(t.Context(), "a")
				_, second := s.Revision(t.Context(), "a")
				s.session.accept(token{text: secret.NewValue(planted), ttl: time.Second, renewable: true, uses: -1})
				_, third := s.Read(t.Context(), "a")
				for _, err := range []error{first, second, third} {
					if err != nil && strings.Contains(err.Error(), planted) {
						t.Errorf("shown: %v", err)
					}
					if err != nil && !errors.Is(err, secret.ErrUnavailable) && !errors.Is(err, secret.ErrNotFound) {
						t.Errorf("of no kind: %v", err)
					}
				}
				if strings.Contains(s.Session().Error, planted) {
					t.Error("the session's status shows it")
				}
			})
		}
	})
}
