package caddymodule

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/report"
)

// fake is an engine that remembers what was asked of it.
type fake struct {
	// noCaller: Identify finds nobody.
	noCaller bool
	// checkFails: the check of that login finds that it does not work.
	checkFails string
	// heard gets each thing that was asked; nil: nobody listens.
	heard func(string)

	mu    sync.Mutex
	asked []string
	// app is the config that it was built from.
	app *App
}

func (f *fake) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
	if f.heard != nil {
		f.heard(what)
	}
}

// told returns what was asked since the last call.
func (f *fake) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func (f *fake) Identify(w http.ResponseWriter, r *http.Request, clientIP string) (*http.Request, report.Call, bool) {
	f.note("identify " + clientIP)
	if f.noCaller {
		w.WriteHeader(http.StatusUnauthorized)
		return nil, report.Call{}, true
	}
	identified := r.Clone(r.Context())
	identified.Header.Set("X-Identified", "itglue")
	return identified, report.Call{Integration: "itglue"}, false
}

func (f *fake) Proxy(w http.ResponseWriter, r *http.Request, options ProxyOptions) report.Call {
	f.note("proxy " + r.Header.Get("X-Identified") + " " + options.PublicURL)
	w.WriteHeader(http.StatusOK)
	return report.Call{Entity: "Tickets", Action: "read", ID: "7", Login: "main", Zone: "https://webservices5.autotask.net", CredentialVersion: "3"}
}

// noon is when the fake's reports are made.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func (f *fake) Status() report.Status {
	s := report.Status{
		Time: noon, State: report.StateMemory, Policy: report.PolicyNone, Stores: []report.StoreStatus{},
		Logins: []report.LoginStatus{
			{Name: "main", State: report.LoginLocked, Seq: 17, LastRefusal: &report.RefusalStatus{At: noon.Add(-time.Minute), Version: 3}},
			{Name: "second", State: report.LoginServing, Seq: 4},
		},
	}
	s.Advise()
	return s
}

func (f *fake) Zones() report.Zones {
	return report.Zones{Time: noon, Zones: []report.ZoneStatus{{Login: "main", URL: "https://webservices5.autotask.net"}}}
}

func (f *fake) Release(login string, seq uint64) error {
	if login != "main" && login != "second" {
		return report.ErrUnknownLogin
	}
	f.note("release " + login + " " + time.Duration(seq).String())
	return nil
}

func (f *fake) Check(_ context.Context, login string) (report.CheckResult, error) {
	if login != "main" && login != "second" {
		return report.CheckResult{}, report.ErrUnknownLogin
	}
	f.note("check " + login)
	return report.CheckResult{Login: login, OK: f.checkFails != login, Steps: []report.CheckStep{{Name: "sign-in", OK: f.checkFails != login, Detail: "tried"}}}, nil
}

func (f *fake) Commit()      { f.note("commit") }
func (f *fake) Drain()       { f.note("drain") }
func (f *fake) Close() error { f.note("close"); return nil }

// useFake makes configs of this test get a fake; it returns the one that the last config got.
func useFake(t *testing.T) func() *fake {
	t.Helper()
	var mu sync.Mutex
	var last *fake
	real := newEngine
	newEngine = func(_ caddy.Context, app *App) (engine, error) {
		mu.Lock()
		defer mu.Unlock()
		last = &fake{app: app}
		return last, nil
	}
	t.Cleanup(func() { newEngine = real })
	return func() *fake {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}
