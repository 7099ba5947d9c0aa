package call

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// What is kept of attempts that failed, in memory. An integration has no more than its part of its login's, so that a flood
// of one's does not push out what others' would tell.
const (
	failuresPerLogin       = 256
	failuresPerIntegration = failuresPerLogin / 4
	failuresInAll          = 4096
)

const (
	// versionsPerIntegration is how many versions it is remembered of when an integration was last served with them.
	versionsPerIntegration = 4
	// usesPerLogin bounds that for a login that has had very many integrations.
	usesPerLogin = 1024
)

// accounts remembers, for each PSA user and over all configs, which attempts failed and who was served with what.
type accounts struct {
	since   time.Time
	journal *store.Journal // of all processes; nil where this one's memory is all there is

	mu   sync.Mutex
	of   map[guard.Key]*account
	kept int    // failures of all
	last uint64 // number of the last failure
}

// account is one PSA user's.
type account struct {
	failures  []failure // the oldest first
	forgotten time.Time // when the youngest one ended that is not kept any more; zero: all are
	success   time.Time // when the PSA last accepted a sign-in
	failed    int       // attempts since then, or since a release
	reset     time.Time // when that was
	uses      map[use]time.Time
}

// failure is an attempt that failed, with its number among those of all logins.
type failure struct {
	no uint64
	report.FailedAttempt
}

// use is an integration's of a version.
type use struct{ integration, version string }

func newAccounts() *accounts {
	return &accounts{since: time.Now(), of: make(map[guard.Key]*account)}
}

// account returns a user's account. Called with the mutex held.
func (a *accounts) account(key guard.Key) *account {
	of := a.of[key]
	if of == nil {
		of = &account{uses: make(map[use]time.Time)}
		a.of[key] = of
	}
	return of
}

// served notes that the PSA answered a call; accepted, that it thereby took the sign-in.
func (a *accounts) served(key guard.Key, integration, version string, accepted bool) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.account(key)
	if accepted {
		of.success, of.reset, of.failed = now, now, 0
		a.journal.Mark(store.Mark{Key: key, What: markSuccess}, now)
	}
	if integration == "" {
		return
	}
	a.journal.Served(store.Use{Key: key, Integration: integration, Version: version}, now)
	u := use{integration, version}
	if _, known := of.uses[u]; !known {
		of.makeRoom(integration)
	}
	of.uses[u] = now
}

// makeRoom forgets the oldest use of an integration that has as many as are kept, or of a login that has.
func (of *account) makeRoom(integration string) {
	for u := of.oldestUse(integration); u != nil; u = of.oldestUse(integration) {
		delete(of.uses, *u)
	}
}

// oldestUse returns the use that has to go before the integration can have another, or nil.
func (of *account) oldestUse(integration string) *use {
	n, own, any := 0, use{}, use{}
	for u, at := range of.uses {
		if before, seen := of.uses[any]; !seen || at.Before(before) {
			any = u
		}
		if u.integration != integration {
			continue
		}
		n++
		if before, seen := of.uses[own]; !seen || at.Before(before) {
			own = u
		}
	}
	switch {
	case n >= versionsPerIntegration:
		return &own
	case len(of.uses) >= usesPerLogin:
		return &any
	}
	return nil
}

// fail notes an attempt that failed.
func (a *accounts) fail(key guard.Key, f report.FailedAttempt) {
	f.At = time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.account(key)
	of.failed++
	switch i := of.outOf(f.Integration); {
	case i >= 0:
		a.forget(of, i)
	case a.kept >= failuresInAll:
		a.forget(a.oldest(), 0)
	}
	a.last++
	a.kept++
	of.failures = append(of.failures, failure{a.last, f})
	if text, err := json.Marshal(f); err == nil {
		a.journal.Fail(key, f.At, text)
	}
}

// outOf returns which failure has to go before an integration can have another: one of its own, and of those one without
// an answer first, which tells less; else the login's oldest; or -1.
func (of *account) outOf(integration string) int {
	n, own, mute := 0, -1, -1
	for i, f := range of.failures {
		if f.Integration != integration {
			continue
		}
		if n++; own < 0 {
			own = i
		}
		if mute < 0 && f.Verdict == guard.NoAnswer.String() {
			mute = i
		}
	}
	switch {
	case n >= failuresPerIntegration && mute >= 0:
		return mute
	case n >= failuresPerIntegration:
		return own
	case len(of.failures) >= failuresPerLogin:
		return 0
	}
	return -1
}

// oldest returns whose failure is the oldest of all.
func (a *accounts) oldest() (first *account) {
	for _, of := range a.of {
		if len(of.failures) > 0 && (first == nil || of.failures[0].no < first.failures[0].no) {
			first = of
		}
	}
	return first
}

func (a *accounts) forget(of *account, i int) {
	if at := of.failures[i].At; at.After(of.forgotten) {
		of.forgotten = at
	}
	of.failures = slices.Delete(of.failures, i, i+1)
	a.kept--
}

// released notes an operator's word that the PSA's count is zero.
func (a *accounts) released(key guard.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, now := a.account(key), time.Now()
	of.failed, of.reset = 0, now
	a.journal.Mark(store.Mark{Key: key, What: markRelease}, now)
}

// noticeOf is what the last lockout notice about a user said that came to this process; empty for none.
func (a *accounts) noticeOf(key guard.Key) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if of := a.of[key]; of != nil {
		for _, f := range slices.Backward(of.failures) {
			if f.Integration == report.ByLockoutMail {
				return f.Said
			}
		}
	}
	return ""
}

// zeroAt is when the PSA's count of a user was last zero, as far as any process knows: it took a sign-in, or an operator released the
// login. Zero: that is not known.
func (a *accounts) zeroAt(ctx context.Context, key guard.Key) (at time.Time, err error) {
	page, err := a.journal.Read(ctx)
	if err != nil {
		return at, err
	}
	for m, marked := range page.Marks {
		if m.Key == key && marked.After(at) {
			at = marked
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if of := a.of[key]; of != nil && of.reset.After(at) {
		at = of.reset
	}
	return at, nil
}

// What the journal marks.
const (
	markSuccess = "success"
	markRelease = "release"
)

// extract is what an account tells of the time since a moment.
type extract struct {
	key       guard.Key
	failures  []failure // all that are kept, of which those before the moment are not to be shown
	forgotten time.Time
	success   time.Time
	failed    int
	uses      []report.VersionUse
}

// extracts returns what is known of all PSA users, and from when on failures are kept. The error says that the journal cannot be
// read now: what is told then is this process's own.
func (a *accounts) extracts(ctx context.Context) (all []extract, since time.Time, err error) {
	page, err := a.journal.Read(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	merged := make(map[guard.Key]*account, len(a.of))
	for key, of := range a.of {
		merged[key] = of.copied()
	}
	since = a.since
	if err == nil && !page.Since.IsZero() {
		since = page.Since
		merge(merged, page)
	}
	for key, of := range merged {
		all = append(all, extract{key, of.failures, of.forgotten, of.success, of.failed, of.versions()})
	}
	slices.SortFunc(all, func(a, b extract) int { return strings.Compare(string(a.key), string(b.key)) })
	return all, since, err
}

// since counts the failures that are kept from after a moment.
func (of *account) since(at time.Time) (n int) {
	for _, f := range of.failures {
		if f.At.After(at) {
			n++
		}
	}
	return n
}

func (of *account) copied() *account {
	c := *of
	c.failures, c.uses = slices.Clone(of.failures), maps.Clone(of.uses)
	return &c
}

// merge adds what the journal has of other processes, and of this one before it was started anew.
func merge(into map[guard.Key]*account, page store.Page) {
	user := func(key guard.Key) *account {
		if into[key] == nil {
			into[key] = &account{uses: make(map[use]time.Time)}
		}
		return into[key]
	}
	for u, at := range page.Uses {
		if of := user(u.Key); of.uses[use{u.Integration, u.Version}].Before(at) {
			of.uses[use{u.Integration, u.Version}] = at
		}
	}
	reset := make(map[guard.Key]time.Time) // when the PSA's count was last zero
	for m, at := range page.Marks {
		of := user(m.Key)
		if m.What == markSuccess && of.success.Before(at) {
			of.success = at
		}
		if reset[m.Key].Before(at) {
			reset[m.Key] = at
		}
	}
	for key, at := range reset {
		if of := into[key]; at.After(of.reset) {
			of.failed = of.since(at)
		}
	}
	for _, f := range page.Failures {
		var told report.FailedAttempt
		if json.Unmarshal(f.Data, &told) != nil {
			continue
		}
		of := user(f.Key)
		of.failures = append(of.failures, failure{0, told})
		if f.At.After(reset[f.Key]) && f.At.After(of.reset) {
			of.failed++
		}
	}
	for _, of := range into {
		slices.SortStableFunc(of.failures, func(a, b failure) int { return a.At.Compare(b.At) })
	}
}

// versions returns who was served with which of the last versions.
func (of *account) versions() []report.VersionUse {
	all := []report.VersionUse{}
	for u, at := range of.uses {
		version, brought := versionOf(u.version), broughtOne(u.version)
		i := slices.IndexFunc(all, func(v report.VersionUse) bool { return v.Version == version && v.Fingerprint == brought })
		if i < 0 {
			i, all = len(all), append(all, report.VersionUse{Version: version, Fingerprint: brought})
		}
		all[i].By = append(all[i].By, report.IntegrationUse{Integration: u.integration, LastAt: at})
	}
	for _, v := range all {
		slices.SortFunc(v.By, func(a, b report.IntegrationUse) int {
			return cmp.Or(b.LastAt.Compare(a.LastAt), strings.Compare(a.Integration, b.Integration))
		})
	}
	slices.SortFunc(all, func(a, b report.VersionUse) int {
		return cmp.Or(cmp.Compare(b.Version, a.Version), b.By[0].LastAt.Compare(a.By[0].LastAt))
	})
	return all[:min(len(all), versionsPerIntegration)]
}
