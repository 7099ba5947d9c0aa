package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretPutSaysWhatItWillDoAndWhatCameOfIt(t *testing.T) {
	for name, c := range map[string]struct{ args, input, told string }{
		"accepted":         {"secret put main", "hunter2\n", "put main over 7: hunter2, , , ahead false"},
		"accepted-json":    {"secret put main --json", "hunter2", "put main over 7: hunter2, , , ahead false"},
		"refused":          {"secret put main", "wrong\n", "put main over 7: wrong, , , ahead false"},
		"ahead":            {"secret put main --ahead", "hunter2\r\n", "put main over 7: hunter2, , , ahead true"},
		"unfit":            {"secret put main", "with space\n", "put main over 7: with space, , , ahead false"},
		"changed":          {"secret put main", "late\n", "put main over 7: late, , , ahead false"},
		"spent":            {"secret put spent", "hunter2\n", ""},
		"spent-ahead":      {"secret put spent --ahead", "hunter2\n", "put spent over 7: hunter2, , , ahead true"},
		"another-user":     {"secret put main --username other@example.com", "hunter2\n", "put main over 7: hunter2, other@example.com, , ahead false"},
		"first":            {"secret put second --username api@example.com --integration-code", "hunter2\nCODE\n", "put second over 0: hunter2, api@example.com, CODE, ahead false"},
		"first-no-user":    {"secret put second", "hunter2\n", ""},
		"first-no-code":    {"secret put second --username api@example.com", "hunter2\n", ""},
		"no-second-line":   {"secret put main --integration-code", "hunter2\n", ""},
		"no-input":         {"secret put main", "", ""},
		"unknown-login":    {"secret put third", "hunter2\n", ""},
		"no-login":         {"secret put", "hunter2\n", ""},
		"password-as-word": {"secret put main hunter2", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			engine := new(fake)
			address := running(t, engine)
			got := runWith(t, c.input, append(strings.Fields(c.args), "--address", address)...)
			text := fmt.Sprintf("$ psagate %s\n%s---- stderr\n%s---- exit status %d\n", c.args, got.out, got.err, got.status)
			golden(t, filepath.Join("testdata/command", "secret-put-"+name+".golden"), strings.ReplaceAll(text, address, "<address>"))
			if told := strings.Join(engine.told(), "; "); told != c.told {
				t.Errorf("the engine was told: %s", told)
			}
			if strings.Contains(got.out+got.err, "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}

// asked is the answer to a request for the secret of the login main.
func asked(t *testing.T, method, body string) (status int, text string) {
	t.Helper()
	return askedAt(t, method, "", body)
}

// askedAt is the answer to a request below the login's secret.
func askedAt(t *testing.T, method, below, body string) (status int, text string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	adminServer(t, new(fake)).ServeHTTP(recorder, httptest.NewRequest(method, "/psa/logins/main/secret"+below, strings.NewReader(body)))
	return recorder.Code, recorder.Body.String()
}

func TestTheAdminEndpointTakesACredentialAndShowsNone(t *testing.T) {
	for body, status := range map[string]int{
		`{"version": 7, "secret": "hunter2"}`:                   http.StatusOK,
		`{"version": 7, "secret": "late"}`:                      http.StatusConflict,
		`{"version": 7, "secret": "second"}`:                    http.StatusConflict,
		`{"version": 7, "secret": "stopping"}`:                  http.StatusServiceUnavailable,
		`{"version": 7, "secret": "with space"}`:                http.StatusBadRequest,
		`{"secret": "hunter2"}`:                                 http.StatusBadRequest,
		`{"version": 7}`:                                        http.StatusBadRequest,
		`{"version": 7, "secret": "hunter2", "sceret": "more"}`: http.StatusBadRequest,
		`{"version": 7, "secret": hunter2}`:                     http.StatusBadRequest,
		``:                                                      http.StatusBadRequest,
	} {
		got, text := asked(t, http.MethodPost, body)
		if got != status || strings.Contains(text, "hunter2") || strings.Contains(text, "more") {
			t.Errorf("%s: %d %s", body, got, text)
		}
	}
	for body, status := range map[string]int{`{"username": "x@example.com"}`: http.StatusOK, `{"username": hunter2}`: http.StatusBadRequest, `{}`: http.StatusBadRequest} {
		if got, text := askedAt(t, http.MethodPost, "/look", body); got != status || strings.Contains(text, "hunter2") {
			t.Errorf("a look, %s: %d %s", body, got, text)
		}
	}
	if got, text := asked(t, http.MethodDelete, ""); got != http.StatusMethodNotAllowed {
		t.Errorf("%d %s", got, text)
	}
}
