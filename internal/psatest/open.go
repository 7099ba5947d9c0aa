package psatest

import (
	"net/http"
	"strings"
)

func versionInformation(c *call) answer {
	versions := []string{"V1.0", "V2.0"}
	if c.sim.behaviour().OnlyV1 {
		versions = versions[:1]
	}
	return success(map[string]any{"apiVersions": versions})
}

// zoneInformation tells anybody the zone of any user: no secret is asked for.
func zoneInformation(c *call) answer {
	if !c.query.Has("user") {
		return c.notFound()
	}
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	u := c.sim.users[canonical(c.lookedUp())]
	if u == nil {
		return failed("Zone information could not be determined")
	}
	z := u.tenant.zone
	return success(map[string]any{
		"zoneName": z.name,
		"url":      z.url + "/ATServicesRest/",
		"webUrl":   z.webURL() + "/",
		"ci":       u.tenant.ci,
	})
}

// swagger is a document small enough to be true: the entities of this simulator and nothing else.
func swagger(c *call) answer {
	scheme, host, _ := strings.Cut(c.zone.URL(), "://")
	paths := map[string]any{}
	for _, e := range entities {
		paths["/V1.0/"+e.name+"/query"] = map[string]any{
			"post": map[string]any{"responses": map[string]any{"200": map[string]any{"description": http.StatusText(200)}}},
		}
	}
	return success(map[string]any{
		"swagger": "2.0", "host": host, "basePath": "/ATServicesRest", "schemes": []string{scheme},
		"info": map[string]any{"version": "v1", "title": "Autotask REST API"}, "paths": paths,
	})
}
