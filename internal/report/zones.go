package report

import "time"

// Zones is the answer of GET /psa/zones.
type Zones struct {
	// Time is when the report was made.
	Time time.Time `json:"time"`
	// Zones are the zones of the config's logins, by login.
	Zones []ZoneStatus `json:"zones"`
}

// ZoneStatus is where one login's calls go.
type ZoneStatus struct {
	// Login is the login's name in the config.
	Login string `json:"login"`
	// URL is the base URL; empty while it is unknown.
	URL string `json:"url,omitempty"`
	// WebURL is where people go.
	WebURL string `json:"web_url,omitempty"`
	// Name is the PSA's name for the zone.
	Name string `json:"name,omitempty"`
	// Tenant is the PSA's number for the database (ci); 0 while it is unknown.
	Tenant int64 `json:"tenant,omitempty"`
	// Source is how it is known: [ZoneConfigured], [ZoneLookedUp] or [ZoneCached].
	Source string `json:"source,omitempty"`
	// LookedUpAt is when it was last looked up; absent when it never was.
	LookedUpAt *time.Time `json:"looked_up_at,omitempty"`
	// Error is the last look-up's; empty when it succeeded.
	Error string `json:"error,omitempty"`
}

// The sources of a zone.
const (
	// ZoneConfigured: the config names it.
	ZoneConfigured = "configured"
	// ZoneLookedUp: this process looked it up.
	ZoneLookedUp = "looked-up"
	// ZoneCached: it was looked up before this process started.
	ZoneCached = "cached"
)
