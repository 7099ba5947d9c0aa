package psatest

import "net/url"

// Zone is one data centre of the PSA. It is an http.Handler: requests may be given to it directly.
type Zone struct {
	sim  *Sim
	name string

	// guarded by sim.mu
	url      string
	requests Requests
	door     door
	web      *Web // nil: it has no web pages
}

// Requests counts what reached a zone since the Sim was made.
type Requests struct {
	Total   int // requests whose head was read
	Open    int // of these, on paths that need no sign-in
	Judged  int // of these, sign-ins judged: as many as ledger entries with this zone
	Limited int // of these, calls that ran into a limit
}

// Name is what zoneInformation calls the zone; empty for the discovery host.
func (z *Zone) Name() string { return z.name }

// URL is the zone's base URL without a trailing slash: "http://127.0.0.1:PORT".
func (z *Zone) URL() string {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	return z.url
}

// SetURL sets the base URL that answers name: in zoneInformation, next-page URLs and the 401's realm.
func (z *Zone) SetURL(base string) {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	z.url = base
}

// Requests returns the zone's counters.
func (z *Zone) Requests() Requests {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	return z.requests
}

// Requests sums the counters of all zones, the discovery host included.
func (s *Sim) Requests() Requests {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum Requests
	for _, z := range append([]*Zone{s.discovery}, s.zones...) {
		if z != nil {
			sum.Total += z.requests.Total
			sum.Open += z.requests.Open
			sum.Judged += z.requests.Judged
			sum.Limited += z.requests.Limited
		}
	}
	return sum
}

// host is the realm of the zone's 401.
func (z *Zone) host() string {
	u, err := url.Parse(z.URL())
	if err != nil {
		return ""
	}
	return u.Host
}

func (z *Zone) count(open bool) {
	z.sim.mu.Lock()
	defer z.sim.mu.Unlock()
	z.requests.Total++
	if open {
		z.requests.Open++
	}
}
