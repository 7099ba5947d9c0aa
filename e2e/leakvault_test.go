package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/vaulttest"
)

// record is where a world's credential lies in a Vault.
const record = "autotask/main"

// readsRecord is the policy of a psagate.
const readsRecord = `path "kv/*" { capabilities = ["read"] }`

// writesRecord is what it needs beside that to put a new secret into a record.
const writesRecord = `path "kv/data/*" { capabilities = ["create", "read", "update"] }`

// vaultKeeper is a real Vault, and what stands before it.
type vaultKeeper struct {
	*vaulttest.Vault
	front *repeater
}

// openVault starts a Vault to which psagate signs in by AppRole. Its tokens live so short a time that there are several.
func openVault(w *world) keeper {
	w.Helper()
	v := vaultKeeper{Vault: vaulttest.Start(w.T)}
	v.front = newRepeater(w, v.URL)
	role, _ := v.AppRole("psagate", []string{v.Policy("psagate", readsRecord)}, 2*time.Second, 3*time.Second)
	w.mayHold = append(w.mayHold, "secret_id")
	return keeper{
		caddyfile: fmt.Sprintf("vault %s {\n\t\t\tpoll 200ms\n\t\t\tauth approle %s {file.%s}\n\t\t}", v.front.URL, role, w.path("secret_id")),
		save:      v.save, letIn: v.letIn, jam: v.jam, learn: v.front.learn, troubles: v.troubles(),
	}
}

// save makes Vault serve, lets psagate in, and writes the record.
func (v vaultKeeper) save(w *world, password string) {
	w.Helper()
	v.front.repeat(nil)
	v.Unseal()
	v.Policy("psagate", readsRecord)
	id := v.SecretID("psagate")
	w.hide("a secret id", id)
	w.write("secret_id", id)
	v.put(w, password, nil)
}

// letIn gives psagate's tokens what `secret put` needs.
func (v vaultKeeper) letIn(*world) { v.Policy("psagate", readsRecord+"\n"+writesRecord) }

// jam has what stands before Vault answer each writing of a record, with what it was sent.
func (v vaultKeeper) jam(*world) {
	v.front.repeat(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || !strings.Contains(r.URL.Path, "/kv/data/") {
			v.front.pass.ServeHTTP(w, r)
			return
		}
		repeatToken(w, r)
	})
}

// put writes the record, with some fields changed; nil leaves one out.
func (v vaultKeeper) put(w *world, password string, changed map[string]any) {
	w.Helper()
	fields := map[string]any{"username": user, "secret": password, "integration_code": code}
	maps.Copy(fields, changed)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	v.Put(record, fields)
}

// troubles are what may be wrong with a Vault and a record in it.
func (v vaultKeeper) troubles() map[string]trouble {
	with := func(change func(password string) map[string]any) func(w *world, password string) {
		return func(w *world, password string) { w.Helper(); v.put(w, password, change(password)) }
	}
	return map[string]trouble{
		"Vault is sealed":            {func(*world, string) { v.Seal() }, "sealed"},
		"Vault repeats the token":    {func(*world, string) { v.front.repeat(repeatToken) }, "answers 500"},
		"the permission is gone":     {func(*world, string) { v.Policy("psagate", `path "kv/*" { capabilities = ["deny"] }`) }, "denies"},
		"the version is deleted":     {func(*world, string) { v.Delete(record) }, "deleted"},
		"a field is missing":         {with(func(string) map[string]any { return map[string]any{"integration_code": nil} }), "is missing"},
		"a field is misspelt":        {with(func(p string) map[string]any { return map[string]any{"secret": nil, "secrt": p} }), "did you mean"},
		"the secret is an array":     {with(func(p string) map[string]any { return map[string]any{"secret": []string{p}} }), "secret"},
		"the secret ends with lines": {with(func(p string) map[string]any { return map[string]any{"secret": p + "\n"} }), "line break"},
		"the zone is the password":   {with(func(p string) map[string]any { return map[string]any{"zone": p} }), "base URL"},
		"the impersonation is, too":  {with(func(p string) map[string]any { return map[string]any{"impersonate": p} }), "impersonate"},
		"the secret id is wrong":     {func(w *world, _ string) { w.write("secret_id", "no-"+newKey(w.T).Reveal()) }, "sign-in by approle"},
	}
}

// repeater passes on what comes for a Vault. It notes the tokens, and can answer itself, with what it was sent.
type repeater struct {
	*httptest.Server
	pass   http.Handler
	mu     sync.Mutex
	tokens []string
	answer func(w http.ResponseWriter, r *http.Request) // nil: Vault does
}

func newRepeater(w *world, to string) *repeater {
	w.Helper()
	base, err := url.Parse(to)
	if err != nil {
		w.Fatal(err)
	}
	r := &repeater{pass: httputil.NewSingleHostReverseProxy(base)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if answer := r.note(q.Header.Get("X-Vault-Token")); answer != nil {
			answer(w, q)
			return
		}
		r.pass.ServeHTTP(w, q)
	}))
	w.Cleanup(r.Close)
	return r
}

// note remembers a token, and returns what is to answer.
func (r *repeater) note(token string) func(w http.ResponseWriter, r *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token != "" && !slices.Contains(r.tokens, token) {
		r.tokens = append(r.tokens, token)
	}
	return r.answer
}

// repeat has it answer itself; nil: Vault does again.
func (r *repeater) repeat(answer func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// repeatToken is an error that quotes its request, as a proxy's does.
func repeatToken(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	token := r.Header.Get("X-Vault-Token")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Token", token)
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `{"errors":["upstream failed for token %s, %s, with %s"]}`, token, base64Of(token), goJSON(string(body)))
}

// learn hides the tokens, of which there must have been some.
func (r *repeater) learn(w *world) {
	w.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.tokens) < 2 {
		w.Errorf("%d tokens came", len(r.tokens))
	}
	for i, token := range r.tokens {
		w.hide(fmt.Sprintf("token %d of Vault's", i+1), token)
	}
}
