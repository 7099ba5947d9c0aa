package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/psagate/psagate/internal/guard"
)

// Login is one PSA user that calls are sent as, and that must not be locked.
type Login struct {
	// Secret names the record that holds the user's credential. Required.
	Secret *SecretRef `json:"secret,omitempty"`

	// Discover is the base URL that the zone is looked up at. Default: https://webservices.autotask.net
	Discover string `json:"discover,omitempty"`

	// Zone is the base URL that calls go to. Default: the one looked up by the user's name.
	Zone string `json:"zone,omitempty"`

	// Hosts are hosts beyond the PSA's own that the credential may be sent to, as host or host:port; without a port,
	// any. The hosts of Discover and Zone count as named. Default: none.
	Hosts []string `json:"hosts,omitempty"`

	// InsecureHTTP allows plain HTTP to those named hosts that are loopback addresses. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	// Lockout are the limits that keep the user from being locked. Default: those of its fields.
	Lockout *Lockout `json:"lockout,omitempty"`

	// Queue bounds the callers that wait for the login. Default: those of its fields.
	Queue *Queue `json:"queue,omitempty"`

	// TOTP is where the user's one-time codes come from, to be shown to people. Default: none are.
	TOTP *TOTP `json:"totp,omitempty"`
}

// SecretRef names one record of a secret store. A login's has the fields username, secret, integration_code.
type SecretRef struct {
	// Store is the store's name. Required.
	Store string `json:"store,omitempty"`

	// Path is the record's path within the store. Required.
	Path string `json:"path,omitempty"`
}

// Lockout are the limits that keep a login from being locked.
type Lockout struct {
	// Threshold is the number of failed sign-ins at which the PSA locks the user, at least 5. Default: 7.
	Threshold int `json:"threshold,omitempty"`

	// Budget is how many sign-ins may be failed, unanswered or in flight at once. Default: Threshold - 2, which is its most.
	Budget int `json:"budget,omitempty"`

	// InFlight is how many calls are served at once. Default: Budget - 2, which is its most.
	InFlight int `json:"in_flight,omitempty"`

	// Linger is how long a call that got no answer may still be judged by the PSA. Default: 1m.
	Linger caddy.Duration `json:"linger,omitempty"`

	// Recheck is the pause before a refused credential is tried again where nothing better is known. Default: 15m.
	Recheck caddy.Duration `json:"recheck,omitempty"`

	// NeverReset says that the PSA's count is not reset by a successful sign-in. Default: false.
	NeverReset bool `json:"never_reset,omitempty"`

	// Observe counts and reports, and holds nothing back. Default: false.
	Observe bool `json:"observe,omitempty"`
}

// Queue bounds the callers that wait for a login.
type Queue struct {
	// Length is how many may wait. Default: 256.
	Length int `json:"length,omitempty"`

	// Deadline is how long one may wait. Default: 30s.
	Deadline caddy.Duration `json:"deadline,omitempty"`
}

// Pool is several logins that carry the same data. Calls are sent as whichever is free.
type Pool struct {
	// Logins are the names of its logins, in the order in which they are rotated. At least one.
	Logins []string `json:"logins,omitempty"`
}

// Integration is a program that calls the PSA through psagate.
type Integration struct {
	// Owner is the mail address of who answers for it. Default: none.
	Owner string `json:"owner,omitempty"`

	// Keys are the hashes of its keys, as `psagate key new` prints them; several while one replaces another. At least
	// one, where there is neither KeyFrom nor ClientCerts nor JWTs.
	Keys []string `json:"keys,omitempty"`

	// KeyFrom names a record with further hashes of its keys: the fields are key ids, their values the hashes. Default: none.
	KeyFrom *SecretRef `json:"key_from,omitempty"`

	// ClientCerts are client certificates that prove who calls as a key does: a subject alternative name (DNS name, URI,
	// mail address, IP address), or the subject as RFC 2253 writes it, such as CN=backup,O=Example. Only certificates
	// count that the site verified against a CA. Default: none.
	ClientCerts []string `json:"client_certs,omitempty"`

	// JWTs are what access tokens of issuers must say to prove who calls as a key does. Default: none.
	JWTs []JWT `json:"jwts,omitempty"`

	// From are the networks that it may call from, as CIDR or address, or private_ranges. What is compared is the client's
	// address as Caddy sees it, behind trusted proxies the one that they tell. Default: any.
	From []string `json:"from,omitempty"`

	// Login is the name of the login that its calls are sent as, or of a pool of logins. Default: the only login.
	Login string `json:"login,omitempty"`

	// PassThrough are the PSA users whose credentials its callers bring themselves, in the PSA's own headers; they are
	// told by From or ClientCerts. Zone, hosts and limits are those of Login. Default: none.
	PassThrough []string `json:"passthrough,omitempty"`

	// Groups are the groups of integrations that it is in, as policies name them. Default: none.
	Groups []string `json:"groups,omitempty"`

	// PerMinute is how many calls it may make in a minute, at each replica. Further ones are answered 429 with the reason word rate.
	// Default: any.
	PerMinute int `json:"calls_per_minute,omitempty"`

	// Concurrent is how many calls it may have under way at once, at each replica. Default: as many as any integration.
	Concurrent int `json:"concurrent,omitempty"`

	// Hours are when it may call. Default: always.
	Hours []Window `json:"hours,omitempty"`

	// Impersonate lets it send ImpersonationResourceId, and so act as any resource that the login may impersonate.
	// Default: false.
	Impersonate bool `json:"impersonate,omitempty"`

	// Expires is the last day on which it may call, as 2027-03-31 (to its end in UTC), or an instant as RFC 3339 writes
	// it. Default: never.
	Expires string `json:"expires,omitempty"`

	// Disabled answers its calls with 403 and the reason word disabled. Default: false.
	Disabled bool `json:"disabled,omitempty"`

	// DisabledReason is what the callers of a disabled integration are told. Default: none.
	DisabledReason string `json:"disabled_reason,omitempty"`
}

// Settings returns the login's limits, with their defaults.
func (l *Login) Settings() guard.Settings {
	var s guard.Settings
	if k := l.Lockout; k != nil {
		s.Threshold, s.Budget, s.InFlight = k.Threshold, k.Budget, k.InFlight
		s.Linger, s.Recheck = time.Duration(k.Linger), time.Duration(k.Recheck)
		s.NeverReset, s.Observe = k.NeverReset, k.Observe
	}
	if q := l.Queue; q != nil {
		s.QueueLength, s.QueueDeadline = q.Length, time.Duration(q.Deadline)
	}
	return s.WithDefaults()
}
