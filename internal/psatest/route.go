package psatest

import (
	"strconv"
	"strings"
)

// handler answers one verb of one route. Handlers inside V1.0 run with the tenant's data held.
type handler func(*call) answer

type verbs map[string]handler

// route is a path below /ATServicesRest and what its verbs do. Parts in braces are filled into the call:
// {entity} and {child} must be known, {id} and {childid} are numbers.
type route struct {
	pattern string
	verbs   verbs
}

// open is what answers without a sign-in.
var open = []route{
	{"versioninformation", verbs{"GET": versionInformation}},
	{"v1.0/zoneinformation", verbs{"GET": zoneInformation}},
	{"swagger/docs/v1", verbs{"GET": swagger}},
}

// inside is what a sign-in is needed for. Words stand before braces: the first pattern that fits is it.
var inside = []route{
	{"v1.0/thresholdinformation", verbs{"GET": thresholdInformation}},
	{"v1.0/version", verbs{"GET": version}},
	{"v1.0/entityinformation", verbs{"GET": allEntities}},
	{"v1.0/{entity}", verbs{"POST": createRoot, "PATCH": patchRoot, "PUT": putRoot}},
	{"v1.0/{entity}/entityinformation", verbs{"GET": entityInformation}},
	{"v1.0/{entity}/entityinformation/fields", verbs{"GET": fieldInformation}},
	{"v1.0/{entity}/entityinformation/userdefinedfields", verbs{"GET": udfInformation}},
	{"v1.0/{entity}/query", verbs{"GET": queryGet, "POST": queryPost}},
	{"v1.0/{entity}/query/count", verbs{"GET": countGet, "POST": countPost}},
	{"v1.0/{entity}/query/next", verbs{"GET": followPage, "POST": followPage}},
	{"v1.0/{entity}/{id}", verbs{"GET": getRoot, "DELETE": deleteRoot}},
	{"v1.0/{entity}/{id}/{child}", verbs{"GET": listChild, "POST": createChild, "PATCH": patchChild, "PUT": putChild}},
	{"v1.0/{entity}/{id}/{child}/{childid}", verbs{"GET": getChild, "DELETE": deleteChild}},
}

// route finds the call's handler and runs it.
func (c *call) route(table []route) answer {
	if len(c.parts) == 0 || c.parts[0] != "atservicesrest" {
		return c.notFound()
	}
	for _, r := range table {
		if !c.fits(strings.Split(r.pattern, "/"), c.parts[1:]) {
			continue
		}
		h := r.verbs[c.method]
		if h == nil {
			return c.notAllowed()
		}
		if c.who != nil {
			c.who.tenant.data.Lock()
			defer c.who.tenant.data.Unlock()
		}
		return h(c)
	}
	return c.notFound()
}

func (c *call) fits(pattern, parts []string) bool {
	if len(pattern) != len(parts) {
		return false
	}
	for i, p := range pattern {
		if !c.bind(p, parts[i]) {
			return false
		}
	}
	return true
}

// bind compares one part of a path with one of a pattern, and keeps what the braces stand for.
func (c *call) bind(pattern, part string) bool {
	switch pattern {
	case "{entity}":
		c.entity = entities[part]
		return c.entity != nil
	case "{child}":
		c.child = c.entity.child(part)
		return c.child != nil
	case "{id}":
		return number(part, &c.id)
	case "{childid}":
		return number(part, &c.childID)
	}
	return pattern == part
}

func number(part string, into *int64) bool {
	n, err := strconv.ParseInt(part, 10, 64)
	*into = n
	return err == nil
}
