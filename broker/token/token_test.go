package token_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/psagate/psagate/broker/refused"
	"github.com/psagate/psagate/broker/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a token server in memory, so that time may be a bubble's.
type server struct {
	mu     sync.Mutex
	forms  []url.Values
	basics []string
	answer func(form url.Values) (int, string)
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	s.forms = append(s.forms, form)
	user, password, _ := r.BasicAuth()
	s.basics = append(s.basics, user+":"+password)
	answer := s.answer
	s.mu.Unlock()
	status, text := answer(form)
	if status == 0 {
		return nil, errors.New(text)
	}
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	rec.WriteHeader(status)
	_, _ = rec.WriteString(text)
	return rec.Result(), nil
}

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.forms)
}

func (s *server) last() url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms[len(s.forms)-1]
}

func (s *server) says(answer func(form url.Values) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// numbered gives tokens that live for an hour.
func numbered() func(url.Values) (int, string) {
	n := 0
	return func(url.Values) (int, string) {
		n++
		return 200, fmt.Sprintf(`{"access_token": "access-%d", "token_type": "Bearer", "expires_in": 3600}`, n)
	}
}

func refusal(status int, code, description string) func(url.Values) (int, string) {
	return func(url.Values) (int, string) {
		text, _ := json.Marshal(map[string]string{"error": code, "error_description": description})
		return status, string(text)
	}
}

const (
	clientSecret = "s3cr3t/of+the app"
	tokenURL     = "https://login.example.com/tenant/token"
)

// kept is a secret in a store that people and programs change.
type kept struct {
	mu    sync.Mutex
	value string
	err   error
}

func (k *kept) get(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, k.err
}

func (k *kept) put(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.value = value
}

func credentials(t *testing.T, s *server, secret *kept, edit ...func(*token.Client)) *token.Source {
	t.Helper()
	c := token.Client{URL: tokenURL, ID: "app", Secret: secret.get, Scopes: []string{"https://outlook.office365.com/.default"}, Transport: s}
	for _, f := range edit {
		f(&c)
	}
	source, err := token.ClientCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func want(t *testing.T, source *token.Source, access string) {
	t.Helper()
	if got, err := source.Token(t.Context()); got != access || err != nil {
		t.Fatalf("the token is %q (%v), not %q", got, err, access)
	}
}

func refuses(t *testing.T, source *token.Source, words ...string) *token.Problem {
	t.Helper()
	_, err := source.Token(t.Context())
	p := new(token.Problem)
	if !errors.As(err, &p) {
		t.Fatalf("no problem, but %v", err)
	}
	for _, word := range words {
		if !strings.Contains(p.Error(), word) {
			t.Errorf("%q is not in: %s", word, p)
		}
	}
	return p
}

func TestATokenComesFromMemoryAndAnotherIsThereBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: numbered()}
		source := credentials(t, s, &kept{value: clientSecret})
		want(t, source, "access-1")
		form := s.last()
		if form.Get("grant_type") != "client_credentials" || form.Get("client_id") != "app" || form.Get("client_secret") != clientSecret || form.Get("scope") != "https://outlook.office365.com/.default" {
			t.Errorf("the server was asked %v", form)
		}
		time.Sleep(48*time.Minute - time.Second)
		want(t, source, "access-1")
		if n := s.asked(); n != 1 {
			t.Fatalf("the server was asked %d times before four fifths were over", n)
		}
		time.Sleep(2 * time.Second)
		want(t, source, "access-1") // it serves on, while another is asked for
		synctest.Wait()
		want(t, source, "access-2")
		if n := s.asked(); n != 2 {
			t.Errorf("the server was asked %d times", n)
		}
		time.Sleep(time.Hour)
		want(t, source, "access-3") // nobody needed one for an hour
	})
}

func TestAServerThatIsDownIsLeftAloneAndTheTokenServesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: numbered()}
		source := credentials(t, s, &kept{value: clientSecret})
		want(t, source, "access-1")
		s.says(func(url.Values) (int, string) { return 0, "connection refused" })
		time.Sleep(49 * time.Minute)
		for range 3 {
			want(t, source, "access-1")
			synctest.Wait()
		}
		if n := s.asked(); n != 2 {
			t.Errorf("the server was asked %d times at once", n)
		}
		if source.Problem() == nil {
			t.Error("nobody is told")
		}
		time.Sleep(11 * time.Minute)
		refuses(t, source, "login.example.com", "connection refused")
		before := s.asked()
		refuses(t, source, "connection refused")
		if s.asked() != before {
			t.Error("the server is asked again at once")
		}
		s.says(func(url.Values) (int, string) { return 200, `{"access_token": "back"}` })
		time.Sleep(6 * time.Minute)
		want(t, source, "back")
		if source.Problem() != nil {
			t.Error(source.Problem())
		}
		time.Sleep(usualLifeOver)
		s.says(func(url.Values) (int, string) { return 200, `{"access_token": "next"}` })
		want(t, source, "next") // it did not say how long it lives
	})
}

const usualLifeOver = 5*time.Minute + time.Second

func TestARefusedSecretIsNotSentAgainUntilItChanges(t *testing.T) {
	for code, description := range map[string]string{"invalid_client": "AADSTS7000215: Invalid client secret provided: " + clientSecret, "invalid_grant": "it was withdrawn"} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: refusal(401, code, description)}
			secret := &kept{value: clientSecret}
			source := credentials(t, s, secret)
			p := refuses(t, source, code, "login.example.com", "not sent again until it changes")
			if !p.Refused || strings.Contains(p.Error(), clientSecret) {
				t.Errorf("%+v", p)
			}
			for range 10 {
				time.Sleep(24 * time.Hour)
				refuses(t, source, code)
			}
			if n := s.asked(); n != 1 {
				t.Fatalf("the refused secret was sent %d times", n)
			}
			secret.put("another")
			s.says(numbered())
			want(t, source, "access-1")
		})
	}
}

// Each mailbox of an application has a Source, a reload makes others, and so does a process that begins anew.
func TestARefusedSecretIsNotSentAgainByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refusal(401, "invalid_client", "no")}
		secret, books := &kept{value: clientSecret}, new(refused.InMemory)
		begun := func() *token.Source {
			source := credentials(t, s, secret)
			source.Share(&refused.Memory{Books: books}, "")
			return source
		}
		refuses(t, begun(), "until it changes")
		for range 3 {
			if p := refuses(t, begun(), "https://login.example.com/", "has refused the client secret of", "until it changes"); !p.Refused || strings.Contains(p.Error(), clientSecret) {
				t.Errorf("%+v", p)
			}
		}
		if n := s.asked(); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
		s.says(numbered())
		other := begun()
		other.Forget() // somebody says that it is right now
		want(t, other, "access-1")
		want(t, begun(), "access-2")
		// Where it cannot be looked up, nothing is sent; what was had before serves on.
		broken := credentials(t, s, secret)
		broken.Share(&refused.Memory{Books: gone{}}, "")
		if p := refuses(t, broken, "the store is gone"); p.Refused || s.asked() != 3 {
			t.Errorf("%+v, asked %d times", p, s.asked())
		}
	})
}

// gone are books that cannot be used.
type gone struct{}

func (gone) Change(context.Context, string, func(*refused.Record)) error {
	return errors.New("the store is gone")
}

func (gone) Prints(string, string) ([]string, error) { return []string{"x"}, nil }

func TestWhatIsRefusedForAnotherReasonIsAskedForAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refusal(400, "unauthorized_client", "AADSTS700016: no such application")}
		source := credentials(t, s, &kept{value: clientSecret})
		if p := refuses(t, source, "there is no application of this id in the tenant"); p.Refused {
			t.Error("that is not about the secret")
		}
		refuses(t, source)
		if n := s.asked(); n != 1 {
			t.Fatalf("asked %d times at once", n)
		}
		s.says(numbered())
		time.Sleep(15*time.Minute + time.Second)
		want(t, source, "access-1")
	})
}

func TestSomebodyMaySayThatASecretIsRightNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refusal(401, "invalid_client", "no")}
		source := credentials(t, s, &kept{value: clientSecret})
		refuses(t, source)
		s.says(numbered())
		refuses(t, source)
		source.Forget()
		want(t, source, "access-1")
	})
}

func TestOneRequestServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		give := numbered()
		s.answer = func(form url.Values) (int, string) { time.Sleep(time.Second); return give(form) }
		source := credentials(t, s, &kept{value: clientSecret})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, err := source.Token(ctx); left <- err }() // the first, who begins the request, leaves
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves hears %v", err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { want(t, source, "access-1") })
		}
		all.Wait()
		if n := s.asked(); n != 1 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}

func refreshed(t *testing.T, s *server, store *kept, save func(context.Context, string) error, log io.Writer) *token.Source {
	t.Helper()
	c := token.Client{URL: tokenURL, ID: "app", Scopes: []string{"imap", "offline_access"}, Transport: s, Params: url.Values{"audience": {"mail"}}}
	if log != nil {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	source, err := token.RefreshToken(c, store.get, save)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// rotating takes the refresh token that it gave last, and no other.
func rotating(first string) func(url.Values) (int, string) {
	takes, n := first, 0
	return func(form url.Values) (int, string) {
		if form.Get("refresh_token") != takes {
			return refusal(400, "invalid_grant", "it was used: "+form.Get("refresh_token"))(form)
		}
		n++
		takes = fmt.Sprint("refresh-", n)
		return 200, fmt.Sprintf(`{"access_token": "access-%d", "token_type": "bearer", "expires_in": "3600", "refresh_token": %q}`, n, takes)
	}
}

func TestAReplacedRefreshTokenIsSavedAndTheOldOneNotShownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: rotating("refresh-0")}
		store := &kept{value: "refresh-0"}
		var saved []string
		full := true
		var log bytes.Buffer
		source := refreshed(t, s, store, func(_ context.Context, refresh string) error {
			if full {
				return errors.New("the disk is full at " + refresh)
			}
			saved = append(saved, refresh)
			return nil // and the store still shows the old one, as one that is polled does
		}, &log)
		want(t, source, "access-1")
		form := s.last()
		if form.Get("grant_type") != "refresh_token" || form.Get("scope") != "imap offline_access" || form.Get("audience") != "mail" || form.Has("client_secret") {
			t.Errorf("the server was asked %v", form)
		}
		full = false
		time.Sleep(6 * time.Second)
		want(t, source, "access-1")
		synctest.Wait()
		if fmt.Sprint(saved) != "[refresh-1]" || s.asked() != 1 {
			t.Errorf("saved is %v after %d requests", saved, s.asked())
		}
		if strings.Contains(log.String(), "refresh-1") || !strings.Contains(log.String(), "the disk is full") {
			t.Errorf("the log says %s", log.String())
		}
		time.Sleep(2 * time.Hour)
		want(t, source, "access-2")
		store.put("refresh-1") // the store is late: that one has been replaced, too
		time.Sleep(2 * time.Hour)
		want(t, source, "access-3")
		s.says(rotating("by a person"))
		store.put("by a person\n")
		time.Sleep(2 * time.Hour)
		want(t, source, "access-1")
	})
}

func TestARefusedRefreshTokenIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: rotating("other")}
		store := &kept{value: "stale"}
		source := refreshed(t, s, store, nil, nil)
		if p := refuses(t, source, "must sign in again"); strings.Contains(p.Error(), "stale") || !p.Refused {
			t.Errorf("%v", p)
		}
		time.Sleep(time.Hour)
		refuses(t, source)
		if s.asked() != 1 {
			t.Error("it was sent again")
		}
		store.put("other")
		want(t, source, "access-1")
	})
}

func TestWhateverAStoreShowsTheServerSeesNoTokenTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			seen := map[string]bool{}
			n := 0
			s := &server{answer: func(form url.Values) (int, string) {
				shown := form.Get("refresh_token")
				if seen[shown] {
					rt.Errorf("%s was shown twice", shown)
				}
				seen[shown] = true
				n++
				return 200, fmt.Sprintf(`{"access_token": "a", "expires_in": 60, "refresh_token": "refresh-%d"}`, n)
			}}
			store := &kept{value: "refresh-0"}
			var history []string
			source, err := token.RefreshToken(token.Client{URL: tokenURL, ID: "app", Transport: s}, store.get, func(_ context.Context, refresh string) error {
				history = append(history, refresh)
				return nil
			})
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(1, 30).Draw(rt, "steps") {
				if len(history) > 0 && rapid.Bool().Draw(rt, "the store catches up") {
					store.put(history[rapid.IntRange(0, len(history)-1).Draw(rt, "to")])
				}
				if rapid.IntRange(0, 9).Draw(rt, "store fails") == 0 && len(history) > 0 {
					store.put("")
				}
				if _, err := source.Token(context.Background()); err != nil {
					rt.Errorf("no token: %v", err)
				}
				synctest.Wait()
				time.Sleep(2 * time.Minute)
			}
		})
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		words  string
	}{
		"a web page":     {404, "<html>", "HTTP 404"},
		"elsewhere":      {307, "", "HTTP 307"},
		"not a token":    {200, `{"access_token": "a\r\nb"}`, "no access token"},
		"nothing":        {200, `{}`, "access_token"},
		"another kind":   {200, `{"access_token": "a", "token_type": "mac"}`, "mac"},
		"busy":           {503, `{"error": "temporarily_unavailable"}`, "asked again"},
		"an error of OK": {200, `{"error": "invalid_client", "error_description": "no"}`, "invalid_client"},
	} {
		s := &server{answer: func(url.Values) (int, string) { return c.status, c.body }}
		source := credentials(t, s, &kept{value: clientSecret})
		if p := refuses(t, source, c.words); strings.Contains(p.Error(), clientSecret) {
			t.Errorf("%s: %v", name, p)
		}
		if n := s.asked(); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	s := &server{answer: func(form url.Values) (int, string) {
		return 400, `{"error": "invalid_client", "error_description": "` + url.QueryEscape(form.Get("client_secret")) + " " + form.Get("client_secret") + `"}`
	}}
	source := credentials(t, s, &kept{value: clientSecret})
	p := refuses(t, source)
	for err := error(p); err != nil; err = errors.Unwrap(err) {
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, clientSecret) || strings.Contains(text, url.QueryEscape(clientSecret)) {
			t.Errorf("it is in %s", text)
		}
	}
	s.says(numbered())
	source.Forget()
	want(t, source, "access-1")
	text, err := json.Marshal(map[string]any{"source": source})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "source", source)
	for _, printed := range []string{string(text), log.String(), fmt.Sprintf("%v %+v %#v %s %q %x", source, source, source, source, source, source)} {
		if strings.Contains(printed, "access-1") || strings.Contains(printed, fmt.Sprintf("%x", "access-1")) {
			t.Errorf("the token is in %s", printed)
		}
	}
}

func TestBasicIsUsedWhereItIsToldAndNothingIsTriedOut(t *testing.T) {
	s := &server{answer: refusal(401, "invalid_client", "no")}
	source := credentials(t, s, &kept{value: "simple"}, func(c *token.Client) { c.Basic = true })
	refuses(t, source)
	if s.asked() != 1 || s.basics[0] != "app:simple" || s.last().Has("client_secret") {
		t.Errorf("%d requests, %v", s.asked(), s.basics)
	}
}

func TestBadClientsAreRefused(t *testing.T) {
	good := token.Client{URL: tokenURL, ID: "app", Secret: (&kept{value: "x"}).get}
	for name, edit := range map[string]func(*token.Client){
		"in the clear": func(c *token.Client) { c.URL = "http://login.example.com/token" },
		"no URL":       func(c *token.Client) { c.URL = "login.example.com" },
		"a password":   func(c *token.Client) { c.URL = "https://a:b@login.example.com/token" },
		"no id":        func(c *token.Client) { c.ID = "" },
		"no secret":    func(c *token.Client) { c.Secret = nil },
	} {
		c := good
		edit(&c)
		if _, err := token.ClientCredentials(c); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	good.URL = "http://127.0.0.1:1/token"
	if _, err := token.ClientCredentials(good); err != nil {
		t.Errorf("this machine's: %v", err)
	}
}
