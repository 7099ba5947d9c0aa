package vault

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/psagate/psagate/internal/secret"
)

// scripted answers readings and writings of a record, each in one way.
type scripted struct {
	read, write canned
	lost        error // in place of the answer to a writing, which Vault gets; nil: none
	unsent      error // in place of a connection for it; nil: none
	writes      []string
}

// thereNow is a record with a field that no reading shows.
const thereNow = `{"data":{"data":{"secret":"s3cret-content","inner":{"pin":"deep-content","n":1.50}},
	"metadata":{"created_time":"` + created + `","deletion_time":"","destroyed":false,"version":7}}}`

// writtenNow is what Vault says of a new version.
const writtenNow = `{"data":{"created_time":"` + created + `","deletion_time":"","destroyed":false,"version":8}}`

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return s.read.RoundTrip(r)
	}
	if s.unsent != nil {
		return nil, s.unsent
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	text, err := io.ReadAll(r.Body)
	s.writes = append(s.writes, string(text))
	if err = errors.Join(err, s.lost); err != nil {
		return nil, err
	}
	return s.write.RoundTrip(r)
}

// writeTo writes over version 7 of a record that is at it.
func writeTo(t *testing.T, s *Source, script *scripted) (secret.Record, error) {
	t.Helper()
	s.session.accept(token{text: secret.NewValue("hvs.token-content"), uses: -1})
	s.wire.transport = script
	over, err := s.Read(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	return s.Write(t.Context(), "a", over, map[string]secret.Value{"secret": secret.NewValue(planted)})
}

func TestAWritingIsOneRequestWithTheWholeRecordAndItsVersion(t *testing.T) {
	faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
		script := &scripted{read: canned{200, []byte(thereNow)}, write: canned{200, []byte(writtenNow)}}
		r, err := writeTo(t, s, script)
		if err != nil || r.Version != 8 || r.Revision != "8 "+created || r.Fields["secret"].Reveal() != planted || len(r.Fields) != 1 {
			t.Errorf("written: %+v, %v", r, err)
		}
		want := `{"data":{"inner":{"pin":"deep-content","n":1.50},"secret":"` + planted + `"},"options":{"cas":7}}`
		if len(script.writes) != 1 || script.writes[0] != want {
			t.Errorf("sent %q, want %q", script.writes, want)
		}
	})
}

func TestAnAnswerToAWritingIsTakenForWhatItSaysAndNoMore(t *testing.T) {
	const quoting = `{"errors":["` + planted + ` deep-content hvs.token-content"]}`
	for name, test := range map[string]struct {
		status int
		body   string
		kind   error
		says   string
	}{
		"it is at another version":       {400, `{"errors":["check-and-set parameter did not match the current version"]}`, secret.ErrChanged, "kv/a is not at version 7 any more"},
		"a bad request":                  {400, quoting, secret.ErrUnavailable, "writing kv/a: Vault answers 400 ([redacted] [redacted] [redacted])"},
		"denied":                         {403, `{"errors":["permission denied"]}`, secret.ErrReadOnly, "Vault denies to update kv/data/a"},
		"no such engine":                 {404, `{"errors":["no handler for route \"kv/data/a\""]}`, secret.ErrDown, "no secrets engine"},
		"too many requests":              {429, `{"errors":[]}`, secret.ErrDown, "limits the rate"},
		"elsewhere":                      {307, ``, secret.ErrDown, "is the address that of a Vault?"},
		"an error of the storage":        {500, quoting, secret.ErrMaybeWritten, "writing kv/a: Vault answers 500 ([redacted] [redacted] [redacted]): before you write again, look whether kv/a has a version 8"},
		"sealed at the last moment":      {503, `{"errors":["Vault is sealed"]}`, secret.ErrMaybeWritten, "is sealed: it must be unsealed: before you write again"},
		"a gateway's error":              {502, `<html>` + planted, secret.ErrMaybeWritten, "answers 502: before"},
		"yes, but not what":              {200, `{"data":{}}`, secret.ErrMaybeWritten, "Vault answers 200: before"},
		"yes, but without anything":      {204, ``, secret.ErrMaybeWritten, "Vault answers 204: before"},
		"yes, by what is no Vault":       {200, `<html>` + planted, secret.ErrMaybeWritten, "with what no Vault says"},
		"yes, and more than can be read": {200, strings.Repeat(" ", maxAnswer+1), secret.ErrMaybeWritten, "the answer is larger than 4 MiB"},
	} {
		faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
			script := &scripted{read: canned{200, []byte(thereNow)}, write: canned{test.status, []byte(test.body)}}
			_, err := writeTo(t, s, script)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v, want %v that says %s", name, err, test.kind, test.says)
			}
			if maybe := errors.Is(err, secret.ErrMaybeWritten); maybe != (test.kind == secret.ErrMaybeWritten) {
				t.Errorf("%s: it may have been written: %t", name, maybe)
			}
			for _, hidden := range []string{planted, "s3cret-content", "deep-content", "token-content"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%s: the error shows a secret", name)
				}
			}
			if len(script.writes) != 1 && test.status != 403 {
				t.Errorf("%s: sent %d times", name, len(script.writes))
			}
		})
	}
}

func TestAWritingThatWasNeverSentIsNotInDoubtAndOneThatWasLostIs(t *testing.T) {
	for name, test := range map[string]struct {
		script *scripted
		maybe  bool
	}{
		"no connection":  {&scripted{unsent: errors.New("dial: refused")}, false},
		"no answer":      {&scripted{lost: io.ErrUnexpectedEOF}, true},
		"a reset by one": {&scripted{lost: errors.New("reset")}, true},
	} {
		faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
			test.script.read = canned{200, []byte(thereNow)}
			_, err := writeTo(t, s, test.script)
			if !errors.Is(err, secret.ErrDown) || errors.Is(err, secret.ErrMaybeWritten) != test.maybe {
				t.Errorf("%s: %v", name, err)
			}
			if len(test.script.writes) > 1 {
				t.Errorf("%s: sent %d times", name, len(test.script.writes))
			}
		})
	}
}

func TestAFieldThatCannotBeTextIsNotSent(t *testing.T) {
	faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
		_, err := s.Write(t.Context(), "a", secret.Record{}, map[string]secret.Value{"secret": secret.NewValue(planted + "\xff")})
		if err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("error %v", err)
		}
		if _, err := s.Write(t.Context(), "a//b", secret.Record{}, map[string]secret.Value{"secret": secret.NewValue("x")}); !errors.Is(err, secret.ErrNotFound) {
			t.Errorf("a path that is none: %v", err)
		}
	})
}

func TestAHistoryLooksAtSoManyVersionsAndNoMore(t *testing.T) {
	deleted := `{"data":{"data":null,"metadata":{"created_time":"` + created + `","deletion_time":"` + created + `","destroyed":false,"version":900}}}`
	faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
		s.session.accept(token{text: secret.NewValue(planted), looksUp: true, uses: -1})
		asked, pruning := 0, false
		s.wire.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case strings.Contains(r.URL.Path, "/metadata/"):
				return canned{403, []byte(`{"errors":["permission denied"]}`)}.RoundTrip(r)
			case strings.Contains(r.URL.Path, "/auth/"):
				return canned{200, []byte(`{"data":{"ttl":0}}`)}.RoundTrip(r)
			}
			if asked++; pruning && r.URL.RawQuery != "" {
				return canned{404, []byte(`{"errors":[]}`)}.RoundTrip(r)
			}
			return canned{404, []byte(deleted)}.RoundTrip(r)
		})
		_, err := s.Read(t.Context(), "a")
		if gone := new(secret.Gone); !errors.As(err, gone) || gone.Version != 900 || !errors.Is(err, secret.ErrNotFound) {
			t.Errorf("a reading: %v", err)
		}
		for _, want := range []int{1 + 5 + spared, 1 + 1} {
			asked = 0
			if all, err := s.History(t.Context(), "a", 5); err != nil || len(all) != 0 || asked != want {
				t.Errorf("%d versions, %v, after %d questions, want %d", len(all), err, asked, want)
			}
			pruning = true
		}
		s.wire.transport, s.wire.client = canned{200, []byte(thereNow)}, nil
		if _, state, err := s.readVersion(t.Context(), here, 6); err == nil || state == pruned {
			t.Errorf("another version than was asked for: %v", err)
		}
	})
}

func TestTheVersionsThatMetadataListsAreThoseThatWereNotDestroyed(t *testing.T) {
	for name, test := range map[string]struct {
		a    answer
		want []uint64
	}{
		"both":          {metadata(2, "", false), []uint64{2, 1}},
		"one destroyed": {metadata(2, "", true), []uint64{1}},
		"one deleted":   {metadata(2, created, false), []uint64{2, 1}},
		"none":          {answer{status: 200, body: []byte(`{"data":{}}`)}, nil},
	} {
		if got := listed(test.a); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func FuzzNoAnswerToAWritingShowsASecretOrPanics(f *testing.F) {
	for _, seed := range []string{
		thereNow, writtenNow, `{"errors":["` + planted + `"]}`, `{"errors":["check-and-set parameter did not match the current version"]}`,
		`{"data":{"versions":{"7":{"created_time":"x"},"x":null,"-1":{},"99999999999999999999":{}}}}`, `{"data":{"capabilities":["deny"]}}`,
		`<html>` + planted, `null`, `[]`, `{"data":{"metadata":{"version":18446744073709551615,"created_time":"` + planted + `"}}}`, "",
	} {
		for _, status := range []int{200, 204, 307, 400, 403, 404, 429, 500, 503} {
			f.Add(status, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
			script := &scripted{read: canned{200, []byte(thereNow)}, write: canned{status, body}}
			_, first := writeTo(t, s, script)
			s.session.accept(token{text: secret.NewValue(planted), uses: -1})
			s.wire.transport, s.wire.client = canned{status, bytes.Clone(body)}, nil
			_, second := s.History(t.Context(), "a", 5)
			third := s.CanWrite(t.Context(), "a")
			for _, err := range []error{first, second, third} {
				if err != nil && strings.Contains(err.Error(), planted) {
					t.Errorf("shown: %v", err)
				}
			}
		})
	})
}
