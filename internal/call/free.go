package call

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/psagate/psagate/internal/autotask"
	"github.com/psagate/psagate/internal/zone"
)

// free answers what needs no sign-in, alike for whoever asks and whatever user is asked for.
func (g *Gateway) free(w http.ResponseWriter, r *http.Request, op autotask.Operation, public string) (reason string) {
	if op.API == autotask.SOAP {
		return g.freeSOAP(w, r, op, public)
	}
	unread(w, r)
	switch op.Form {
	case autotask.FormVersion:
		writeJSON(w, autotask.VersionInformation())
	case autotask.FormZone:
		info, _ := json.Marshal(g.zoneInformation(public))
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

// zoneInformation says that the gateway is the zone. Where all logins share one zone, what else the PSA says of it is passed on.
func (g *Gateway) zoneInformation(public string) autotask.ZoneInformation {
	info := autotask.ZoneInformation{ZoneName: "psagate", URL: public + "/ATServicesRest/", WebURL: public + "/"}
	z, ok := g.commonZone()
	if !ok {
		return info
	}
	if z.WebURL != "" {
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
