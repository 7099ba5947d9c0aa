package caddymodule

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// logins warns of settings that work and protect or serve less well than their defaults.
func (a *advice) logins(app *App) {
	callers := app.callers()
	a.sharedRecords(app)
	for _, name := range slices.Sorted(maps.Keys(app.Logins)) {
		l, where := app.Logins[name], "login "+name
		a.addIf(l.InsecureHTTP, "insecure-http", where)
		a.addIf(len(l.Hosts) > 0, "extra-hosts", where, strings.Join(l.Hosts, ", "))
		a.addIf(l.Zone != "", "zone-pinned", where)
		a.addIf(callers[name] == 0, "unused-login", where)
		a.limits(where, l, callers[name])
	}
}

// manyCallers is how many integrations are many for a login that serves one call at a time.
const manyCallers = 4

func (a *advice) limits(where string, l *Login, callers int) {
	s := l.Settings()
	a.addIf(s.Observe, "observe", where)
	a.addIf(s.Recheck < 5*time.Minute, "recheck-short", where, s.Recheck)
	a.addIf(s.Linger < 30*time.Second, "linger-short", where, s.Linger)
	a.addIf(s.QueueDeadline > time.Minute, "deadline-long", where, s.QueueDeadline)
	a.addIf(s.InFlight == 1 && callers >= manyCallers, "in-flight-one", where, callers)
}

// sharedRecords warns of logins that name one record.
func (a *advice) sharedRecords(app *App) {
	names := map[SecretRef][]string{}
	for _, name := range slices.Sorted(maps.Keys(app.Logins)) {
		ref := *app.Logins[name].Secret
		names[ref] = append(names[ref], "login "+name)
	}
	for _, name := range slices.Sorted(maps.Keys(app.Logins)) {
		if ref := *app.Logins[name].Secret; len(names[ref]) > 1 {
			a.add("same-record", "login "+name, ref.Path, ref.Store)
		}
	}
}
