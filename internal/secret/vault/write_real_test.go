//go:build unix

package vault

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/internal/vaulttest"
)

const writeAll = `path "kv/data/*" { capabilities = ["create", "read", "update"] }
path "kv/metadata/*" { capabilities = ["read"] }`

func TestWritingRecordsOfARealVault(t *testing.T) {
	v := vaulttest.Start(t, vaulttest.OnDisk())
	for name, test := range map[string]func(*testing.T, *vaulttest.Vault){
		"a version keeps what is not set, whatever its kind":       keptWhole,
		"the users of a record are told of what was written":       toldAtOnce,
		"a record that is new, deleted, destroyed or empty":        firstVersions,
		"a version that is not the newest any more":                overtaken,
		"two writers at once":                                      twoWriters,
		"a restored Vault that gave the number again":              restoredBeforeWrite,
		"a permission that lacks is named":                         unwritten,
		"a token that dies is replaced and the request sent again": diesBeforeWrite,
		"an engine that demands check-and-set":                     demandsCAS,
		"an engine that is there no more":                          engineGone,
		"an answer that is lost":                                   answerLost,
		"a Vault that is gone, sealed or slow":                     vaultAway,
		"a record that is too large":                               tooLarge,
		"a history by the metadata":                                historyByMetadata,
		"a history without the metadata":                           historyByCounting,
		"a history of versions that are pruned":                    historyPruned,
	} {
		t.Run(name, func(t *testing.T) { test(t, v.With(t)) })
	}
}

// writer is a source of a real Vault with a token of a policy.
func writer(t *testing.T, v *vaulttest.Vault, policy string) *Source {
	t.Helper()
	return newSource(t, byToken(v, policy), new(notes))
}

func set(text string) map[string]secret.Value {
	return map[string]secret.Value{"secret": secret.NewValue(text)}
}

// reading is the record as it is now.
func reading(t *testing.T, s *Source, path string) secret.Record {
	t.Helper()
	r, err := s.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw is the content of a record's newest version, as Vault has it.
func raw(t *testing.T, v *vaulttest.Vault, path string) map[string]any {
	t.Helper()
	a, err := v.Client().Logical().Read("kv/data/" + path)
	if err != nil || a == nil {
		t.Fatalf("%s: %v", path, err)
	}
	data, _ := a.Data["data"].(map[string]any)
	return data
}

// refused demands an error of a kind that says something, and that it shows nothing.
func refused(t *testing.T, err, kind error, says ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), planted) {
		t.Error("the error shows a secret")
	}
}

func keptWhole(t *testing.T, v *vaulttest.Vault) {
	whole := map[string]any{
		"username": "u", "secret": "one", "note": `<"&>` + "\u00fc", "number": 12345678901234567, "float": 1.50,
		"flag": true, "none": nil, "list": []any{"a", map[string]any{"b": 1}}, "inner": map[string]any{"secret": "kept"},
	}
	v.Put("kept", whole)
	s := writer(t, v, writeAll)
	before, want := reading(t, s, "kept"), raw(t, v, "kept")
	got, err := s.Write(t.Context(), "kept", before, map[string]secret.Value{"secret": secret.NewValue(`two'"<\`), "added": secret.NewValue("new")})
	if err != nil {
		t.Fatal(err)
	}
	want["secret"], want["added"] = `two'"<\`, "new"
	if now := raw(t, v, "kept"); !reflect.DeepEqual(now, want) {
		t.Errorf("the record is %v, want %v", now, want)
	}
	if again := reading(t, s, "kept"); !reflect.DeepEqual(got, again) || got.Version != 2 {
		t.Errorf("written %+v, and read %+v", got, again)
	}
	if _, there := before.Fields["added"]; there || before.Fields["secret"].Reveal() != "one" {
		t.Error("the reading that others share was changed")
	}
}

func toldAtOnce(t *testing.T, v *vaulttest.Vault) {
	v.Put("told", record("told-one"))
	log := new(notes)
	s := secret.NewStore("vault", newSource(t, byToken(v, writeAll), log), secret.Options{Poll: time.Hour, Logger: log.logger()})
	s.Start(t.Context())
	t.Cleanup(s.Stop)
	told := make(chan secret.Record, 4)
	t.Cleanup(s.Use("told", func(r secret.Record) { told <- r }))
	first := <-told
	if err := s.CanWrite(t.Context(), "told"); err != nil {
		t.Errorf("it cannot be written: %v", err)
	}
	written, err := s.Write(t.Context(), "told", first, set("told-two"))
	if err != nil {
		t.Fatal(err)
	}
	next := <-told
	if next.Version != 2 || next.Revision != written.Revision || next.Fields["secret"].Reveal() != "told-two" {
		t.Errorf("told of version %d, %q; written %q", next.Version, next.Revision, written.Revision)
	}
	versions, err := s.History(t.Context(), "told", 5)
	if used, is := secret.UsedBefore(versions, "secret", secret.NewValue("told-one")); err != nil || !is || used != 1 {
		t.Errorf("the old one is not found: %d, %t, %v", used, is, err)
	}
	if strings.Contains(log.String(), "told-one") || strings.Contains(log.String(), "told-two") {
		t.Error("the log shows a secret")
	}
}

func firstVersions(t *testing.T, v *vaulttest.Vault) {
	v.Put("first/deleted", record("x"))
	v.Put("first/deleted", record("y"))
	v.Delete("first/deleted")
	v.Put("first/destroyed", record("x"))
	v.Destroy("first/destroyed", 1)
	v.Put("first/removed", record("x"))
	v.DeleteMetadata("first/removed")
	if _, err := v.Client().Logical().Write("kv/metadata/first/empty", map[string]any{"max_versions": 4}); err != nil {
		t.Fatal(err)
	}
	s := writer(t, v, writeAll)
	for path, version := range map[string]uint64{
		"first/new": 1, "first/deleted": 3, "first/destroyed": 2, "first/removed": 1, "first/empty": 1,
	} {
		if err := s.CanWrite(t.Context(), path); err != nil {
			t.Errorf("%s cannot be written: %v", path, err)
		}
		_, err := s.Write(t.Context(), path, secret.Record{Version: version + 1}, set(planted))
		refused(t, err, secret.ErrChanged)
		got, err := s.Write(t.Context(), path, secret.Record{}, set("first"))
		if err != nil || got.Version != version || !reflect.DeepEqual(got, reading(t, s, path)) {
			t.Errorf("%s: version %d, %v; want %d", path, got.Version, err, version)
		}
		_, err = s.Write(t.Context(), path, secret.Record{}, set(planted))
		refused(t, err, secret.ErrChanged, "by now")
	}
}

func overtaken(t *testing.T, v *vaulttest.Vault) {
	v.Put("overtaken", record("one"))
	s := writer(t, v, writeAll)
	first := reading(t, s, "overtaken")
	v.Put("overtaken", record("one"))
	_, err := s.Write(t.Context(), "overtaken", first, set(planted))
	refused(t, err, secret.ErrChanged, "kv/overtaken is at version 2, and not at 1 any more")
	second := reading(t, s, "overtaken")
	v.Delete("overtaken")
	_, err = s.Write(t.Context(), "overtaken", second, set(planted))
	refused(t, err, secret.ErrChanged, "version 2 of kv/overtaken was deleted at")
	v.DeleteMetadata("overtaken")
	_, err = s.Write(t.Context(), "overtaken", second, set(planted))
	refused(t, err, secret.ErrChanged, "there is no record at kv/overtaken any more")
}

// twoWriters lets both read before either writes, so that it is Vault that decides.
func twoWriters(t *testing.T, v *vaulttest.Vault) {
	v.Put("two", record("one"))
	var ready sync.WaitGroup
	ready.Add(2)
	gate := meddling(t, v, func(_ http.ResponseWriter, r *http.Request, pass func()) {
		if r.Method == http.MethodPost {
			ready.Done()
			ready.Wait()
		}
		pass()
	})
	cfg := byToken(v, writeAll)
	cfg.Address = gate
	s := newSource(t, cfg, new(notes))
	first := reading(t, s, "two")
	errs := make(chan error, 2)
	for _, text := range []string{"left", "right"} {
		go func() {
			_, err := s.Write(t.Context(), "two", first, set(text))
			errs <- err
		}()
	}
	a, b := <-errs, <-errs
	if a == nil {
		a, b = b, a
	}
	if b != nil {
		t.Errorf("neither wrote: %v", b)
	}
	refused(t, a, secret.ErrChanged, "kv/two is not at version 1 any more")
	if r := reading(t, s, "two"); r.Version != 2 {
		t.Errorf("version %d", r.Version)
	}
}

func restoredBeforeWrite(t *testing.T, v *vaulttest.Vault) {
	v.Put("restored-write", record("one"))
	cfg := byToken(v, writeAll)
	dir := t.TempDir() + "/copy"
	v.Snapshot(dir)
	v.Put("restored-write", record("two"))
	s := newSource(t, cfg, new(notes))
	second := reading(t, s, "restored-write")
	v.Restore(dir)
	v.Put("restored-write", record("other"))
	_, err := s.Write(t.Context(), "restored-write", second, set(planted))
	refused(t, err, secret.ErrChanged, "version 2 of kv/restored-write is another one than was read", "restored from a backup?")
	if now := raw(t, v, "restored-write"); now["secret"] != "other" {
		t.Error("it was written")
	}
}

func unwritten(t *testing.T, v *vaulttest.Vault) {
	v.Put("unwritten", record("one"))
	line := "kv/data/%s\" { capabilities = [\"create\", \"read\", \"update\"] }`"
	for name, test := range map[string]struct {
		policy, path, needs string
		kind                error
	}{
		"reading alone":               {readAll, "unwritten", "update", secret.ErrReadOnly},
		"creating, but not replacing": {`path "kv/*" { capabilities = ["read", "create"] }`, "unwritten", "update", secret.ErrReadOnly},
		"replacing, but not creating": {`path "kv/*" { capabilities = ["read", "update"] }`, "nowhere", "create", secret.ErrReadOnly},
		"writing, but not reading":    {`path "kv/*" { capabilities = ["create", "update"] }`, "unwritten", "", secret.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			v := v.With(t)
			s := writer(t, v, test.policy)
			over := secret.Record{}
			if test.path == "unwritten" {
				over = reading(t, writer(t, v, readAll), test.path)
			}
			says := []string{"Vault denies to " + test.needs + " kv/data/" + test.path, strings.Replace(line, "%s", test.path, 1)}
			if test.needs == "" {
				says = []string{"must have `path \"kv/data/unwritten\" { capabilities = [\"read\"] }`"}
			}
			_, err := s.Write(t.Context(), test.path, over, set(planted))
			refused(t, err, test.kind, says...)
			refused(t, s.CanWrite(t.Context(), test.path), test.kind, says...)
			if strings.Contains(err.Error(), "not valid") {
				t.Errorf("the token is suspected: %v", err)
			}
		})
	}
	if raw(t, v, "unwritten")["secret"] != "one" {
		t.Error("it was written")
	}
}

func diesBeforeWrite(t *testing.T, v *vaulttest.Vault) {
	v.Put("dies", record("one"))
	role, id := v.AppRole("dies", []string{v.Policy("dies", writeAll)}, time.Hour, 0)
	var dead atomic.Bool
	proxy := meddling(t, v, func(_ http.ResponseWriter, r *http.Request, pass func()) {
		if r.Method == http.MethodPost && dead.CompareAndSwap(false, true) {
			v.RevokeToken(r.Header.Get("X-Vault-Token"))
		}
		pass()
	})
	s := newSource(t, Config{Address: proxy, Auth: Auth{Method: "approle", Role: role, Secret: is(id)}}, new(notes))
	got, err := s.Write(t.Context(), "dies", reading(t, s, "dies"), set("two"))
	if err != nil || got.Version != 2 || !dead.Load() {
		t.Errorf("version %d, %v", got.Version, err)
	}
	if r := reading(t, s, "dies"); r.Version != 2 {
		t.Errorf("version %d", r.Version)
	}
}

func demandsCAS(t *testing.T, v *vaulttest.Vault) {
	demand := func(is bool) {
		if _, err := v.Client().Logical().Write("kv/config", map[string]any{"cas_required": is}); err != nil {
			t.Fatal(err)
		}
	}
	demand(true)
	defer demand(false)
	s := writer(t, v, writeAll)
	first, err := s.Write(t.Context(), "demands", secret.Record{}, set("one"))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := s.Write(t.Context(), "demands", first, set("two")); err != nil || second.Version != 2 {
		t.Errorf("version %d, %v", second.Version, err)
	}
	_, err = s.Write(t.Context(), "demands", first, set(planted))
	refused(t, err, secret.ErrChanged)
}

func engineGone(t *testing.T, v *vaulttest.Vault) {
	cfg := byToken(v, `path "*" { capabilities = ["create", "read", "update"] }`)
	cfg.Mount = "nowhere"
	_, err := newSource(t, cfg, new(notes)).Write(t.Context(), "a", secret.Record{}, set(planted))
	refused(t, err, secret.ErrDown, `no secrets engine at "nowhere"`)
}

// meddling is a way to a Vault on which something happens to each request.
func meddling(t *testing.T, v *vaulttest.Vault, meddle func(w http.ResponseWriter, r *http.Request, pass func())) (address string) {
	t.Helper()
	target, err := url.Parse(v.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport, ErrorLog: newQuietLog(),
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		meddle(w, r, func() { proxy.ServeHTTP(w, r) })
	}))
	srv.Config.ErrorLog = newQuietLog()
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

func answerLost(t *testing.T, v *vaulttest.Vault) {
	for name, lose := range map[string]func(w http.ResponseWriter, pass func()){
		"before it came to Vault":   func(http.ResponseWriter, func()) { panic(http.ErrAbortHandler) },
		"after Vault had written":   func(_ http.ResponseWriter, pass func()) { pass(); panic(http.ErrAbortHandler) },
		"and another one came, 502": func(w http.ResponseWriter, _ func()) { http.Error(w, "<html>", http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			v := v.With(t)
			path := "lost/" + policyName(name)
			v.Put(path, record("one"))
			proxy := meddling(t, v, func(w http.ResponseWriter, r *http.Request, pass func()) {
				if r.Method != http.MethodPost {
					pass()
					return
				}
				lose(w, func() { discarding(t, v, r) })
			})
			cfg := byToken(v, writeAll)
			cfg.Address = proxy
			s := newSource(t, cfg, new(notes))
			_, err := s.Write(t.Context(), path, reading(t, s, path), set(planted))
			refused(t, err, secret.ErrMaybeWritten, "look whether kv/"+path+" has a version 2")
			refused(t, err, secret.ErrDown)
			if written := raw(t, v, path)["secret"] == planted; written != strings.Contains(name, "had written") {
				t.Errorf("it is written: %t", written)
			}
		})
	}
}

// discarding does what a request asks of Vault, and shows nobody the answer.
func discarding(t *testing.T, v *vaulttest.Vault, r *http.Request) {
	t.Helper()
	again := r.Clone(context.Background())
	target, err := url.Parse(v.URL)
	if err != nil {
		t.Error(err)
		return
	}
	again.URL.Scheme, again.URL.Host, again.RequestURI = target.Scheme, target.Host, ""
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(again)
	if err != nil {
		t.Error(err)
		return
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Errorf("Vault answers %d", resp.StatusCode)
	}
}

func vaultAway(t *testing.T, v *vaulttest.Vault) {
	v.Put("away", record("one"))
	s := writer(t, v, writeAll)
	first := reading(t, s, "away")
	v.Seal()
	_, err := s.Write(t.Context(), "away", first, set(planted))
	refused(t, err, secret.ErrDown, "is sealed")
	v.Unseal()
	v.Pause()
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = s.Write(soon, "away", first, set(planted))
	v.Continue()
	refused(t, err, secret.ErrDown, "gives no answer")
	if errors.Is(err, secret.ErrMaybeWritten) {
		t.Errorf("it was only going to be read: %v", err)
	}
	v.Stop()
	_, err = s.Write(t.Context(), "away", first, set(planted))
	v.Restart()
	refused(t, err, secret.ErrDown, "cannot be asked")
	if errors.Is(err, secret.ErrMaybeWritten) || raw(t, v, "away")["secret"] != "one" {
		t.Errorf("it was never sent: %v", err)
	}
}

func tooLarge(t *testing.T, v *vaulttest.Vault) {
	v.Put("large", record("one"))
	s := writer(t, v, writeAll)
	_, err := s.Write(t.Context(), "large", reading(t, s, "large"), set(strings.Repeat(planted, 1<<20/len(planted)+1)))
	refused(t, err, secret.ErrReadOnly, "kv/large: it would be larger than 1 MiB")
}

// numbers are the versions of a history, which must be whole.
func numbersOf(t *testing.T, s *Source, path string, n int) (numbers []uint64) {
	t.Helper()
	all, err := s.History(t.Context(), path, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Fields["secret"].Reveal() != "v"+string(rune('0'+r.Version)) || r.Created.IsZero() || r.Revision == "" {
			t.Errorf("version %d is another: %+v", r.Version, r)
		}
		numbers = append(numbers, r.Version)
	}
	return numbers
}

func historyByMetadata(t *testing.T, v *vaulttest.Vault) { history(t, v, "by-metadata", writeAll) }

func historyByCounting(t *testing.T, v *vaulttest.Vault) {
	history(t, v, "by-counting", `path "kv/data/*" { capabilities = ["read"] }`)
}

func history(t *testing.T, v *vaulttest.Vault, path, policy string) {
	t.Helper()
	for _, text := range []string{"v1", "v2", "v3", "v4", "v5", "v6", "v7"} {
		v.Put(path, record(text))
	}
	s := writer(t, v, policy)
	want := func(n int, numbers ...uint64) {
		t.Helper()
		if got := numbersOf(t, s, path, n); !reflect.DeepEqual(got, numbers) {
			t.Errorf("versions %v, want %v", got, numbers)
		}
	}
	want(5, 7, 6, 5, 4, 3)
	want(1, 7)
	want(0)
	want(50, 7, 6, 5, 4, 3, 2, 1)
	v.Destroy(path, 6)
	v.Delete(path, 4)
	want(5, 7, 5, 3, 2, 1)
	v.Delete(path)
	want(2, 5, 3)
	v.Undelete(path, 7)
	want(2, 7, 5)
	v.Destroy(path, 1, 2, 3, 4, 5, 6, 7)
	want(5)
	v.DeleteMetadata(path)
	want(5)
}

func historyPruned(t *testing.T, v *vaulttest.Vault) {
	if _, err := v.Client().Logical().Write("kv/metadata/pruned", map[string]any{"max_versions": 3}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"v1", "v2", "v3", "v4", "v5"} {
		v.Put("pruned", record(text))
	}
	for _, policy := range []string{readAll, `path "kv/data/*" { capabilities = ["read"] }`} {
		if got := numbersOf(t, writer(t, v, policy), "pruned", 5); !reflect.DeepEqual(got, []uint64{5, 4, 3}) {
			t.Errorf("with %s: versions %v", policy, got)
		}
	}
	_, err := writer(t, v, `path "kv/metadata/*" { capabilities = ["read"] }`).History(t.Context(), "pruned", 5)
	refused(t, err, secret.ErrUnavailable, "must have `path \"kv/data/pruned\" { capabilities = [\"read\"] }`")
}
