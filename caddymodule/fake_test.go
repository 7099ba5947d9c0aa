package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/secret"
	"github.com/psagate/psagate/policy"
)

// fake is an engine that remembers what was asked of it.
type fake struct {
	// noCaller: Identify finds nobody.
	noCaller bool
	// permits: people may do all that they can.
	permits bool
	// denies: Police lets nobody pass.
	denies bool
	// checkFails: the check of that login finds that it does not work.
	checkFails string
	// noStore: the store of the guard cannot be read.
	noStore bool
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

func (*fake) Leave(*http.Request) {}

// Lockout knows no login.
func (*fake) Lockout(context.Context, call.LockoutNotice) error { return nil }
func (*fake) UserNames() []string                               { return nil }

// Inside is for nobody: what a mailbox calls is tested with a real engine.
func (*fake) Inside(string) (*call.Inside, error) { return nil, errors.New("a fake makes no calls") }

func (f *fake) Police(w http.ResponseWriter, r *http.Request, maxBody int64) (report.Call, func(), bool) {
	f.note(fmt.Sprintf("police %s %d", r.Header.Get("X-Identified"), maxBody))
	if f.denies {
		w.WriteHeader(http.StatusForbidden)
		return report.Call{Decision: report.Deny, Reason: "policy"}, func() {}, true
	}
	return report.Call{Decision: report.Allow}, func() { f.note("leave") }, false
}

// Explain asks the built-in policy.
func (f *fake) Explain(r policy.Request) (policy.Explanation, bool) {
	p, err := policy.Load(nil, policy.Options{})
	if err != nil {
		panic(err)
	}
	return p.Explain(r), f.denies
}

// Disable knows itglue alone.
func (f *fake) Disable(_ context.Context, integration, reason string) (report.Switch, error) {
	f.note(fmt.Sprintf("disable %s: %s", integration, reason))
	if integration != "itglue" {
		return report.Switch{}, report.ErrUnknownIntegration
	}
	return report.Switch{Integration: integration, Disabled: true, Changed: true}, nil
}

// Enable finds backup disabled by the config.
func (f *fake) Enable(_ context.Context, integration string) (report.Switch, error) {
	f.note("enable " + integration)
	switch integration {
	case "backup":
		return report.Switch{Integration: integration, Disabled: true}, nil
	case "itglue":
		return report.Switch{Integration: integration, Changed: true}, nil
	}
	return report.Switch{}, report.ErrUnknownIntegration
}

func (f *fake) Proxy(w http.ResponseWriter, r *http.Request, options ProxyOptions) report.Call {
	f.note("proxy " + r.Header.Get("X-Identified") + " " + options.PublicURL)
	w.WriteHeader(http.StatusOK)
	return report.Call{Entity: "Tickets", Action: "read", ID: "7", Login: "main", Zone: "https://webservices5.autotask.net", CredentialVersion: "3"}
}

func (f *fake) WebLink(_ context.Context, login, path, query string) (string, error) {
	if f.noStore {
		return "", fmt.Errorf("no zone")
	}
	return autotask.WebLink("https://ww5.autotask.net/", path, query)
}

// WebZone is a zone of the live PSA's.
func (f *fake) WebZone(ctx context.Context, login string) (string, error) {
	return f.WebLink(ctx, login, "/", "")
}

// WebRoundTrip reaches nobody.
func (*fake) WebRoundTrip(string, *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("nobody is there")
}

func (f *fake) WebMoved(login string) { f.note("moved " + login) }

// WebFailed knows nobody.
func (f *fake) WebFailed(w call.WebFailure) (user, login string) {
	f.note("failed " + w.Person)
	return report.UserAnother, ""
}

// May, Permits and ShowCode permit nothing, unless a test says so.
func (f *fake) May(Doer, policy.Action, policy.Target) policy.Decision {
	if f.permits {
		return policy.Decision{Outcome: policy.Allow, Why: policy.Permitted}
	}
	return policy.Decision{Outcome: policy.Deny, Why: policy.NotPermitted}
}

func (f *fake) Permits(_ context.Context, by Doer, what policy.Action, on policy.Target) (policy.Decision, error) {
	return f.May(by, what, on), nil
}

func (f *fake) ShowCode(_ context.Context, by Doer, login string) (secret.Code, policy.Decision, error) {
	return secret.Code{}, f.May(by, policy.ShowCode, policy.Target{Kind: policy.Login, Name: login}), errDenied
}

// noon is when the fake's reports are made.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func (f *fake) Status() report.Status {
	s := report.Status{
		Time: noon, State: report.StateMemory, Policy: report.PolicyStatus{Source: report.PolicyDefault, Policies: 1}, Stores: []report.StoreStatus{},
		Logins: []report.LoginStatus{
			{Name: "main", State: report.LoginLocked, Seq: 17, LastRefusal: &report.RefusalStatus{At: noon.Add(-time.Minute), Version: 3}},
			{
				Name: "second", State: report.LoginServing, Seq: 4,
				Units: report.UnitCounts{Budget: 5, Free: 5}, NextUser: &report.NextUser{State: report.LoginSpent, Units: report.UnitCounts{Budget: 5, Failed: 5}, LastRefusal: &report.RefusalStatus{At: noon, Version: 4}, Seq: 9},
			},
		},
	}
	if f.noStore {
		s.Logins[0] = report.LoginStatus{Name: "main", State: report.LoginNoStore}
		s.Problems = []string{report.StoreProblem + "no such file"}
	}
	s.Pools = []report.PoolStatus{s.Pool("crew", []string{"second", "main"})}
	s.Pools[0].Problems = []string{"its logins do not see the same data: main of tenant 1; second of tenant 2"}
	s.Advise()
	return s
}

// Rotate switches second, and has main refused; the pool well has second alone.
func (f *fake) Rotate(_ context.Context, pool string, within time.Duration, tell func(report.RotationLine)) (report.Rotation, error) {
	f.note(fmt.Sprintf("rotate %s within %s", pool, within))
	at := noon.Add(-2 * time.Hour)
	second := report.RotatedLogin{Login: "second", Outcome: report.Switched, Was: 3, Serving: 4, ServingSince: &at, Newest: 4}
	main := report.RotatedLogin{Login: "main", Outcome: report.NewRefused, Was: 4, Serving: 4, Newest: 5, Detail: "The PSA does not have the password of version 5 for this user"}
	out := report.Rotation{Pool: pool, Logins: []report.RotatedLogin{second}, OK: true}
	switch pool {
	case "well":
	case "crew":
		out.Logins, out.OK, out.Untouched = append(out.Logins, main), false, []string{"third"}
	case "busy":
		return out, report.ErrRotating
	case "broken":
		tell(report.RotationLine{Login: &second})
		panic(http.ErrAbortHandler)
	default:
		return report.Rotation{}, report.ErrUnknownPool
	}
	for _, l := range out.Logins {
		tell(report.RotationLine{Step: &report.RotationStep{Login: l.Login, Doing: report.RotationAsking, Version: l.Newest, Until: noon}})
		tell(report.RotationLine{Login: &l})
	}
	return out, nil
}

func (f *fake) Zones() report.Zones {
	return report.Zones{Time: noon, Zones: []report.ZoneStatus{{Login: "main", URL: "https://webservices5.autotask.net"}}}
}

func (f *fake) Failures(login string, since time.Time) (report.Failures, error) {
	f.note(fmt.Sprintf("failures of %q, %s back", login, time.Since(since).Round(time.Minute)))
	out := report.Failures{Time: noon, Since: noon.Add(-24 * time.Hour), KeptSince: noon.Add(-time.Hour), Logins: []report.LoginFailures{}, Callers: []report.CallerFailure{}}
	switch login {
	case "third":
		return out, report.ErrUnknownLogin
	case "second": // nothing failed
		out.Logins = append(out.Logins, report.LoginFailures{Login: login, State: report.LoginServing, Attempts: []report.FailedAttempt{}, Uses: []report.VersionUse{}})
	default:
		out.Logins = append(out.Logins, report.LoginFailures{
			Login: "main", State: report.LoginRefused, Newest: &report.CredentialStatus{Version: 3, State: "refused", Since: noon.Add(-2 * time.Hour)},
			Lockout: report.LockoutStatus{Threshold: 7, Counted: 1, Distance: 6}, FailedSinceSuccess: 1, Uses: []report.VersionUse{},
			Attempts: []report.FailedAttempt{{
				At: noon.Add(-time.Minute), Login: "main", Integration: "itglue", Key: "1a2b3c4d", Client: "192.0.2.7", Entity: "Tickets", Action: "query", Version: 3,
				Zone: "https://webservices5.autotask.net/ATServicesRest/", Verdict: "refused", Said: "401 with a Basic challenge", Unit: "failed",
			}},
		})
	}
	for i := range out.Logins {
		out.Logins[i].Conclude()
	}
	return out, nil
}

func (f *fake) Release(login string, seq uint64, nextSeq *uint64) error {
	if login != "main" && login != "second" {
		return report.ErrUnknownLogin
	}
	f.note("release " + login + " " + time.Duration(seq).String())
	if nextSeq != nil {
		f.note("and its next user " + time.Duration(*nextSeq).String())
	}
	return nil
}

func (f *fake) Check(_ context.Context, login string) (report.CheckResult, error) {
	if login != "main" && login != "second" {
		return report.CheckResult{}, report.ErrUnknownLogin
	}
	f.note("check " + login)
	return report.CheckResult{Login: login, OK: f.checkFails != login, Steps: []report.CheckStep{{Name: "sign-in", OK: f.checkFails != login, Detail: "tried"}}}, nil
}

func (f *fake) Writing(_ context.Context, login, userName string) (report.Writing, error) {
	serving := uint64(7)
	w := report.Writing{Login: login, Store: "vault", Kind: "vault", Path: "autotask/" + login, Version: 7, Next: 8, Serving: &serving, Lacks: []string{}, Earlier: 5}
	switch login {
	case "second": // has no record yet
		w.Version, w.Next, w.Serving, w.Lacks, w.Earlier = 0, 1, nil, []string{"username", "integration_code"}, 0
		w.Notes = []string{"earlier passwords cannot be read"}
	case "spent":
		w.Serving, w.Hopeless = nil, "too many sign-ins of this login failed or got no answer"
		w.Stopped = true
	case "third":
		return report.Writing{}, report.ErrUnknownLogin
	}
	if login == "main" && userName != "" {
		w.User, w.UserUnits = userName, &report.UserUnits{Budget: 5, Free: 4}
	}
	return w, nil
}

func (f *fake) Put(_ context.Context, login string, p call.Put) (report.PutResult, error) {
	f.note(fmt.Sprintf("put %s over %d: %s, %s, %s, ahead %v", login, p.Over, p.Secret.Reveal(), p.UserName.Reveal(), p.IntegrationCode.Reveal(), p.Ahead))
	r := report.PutResult{Login: login, Store: "vault", Path: "autotask/" + login, Written: true, Version: p.Over + 1, Verdict: "accepted", Detail: "the PSA accepts it: version 8 is written, and serves"}
	switch p.Secret.Reveal() {
	case "wrong":
		r.Written, r.Version, r.Verdict, r.Detail = false, p.Over, "refused", "the PSA refuses it: nothing was written, and version 7 serves on"
		r.Notes = []string{"earlier passwords cannot be read"}
	case "with space":
		return report.PutResult{}, report.NewUnfit(errors.New("the new password holds a space"))
	case "late":
		return report.PutResult{}, report.ErrChangedSince
	case "second":
		return report.PutResult{}, report.ErrPutting
	case "stopping":
		return report.PutResult{}, report.ErrStopping
	}
	return r, nil
}

func (f *fake) Commit()      { f.note("commit") }
func (f *fake) Drain()       { f.note("drain") }
func (f *fake) Finish()      { f.note("finish") }
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
