package call

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/zone"
)

// address is the gateway's own: its base URL as the client sees it, and whether people who come there are led to the PSA's web pages.
type address struct {
	public string
	web    bool
}

// free answers what needs no sign-in, alike for whoever asks and whatever user is asked for.
func (g *Gateway) free(w http.ResponseWriter, r *http.Request, op autotask.Operation, at address) (reason string) {
	if op.API == autotask.SOAP {
		return g.freeSOAP(w, r, op, at)
	}
	unread(w, r)
	switch op.Form {
	case autotask.FormVersion:
		writeJSON(w, autotask.VersionInformation())
	case autotask.FormZone:
		info, _ := json.Marshal(g.zoneInformation(at))
		writeJSON(w, info)
	default: // FormSwagger
		autotask.WriteError(w, op.API, autotask.NotFound, "this gateway does not serve the PSA's interface description", 0)
		return string(autotask.NotFound)
	}
	return ""
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // it has the host that was asked for in it
	_, _ = w.Write(body)
}

// zoneInformation says that the gateway is the zone. Where all logins share one zone, what else the PSA says of it is passed on, but for
// the address of its web pages where the gateway leads there itself.
func (g *Gateway) zoneInformation(at address) autotask.ZoneInformation {
	info := autotask.ZoneInformation{ZoneName: "psagate", URL: at.public + "/ATServicesRest/", WebURL: at.public + "/"}
	z, ok := g.commonZone()
	if !ok {
		return info
	}
	if z.WebURL != "" && !at.web {
		info.WebURL = z.WebURL
	}
	if z.Name != "" {
		info.ZoneName = z.Name
	}
	info.CI = z.CI
	return info
}

// commonZone returns the zone that all logins are known to be in.
func (g *Gateway) commonZone() (common zone.Zone, ok bool) {
	for i, n := range g.lanes {
		entries := n.zones.List()
		if len(entries) != 1 || i > 0 && (entries[0].Zone.Base != common.Base || entries[0].Zone.CI != common.CI) {
			return zone.Zone{}, false
		}
		common = entries[0].Zone
		common.WebURL = n.rule.WebURL(common.WebURL)
	}
	return common, len(g.lanes) > 0
}

// leads reports whether a URL would lead a client to the PSA.
func (n *lane) leads(u *url.URL) bool { return n.rule.Check(u) == nil }
