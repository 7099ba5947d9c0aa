package vault

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

// canned answers everything alike.
type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

func TestTheTroubleOfAVaultIsSaidInWordsToActOn(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"sealed":                        {503, `{"errors":["Vault is sealed"]}`, "the Vault at https://vault.test:8200 is sealed"},
		"not initialised":               {501, `{"errors":[]}`, "is not initialised"},
		"a standby alone":               {503, `{"errors":["Vault is in standby mode"]}`, "is a standby that knows no active Vault"},
		"rate limited":                  {429, `{"errors":["request path \"x\": rate limit quota exceeded"]}`, "limits the rate of requests (429)"},
		"an error of its own":           {500, `{"errors":["1 error occurred:\n\t* storage is away\n\n"]}`, "answers 500 (storage is away)"},
		"a gateway's error":             {502, `<html>` + planted, "answers 502"},
		"some other server":             {200, `<html>` + planted, "answers 200 with what no Vault says: is the address right?"},
		"some other server's not found": {404, `not here`, "answers 404 with what no Vault says"},
		"HTTPS where HTTP was spoken":   {400, "Client sent an HTTP request to an HTTPS server.\n", "speaks HTTPS: the address must begin with https://"},
		"an error that quotes us":       {500, `{"errors":["bad ` + planted + `"]}`, "answers 500 (bad [redacted])"},
		"a redirect to nowhere":         {307, ``, "is the address that of a Vault?"},
	} {
		faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
			s.wire.transport = canned{test.status, []byte(test.body)}
			_, err := s.Read(t.Context(), "a")
			if !errors.Is(err, secret.ErrDown) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %v, want %s", name, err, test.want)
			}
		})
	}
}

func TestWhatConcernsARecordAloneDoesNotCountAsTheVaultsTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"an error of its storage":   {500, `{"errors":["1 error occurred:\n\t* cannot decrypt\n\n"]}`, "reading kv/a: Vault answers 500 (cannot decrypt)"},
		"too much":                  {200, strings.Repeat(" ", maxAnswer+1), "the answer is larger than 4 MiB"},
		"a bad request":             {400, `{"errors":["missing ` + planted + `"]}`, "reading kv/a: Vault answers 400 (missing [redacted])"},
		"a path named like trouble": {405, `{"errors":["unsupported: Vault is sealed/standby"]}`, "Vault answers 405"},
	} {
		faked(t, newFake(), static(is(planted)), func(t *testing.T, s *Source, _ *notes) {
			s.session.accept(token{text: secret.NewValue(planted), uses: -1})
			s.wire.transport = canned{test.status, []byte(test.body)}
			_, err := s.Read(t.Context(), "a")
			if errors.Is(err, secret.ErrDown) || !errors.Is(err, secret.ErrUnavailable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", name, err, test.want)
			}
		})
	}
}

// real is a source of a test server, signed in already.
func real(t *testing.T, cfg Config) *Source {
	t.Helper()
	cfg.Auth.Method, cfg.Auth.Secret, cfg.Log = "token", is(planted), new(notes).logger()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.session.accept(token{text: secret.NewValue(planted), uses: -1})
	return s
}

func quietServer(t *testing.T, start func(*httptest.Server), h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = newQuietLog()
	start(srv)
	t.Cleanup(srv.Close)
	return srv
}

func TestAVaultThatCannotBeReachedIsSaidWithWhatToDo(t *testing.T) {
	fine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	secure, plain := quietServer(t, (*httptest.Server).StartTLS, fine), quietServer(t, (*httptest.Server).Start, fine)
	cutting := quietServer(t, (*httptest.Server).Start, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	demanding := quietServer(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		s.StartTLS()
	}, fine)
	ca := authority(t, secure)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"nothing listens":                  {Config{Address: "http://" + closed.Addr().String()}, "connection refused"},
		"an authority that is not known":   {Config{Address: secure.URL}, "set `ca`"},
		"a certificate for another name":   {Config{Address: strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), CA: ca}, "does not hold for localhost"},
		"plain HTTP where TLS was wanted":  {Config{Address: strings.Replace(plain.URL, "http:", "https:", 1), CA: ca}, "the address must begin with http://"},
		"TLS where plain HTTP was wanted":  {Config{Address: strings.Replace(secure.URL, "https:", "http:", 1)}, "the address must begin with https://"},
		"a connection that is cut":         {Config{Address: cutting.URL}, "the connection ended without an answer"},
		"a client certificate is demanded": {Config{Address: demanding.URL, CA: authority(t, demanding)}, "does it demand a client certificate?"},
		"an authority file is missing":     {Config{Address: secure.URL, CA: ca + ".none"}, ".none cannot be read: no such file or directory"},
		"an authority file of something":   {Config{Address: secure.URL, CA: written(t, planted)}, "holds no certificate in PEM form"},
		"a client certificate of nothing": {Config{
			Address: secure.URL, CA: ca, Auth: Auth{Certificate: written(t, planted), Key: written(t, planted)},
		}, "are no pair of PEM files"},
	} {
		_, err := real(t, test.cfg).Read(t.Context(), "a")
		if !errors.Is(err, secret.ErrDown) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// written makes a file.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// authority writes the certificate of a test server.
func authority(t *testing.T, srv *httptest.Server) string {
	t.Helper()
	return written(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
}

func TestAnAuthorityFileThatChangesIsReadAgain(t *testing.T) {
	f := newFake()
	f.add(planted, fakeToken{})
	srv := quietServer(t, (*httptest.Server).StartTLS, newServed(f))
	good, err := os.ReadFile(authority(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	ca := written(t, string(newAuthority(t)))
	s := real(t, Config{Address: srv.URL, CA: ca})
	if _, err := s.Read(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "set `ca`") {
		t.Fatalf("with another authority: %v", err)
	}
	if err := os.WriteFile(ca, good, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRead(t, s)
	mustRead(t, s)
	if err := os.WriteFile(ca, newAuthority(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "set `ca`") {
		t.Errorf("a connection of before serves on: %v", err)
	}
}

func TestTheTokenFollowsARedirectToTheSamePathAlone(t *testing.T) {
	f := newFake()
	f.add(planted, fakeToken{})
	active := quietServer(t, (*httptest.Server).Start, newServed(f))
	secure := quietServer(t, (*httptest.Server).StartTLS, newServed(f))
	for name, test := range map[string]struct {
		to   string
		good bool
	}{
		"the active Vault":        {active.URL + "/v1/kv/data/a", true},
		"a sign-in page":          {active.URL + "/login", false},
		"another scheme":          {secure.URL + "/v1/kv/data/a", false},
		"a name and a password":   {strings.Replace(active.URL, "//", "//u:p@", 1) + "/v1/kv/data/a", false},
		"no URL":                  {"http://[", false},
		"a path that is escaped":  {active.URL + "/v1/kv/data%2Fa", false},
		"the same path elsewhere": {active.URL + "/x/v1/kv/data/a", false},
	} {
		standby := quietServer(t, (*httptest.Server).Start, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", test.to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		before := len(f.asked)
		_, err := real(t, Config{Address: standby.URL, CA: authority(t, secure)}).Read(t.Context(), "a")
		if (err == nil) != test.good || !test.good && len(f.asked) != before {
			t.Errorf("%s: %v, %d questions", name, err, len(f.asked)-before)
		}
	}
}

func TestASecondRedirectIsNotFollowed(t *testing.T) {
	var srv *httptest.Server
	n := 0
	srv = quietServer(t, (*httptest.Server).Start, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Location", srv.URL+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	if _, err := real(t, Config{Address: srv.URL}).Read(t.Context(), "a"); !errors.Is(err, secret.ErrDown) || n != 2 {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestVaultsEnvironmentVariablesHaveNoEffect(t *testing.T) {
	for _, name := range []string{"ADDR", "AGENT_ADDR", "CACERT", "CAPATH", "CLIENT_CERT", "CLIENT_KEY", "CLIENT_TIMEOUT", "SKIP_VERIFY", "MAX_RETRIES", "RATE_LIMIT", "SRV_LOOKUP", "WRAP_TTL", "PROXY_ADDR", "HTTP_PROXY", "HEADERS", "DISABLE_REDIRECTS"} {
		t.Setenv("VAULT_"+name, "damaged\x01")
	}
	t.Setenv("VAULT_TOKEN", "of-the-environment")
	t.Setenv("VAULT_NAMESPACE", "of-the-environment")
	f := newFake()
	faked(t, f, Config{Namespace: "/team/"}, func(t *testing.T, s *Source, _ *notes) {
		mustRead(t, s)
		for i, h := range f.seen {
			if h.Get("X-Vault-Namespace") != "team" || h.Get("X-Vault-Request") != "true" || h.Get("X-Vault-Wrap-Ttl") != "" {
				t.Errorf("%s came with %v", f.asked[i], h)
			}
		}
		if got := f.seen[0].Get("X-Vault-Token"); got != "" {
			t.Error("the sign-in came with a token")
		}
	})
	f = newFake()
	faked(t, f, Config{}, func(t *testing.T, s *Source, _ *notes) {
		mustRead(t, s)
		if h, there := f.seen[1]["X-Vault-Namespace"]; there {
			t.Errorf("a namespace came from nowhere: %v", h)
		}
	})
}

func TestAPathPrefixOfTheAddressIsKept(t *testing.T) {
	f := newFake()
	f.add(planted, fakeToken{})
	srv := quietServer(t, (*httptest.Server).Start, http.StripPrefix("/behind", newServed(f)))
	if _, err := real(t, Config{Address: srv.URL + "/behind/"}).Read(t.Context(), "a b"); err != nil || f.asked[0] != "GET kv/data/a b" {
		t.Errorf("%v, asked %v", err, f.asked)
	}
}

func TestAReadingEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	srv := quietServer(t, (*httptest.Server).Start, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := real(t, Config{Address: srv.URL}).Read(ctx, "a"); !errors.Is(err, secret.ErrDown) || !strings.Contains(err.Error(), "gives no answer") {
		t.Errorf("error: %v", err)
	}
}
