package caddymodule

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/report"
)

// Every label is a name of the config, a name that the dialect was built with, or a word of psagate's own; none is a caller's.

// tallies are the metrics that count what happens. They live as long as the process, over reloads of the config.
type tallies struct {
	attempts *prometheus.CounterVec
	requests *prometheus.CounterVec
	decided  *prometheus.CounterVec
	deeds    *prometheus.CounterVec
	waits    *prometheus.HistogramVec
	alerts   *prometheus.CounterVec
	mails    *prometheus.HistogramVec

	mu     sync.RWMutex
	logins map[string]*loginTally
	calls  map[callLabels]prometheus.Counter
}

// loginTally are the series of one login.
type loginTally struct {
	attempts [guard.Locked + 1]prometheus.Counter // by verdict
	wait     prometheus.Observer
}

// callLabels are the labels of requests_total.
type callLabels struct{ integration, entity, action, outcome string }

// waitBuckets are in seconds: from a unit that is free at once to the longest deadline that many set.
var waitBuckets = []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// mailBuckets are in seconds: from a mail that is made a ticket at once to one that waits for the PSA all day. Autotask's own way in
// calls itself degraded from 30 minutes.
var mailBuckets = []float64{.5, 1, 2, 5, 10, 30, 60, 300, 900, 1800, 3600, 6 * 3600, 24 * 3600}

func newTallies() *tallies {
	return &tallies{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "psagate_attempts_total",
			Help: "Presentations of the login's credential to the PSA, psagate's own ones included, by what came of them: accepted, refused, locked, neutral, no-answer, not-sent.",
		}, []string{"login", "outcome"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "psagate_requests_total",
			Help: "Calls that psagate answered, by what became of them: ok, client-error or server-error for the PSA's answers, a reason of psagate's, unidentified, gone. Calls of nobody have no integration, entity and action.",
		}, []string{"integration", "entity", "action", "outcome"}),
		decided: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "psagate_decisions_total",
			Help: "What policy decided of calls: allow, deny, step-up, or would-deny where it is only observed.",
		}, []string{"integration", "decision"}),
		deeds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "psagate_deeds_total",
			Help: "What policy decided of what people wanted done on psagate itself: allow, deny, step-up.",
		}, []string{"deed", "decision"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "psagate_wait_seconds", Help: "How long calls waited for a unit of the login's budget, whether they got one or not.", Buckets: waitBuckets,
		}, []string{"login"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "psagate_alerts_total",
			Help: "Alerts by what came of them: delivered, failed (refused, or not taken however often it was tried), dropped (too many waited, or psagate stopped). The kind is webhook or mail.",
		}, []string{"kind", "outcome"}),
		mails: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "psagate_mail_seconds", Help: "How long after it arrived a mail had become a ticket or a note, with all that belongs to it.", Buckets: mailBuckets,
		}, []string{"mailbox"}),
		logins: make(map[string]*loginTally), calls: make(map[callLabels]prometheus.Counter),
	}
}

// counted are this process's.
var counted = newTallies()

// collectors are all of psagate's metrics.
var collectors = []prometheus.Collector{counted.attempts, counted.requests, counted.decided, counted.deeds, counted.waits, counted.alerts, counted.mails, gauges{}, transactions}

// transactions is how often the store was written.
var transactions = prometheus.NewCounterFunc(prometheus.CounterOpts{
	Name: "psagate_store_transactions_total", Help: "Transactions that this process committed to its store, beats included.",
}, func() float64 { return float64(ground().store.Writes()) })

// registerMetrics makes the metrics known to a config's registry.
func registerMetrics(registry *prometheus.Registry) error {
	for _, c := range collectors {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("registering the metrics: %w", err)
		}
	}
	return nil
}

// login returns a login's series, which begin at 0 when it is first named.
func (t *tallies) login(name string) *loginTally {
	t.mu.RLock()
	l := t.logins[name]
	t.mu.RUnlock()
	if l != nil {
		return l
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l = t.logins[name]; l == nil {
		l = &loginTally{wait: t.waits.WithLabelValues(name)}
		for v := range l.attempts {
			l.attempts[v] = t.attempts.WithLabelValues(name, guard.Verdict(v).String())
		}
		t.logins[name] = l
	}
	return l
}

// Attempted implements call.Observer.
func (t *tallies) Attempted(login string, v guard.Verdict) { t.login(login).attempts[v].Inc() }

// Waited implements call.Observer.
func (t *tallies) Waited(login string, d time.Duration) { t.login(login).wait.Observe(d.Seconds()) }

// deed counts what policy decided of one.
func (t *tallies) deed(d string, outcome string) { t.deeds.WithLabelValues(d, outcome).Inc() }

// Answered implements call.Observer.
func (t *tallies) Answered(c report.Call) {
	if c.Decision != "" {
		t.decided.WithLabelValues(c.Integration, c.Decision).Inc()
	}
	labels := callLabels{c.Integration, autotask.EntityLabel(c.Entity), c.Action, c.Outcome}
	if c.Integration == "" {
		labels.entity, labels.action = "", "" // what a stranger asks for would be a label of a caller's choice
	}
	t.mu.RLock()
	counter := t.calls[labels]
	t.mu.RUnlock()
	if counter == nil {
		counter = t.requests.WithLabelValues(labels.integration, labels.entity, labels.action, labels.outcome)
		t.mu.Lock()
		t.calls[labels] = counter
		t.mu.Unlock()
	}
	counter.Inc()
}

// gauges are the metrics that are read off the config in force when somebody looks. Without one there are none.
type gauges struct{}

var (
	budgetRemaining   = prometheus.NewDesc("psagate_login_budget_remaining", "Units of the login's budget that are free: failed or unanswered sign-ins that it still stands.", []string{"login"}, nil)
	loginState        = prometheus.NewDesc("psagate_login_state", "1 for the state that the login is in, 0 for the others: idle, serving, gate-shut, refused, no-store, no-secret, spent, locked.", []string{"login", "state"}, nil)
	credentialVersion = prometheus.NewDesc("psagate_credential_version", "The store's version of the credential that serves; absent while none does.", []string{"login"}, nil)
	credentialAge     = prometheus.NewDesc("psagate_credential_age_seconds", "Time since the store first gave the credential that serves; absent while none does.", []string{"login"}, nil)
	auditFailing      = prometheus.NewDesc("psagate_audit_failing", "1 while the audit log cannot be written, or its last line cannot be anchored, 0 while all is well; absent without an audit log.", nil, nil)
	auditWaiting      = prometheus.NewDesc("psagate_audit_waiting_lines", "Lines of the audit log that are not yet written; absent without one.", nil, nil)
	auditLost         = prometheus.NewDesc("psagate_audit_lost_total", "Entries that are not in the audit log, since its output was opened; absent without one.", nil, nil)
	issuerFailing     = prometheus.NewDesc("psagate_issuer_failing", "1 where the issuer could not be read when it was last asked, 0 where it could, or was not asked yet.", []string{"issuer"}, nil)
	issuerKeysAge     = prometheus.NewDesc("psagate_issuer_keys_age_seconds", "Time since the issuer's keys were read; absent while none are known.", []string{"issuer"}, nil)
	secretAge         = prometheus.NewDesc("psagate_secret_age_seconds", "Time since the store last confirmed a record in use, of the one for which that is longest; absent while none was read.", []string{"store"}, nil)
)

var loginStates = [...]report.LoginState{
	report.LoginIdle, report.LoginServing, report.LoginGateShut, report.LoginRefused, report.LoginNoStore, report.LoginNoSecret, report.LoginSpent, report.LoginLocked,
}

// Describe implements prometheus.Collector.
func (gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range [...]*prometheus.Desc{budgetRemaining, loginState, credentialVersion, credentialAge, auditFailing, auditWaiting, auditLost, issuerFailing, issuerKeysAge, secretAge, mailMessages, mailOldest, mailFailing, mailGap} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (gauges) Collect(to chan<- prometheus.Metric) {
	in := inForce.Load()
	if in == nil {
		return
	}
	status := in.engine.Status()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for i := range status.Logins {
		gaugeLogin(&status.Logins[i], status.Time, gauge)
	}
	for i := range status.Stores {
		if age, known := oldest(&status.Stores[i]); known {
			gauge(secretAge, age, status.Stores[i].Name)
		}
	}
	for i := range status.Issuers {
		gaugeIssuer(&status.Issuers[i], status.Time, gauge)
	}
	states, _ := lookAtMail()
	for _, s := range states {
		gaugeMail(s, status.Time, gauge)
	}
	if in.audit != nil {
		gaugeAudit(in.audit.how(), to)
	}
}

// gaugeAudit tells how the audit log is.
func gaugeAudit(s audit.Status, to chan<- prometheus.Metric) {
	failing := 0.
	if s.Err != nil || s.AnchorErr != nil {
		failing = 1
	}
	to <- prometheus.MustNewConstMetric(auditFailing, prometheus.GaugeValue, failing)
	to <- prometheus.MustNewConstMetric(auditWaiting, prometheus.GaugeValue, float64(s.Waiting))
	to <- prometheus.MustNewConstMetric(auditLost, prometheus.CounterValue, float64(s.Lost))
}

func gaugeIssuer(i *report.IssuerStatus, now time.Time, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	failing := 0.
	if i.Problem != "" {
		failing = 1
	}
	gauge(issuerFailing, failing, i.Name)
	if i.KeysSince != nil {
		gauge(issuerKeysAge, now.Sub(*i.KeysSince).Seconds(), i.Name)
	}
}

func gaugeLogin(l *report.LoginStatus, now time.Time, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	gauge(budgetRemaining, float64(l.Units.Free), l.Name)
	for _, state := range loginStates {
		is := 0.
		if l.State == state {
			is = 1
		}
		gauge(loginState, is, l.Name, string(state))
	}
	if l.Serving == nil {
		return
	}
	gauge(credentialVersion, float64(l.Serving.Version), l.Name)
	if !l.Serving.Since.IsZero() {
		gauge(credentialAge, now.Sub(l.Serving.Since).Seconds(), l.Name)
	}
}

// oldest returns the age, in seconds, of the store's record that was confirmed longest ago.
func oldest(s *report.StoreStatus) (age float64, known bool) {
	for _, r := range s.Records {
		if r.Version > 0 {
			age, known = max(age, r.AgeSeconds), true
		}
	}
	return age, known
}
